"""What can happen to a site. Whoever hears of it stamps both clocks: the core has none.

`at_ms` is UTC in milliseconds, `mono_ms` the machine's monotonic clock, whose zero means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .reasons import Reason

# The sources of commands; "device": a person at the device itself.
OPERATOR, HERE = "operator", ("page", "cli", "device")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Base of all triggers. `name` is the word ven.yaml uses for it, if a chart may."""

    name: ClassVar[str] = ""
    at_ms: int
    mono_ms: int


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """What the journal remembers of a command with the same key, answered at `at_ms`; its digest
    "": no terms.
    """

    revision: int
    digest: str
    ack: Mapping[str, Any]
    at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Trigger):
    """A trigger that somebody awaits exactly one ack to.

    `source` is the door (`operator`, `page`, `cli`), `reply` tells the runtime whom to answer,
    `key` says what a copy of it is ("" for what is never remembered), `digest` tells two bodies
    apart, and `earlier` is what the journal knew of `key` when the command arrived. `blind`: what
    is remembered cannot be read now, so that an event may well be live that is not known. `ids`
    are those that could be read, as the ack carries them; `issued_ms` is when it says it was sent.
    `confirmed`: also where it touches what is critical, or an event of the grid operator. `why`:
    the reason that was given. `who` asked, as far as the door can tell.
    """

    op: str
    source: str
    reply: str
    correlation: str | None
    key: str
    digest: str
    earlier: EarlierAnswer | None = None
    blind: bool = False
    ids: Mapping[str, Any] = field(default_factory=dict)
    issued_ms: int | None = None
    confirmed: bool = False
    why: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid(Command):
    """A command that says something that cannot be; answered `rejected` with `reason`."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Command):
    """Are you there?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Get(Command):
    """Tell me your `what`: status, config, loads or events."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrEvent(Command):
    """The grid asks for `shed_w` less, from `start_ms` (None: now) for `duration_ms`.

    `made`: it came without an id, and was given this one.
    """

    name: ClassVar[str] = "dr_event"
    event_id: str
    shed_w: int
    start_ms: int | None
    duration_ms: int
    revision: int
    randomize_ms: int = 0
    made: bool = False

    @property
    def begins_ms(self) -> int:
        """The start, in UTC milliseconds."""
        return self.at_ms if self.start_ms is None else self.start_ms

    @property
    def ends_ms(self) -> int:
        """The end, exclusive, in UTC milliseconds."""
        return self.begins_ms + self.duration_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(Command):
    """Somebody wants load back: of one event, or (None) of every active one.

    `shuts`: those to come end as well, and for a while no new one is taken on.
    """

    name: ClassVar[str] = "restore"
    event_id: str | None
    shuts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Command):
    """Somebody takes an event back."""

    name: ClassVar[str] = "cancel"
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut(Command):
    """The occupant keeps the whole site (None), or one circuit, out of an event.

    Not `out`: the circuit may give again.
    """

    name: ClassVar[str] = "restore"
    event_id: str
    circuit: str | None
    out: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Toggle(Command):
    """Somebody switches a circuit. A critical one is switched off only where confirmed."""

    circuit: str
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(Command):
    """Somebody at the site locks a circuit out, or lets it be used again."""

    circuit: str
    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetConfig(Command):
    """Somebody wants telemetry every `every_ms`."""

    every_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge(Command):
    """Somebody at the site has seen the alarm of this id."""

    alarm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(Trigger):
    """The program finds something wrong with itself, in words; `text` None: it is well again.

    `about` tells several alarms of one kind apart.
    """

    kind: str
    about: str = ""
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings(Trigger):
    """What circuits draw now, in watts. A circuit that was not read since the last is absent.

    `age_ms` says how old a reading is; a circuit that is absent from it was read just now. `odd`
    says what is wrong with the meters whose readings are not believed. `unmetered_w` None: the main
    meter cannot be read.
    """

    drawn_w: Mapping[str, int]
    unmetered_w: int | None
    age_ms: Mapping[str, int] = field(default_factory=dict)
    odd: Mapping[str, str] = field(default_factory=dict)


NO_ANSWER = "no answer"  # how the fault of a driver begins that did not answer in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched(Trigger):
    """A driver's answer to a Switch: done, or why not. It comes when a fault ends, too."""

    circuit: str
    enabled: bool
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer(Trigger):
    """A Wake came due; it says only: look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted(Trigger):
    """The program came back. `boot` tells a restart of the program from one of the machine.

    Not `known`: what was remembered cannot be read now, so nobody knows how people left switches.
    `since`: what was asked while that was so, to be done now that it can be; each was answered.
    """

    name: ClassVar[str] = "restarted"
    boot: str
    known: bool = True
    since: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded(Trigger):
    """Another ven.yaml is in force: what it changes, in words, and a new telemetry interval."""

    said: tuple[str, ...]
    every_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Trigger):
    """A driver's answer to a Hold of `watts`: done, or why not; None: it lets the circuit be.

    It comes for each new hold, when a fault begins or changes, and when it ends.
    """

    circuit: str
    watts: int | None
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected(Trigger):
    """The link is up and its subscriptions are granted."""

    name: ClassVar[str] = "connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected(Trigger):
    """The link is gone."""

    name: ClassVar[str] = "disconnected"


def signature(command: Command) -> str:
    """The digest of its terms and, of what is no event, when it was issued: by that the very same
    message is known again. An event is judged by its terms alone.
    """
    if command.issued_ms is None or isinstance(command, DrEvent):
        return command.digest
    return f"{command.digest}@{command.issued_ms}"
