"""What a scenario says: a day of events, loads and faults for `venctl simulate` to play.

Written like a ven.yaml and read by the same code, so that every fault has its line and column.
Times are elapsed: `at: 18:00:00` is 18 hours after `start`, which is midnight where not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from ...audit.reader import faults_of
from ...kit.errors import Fault, SpecError, meant
from ...kit.localtime import start_ms
from ...kit.quantity import Millis, Watts, millis
from ...site.fields import CircuitId, Count, Flag, Model, OneOf
from ...site.source import Path, Source, parse
from ...site.spec import Spec

SITE = "unmetered"  # in `load` and `draws`: what is drawn beside the circuits
ALL = "all"
SHORTEST_LOOK_MS, LONGEST_LOOK_MS = 100, 3_600_000
LOOKS = "circuits are read each 100 ms to 1 h"
AS = "its correlationId, so that the same may be said twice; default: one of its own"
_ELAPSED = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3}))?)?")
_START = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")


def elapsed(said: object) -> int:
    """`1:30:05` as 5405000 ms. Raises ValueError with a sentence for people."""
    found = _ELAPSED.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise ValueError(f"{said!r} is not a time since the start; write it like 18:30:00")
    hours, minutes, seconds, thousandths = (part or "0" for part in found.groups())
    whole_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole_s * 1000 + int(thousandths.ljust(3, "0"))


def clock(ms: int) -> str:
    """5405000 ms as `1:30:05`: what `elapsed` reads."""
    seconds, rest = divmod(ms, 1000)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{rest:03}" if rest else text


def _step(said: object) -> int:
    back = isinstance(said, str) and said.startswith("-")
    return -millis(str(said)[1:]) if back else millis(said)


def _word(said: object) -> str:
    if not isinstance(said, str) or not 1 <= len(said) <= 128 or not said.isprintable():
        raise ValueError(f"{said!r} is not an event's id: 1 to 128 printable characters")
    return said


def _start(said: object) -> str:
    if not isinstance(said, str) or not _START.fullmatch(said):
        raise ValueError(f"{said!r} is not a start; write it like 2026-07-14T00:00")
    return said


Elapsed = Annotated[int, BeforeValidator(elapsed)]
Signed = Annotated[int, BeforeValidator(_step)]
EventId = Annotated[str, BeforeValidator(_word)]
Start = Annotated[str, BeforeValidator(_start)]
Door = Annotated[str, OneOf("door", "operator", "page", "cli")]
Position = Annotated[str, OneOf("position", "on", "off")]


class Call(Model):
    """Somebody calls an event, or revises one."""

    id: EventId = Field(description="the event's id; once more with a higher `revision`: new terms")
    shed: Watts = Field(description="how much less")
    for_: Millis = Field(alias="for", description="how long")
    start: Elapsed | None = Field(default=None, description="when it starts; default: at once")
    issued: Elapsed | None = Field(
        default=None, description="when it was issued; default: not said"
    )
    revision: Count = Field(default=0, description="higher: new terms of a known event")
    random: Millis = Field(default=0, description="a random start within so long")
    door: Door = Field(default="operator", description="operator (MQTT), page or cli")
    confirm: Flag = Field(
        default=True, description="whoever is at the site confirms it for an operator's event"
    )


class Ending(Model):
    """Somebody wants load back."""

    event: EventId = Field(default=ALL, description=f"one event, or `{ALL}` that are active")
    shuts: Flag = Field(
        default=False, description="with those to come; nothing new is taken on for 10 min"
    )
    door: Door = Field(default="page", description="operator (MQTT), page or cli")
    as_: EventId | None = Field(default=None, alias="as", description=AS)
    confirm: Flag = Field(
        default=True, description="whoever is at the site confirms it for an operator's event"
    )


class TakingBack(Model):
    """Somebody cancels an event."""

    event: EventId = Field(description="the event")
    door: Door = Field(default="operator", description="operator (MQTT), page or cli")
    confirm: Flag = Field(
        default=True, description="whoever is at the site confirms it for an operator's event"
    )


class OptOut(Model):
    """The occupant keeps the site, or one circuit, out of an event."""

    event: EventId = Field(description="the event")
    circuit: CircuitId | None = Field(default=None, description="default: the whole site")
    out: Flag = Field(default=True, description="false: the circuit may give again")
    confirm: Flag = Field(
        default=True, description="whoever is at the site confirms it for an operator's event"
    )


class Switching(Model):
    """Somebody switches a circuit."""

    circuit: CircuitId = Field(description="the circuit")
    to: Position = Field(description="on or off")
    door: Door = Field(default="page", description="operator (MQTT), page or cli")
    as_: EventId | None = Field(default=None, alias="as", description=AS)


class Locking(Model):
    """Somebody at the site locks a circuit out, or lets it be used again."""

    circuit: CircuitId = Field(description="the circuit")
    to: Position = Field(description="on: locked; off: unlocked")


class Wishing(Model):
    """The cloud desires something of a circuit, over the shadow."""

    circuit: CircuitId = Field(description="the circuit")
    to: Position = Field(description="on or off")


class Loading(Model):
    """From now on a circuit would draw so much if it were let be."""

    circuit: CircuitId = Field(description=f"the circuit; `{SITE}`: what is beside all circuits")
    draws: Watts = Field(description="in place of what `loads` says")


class Trouble(Model):
    """From now on something is wrong with a circuit, or well again."""

    circuit: CircuitId = Field(description="the circuit")
    kind: Annotated[str, OneOf("fault", "deaf", "silent", "odd", "stuck", "mute", "none")] = Field(
        description="deaf: obeys no hold; silent: not read; odd: its meter says what cannot be; "
        "stuck: not switched; mute: its driver answers neither, its device stays as it is; "
        "none: well again"
    )


class Crash(Model):
    """The program dies and is started again."""

    down: Millis = Field(default=0, description="how long it is away")
    reboot: Flag = Field(default=False, description="the whole machine comes up anew")
    amid: Flag = Field(
        default=False, description="once the next decision is journaled, before it is carried out"
    )


class Step(Model):
    """One thing that happens, and when."""

    at: Elapsed = Field(description="when, since the start")
    event: Call | None = Field(default=None, description="an event is called or revised")
    restore: Ending | None = Field(default=None, description="load is wanted back")
    cancel: TakingBack | None = Field(default=None, description="an event is taken back")
    again: EventId | None = Field(default=None, description="its last call is delivered once more")
    opt_out: OptOut | None = Field(default=None, description="the occupant keeps out of an event")
    switch: Switching | None = Field(default=None, description="a circuit is switched")
    lock: Locking | None = Field(default=None, description="a circuit is locked or unlocked")
    wish: Wishing | None = Field(default=None, description="the shadow desires something")
    load: Loading | None = Field(default=None, description="a load changes")
    fault: Trouble | None = Field(default=None, description="a circuit's device fails")
    link: Annotated[str | None, OneOf("state of the link", "lost", "back")] = Field(
        default=None, description="the link to the cloud"
    )
    crash: Crash | None = Field(default=None, description="the program dies")
    clock: Signed | None = Field(default=None, description="the wall clock is set by so much")

    @property
    def deeds(self) -> list[str]:
        """The names of what happens in it."""
        return [name for name in type(self).model_fields if name != "at" and self.deed(name)]

    def deed(self, name: str) -> Any:
        return getattr(self, name)


class Scenario(Model):
    """A stretch of time at a site."""

    about: str | None = Field(default=None, description="what it shows")
    breaks: str | None = Field(default=None, description="the rule it was found to break")
    start: Start = Field(default="2026-07-14T00:00", description="local time of the site")
    length: Millis | None = Field(
        default=None, description="default: until all that happens has come to rest"
    )
    look: Millis = Field(default=5_000, description="how often circuits are read")
    skip: Flag = Field(
        default=False, description="read nothing while nothing happens; the same, but quicker"
    )
    loads: Annotated[str | None, OneOf("load", "steady", "drift", "cycling")] = Field(
        default=None, description="how circuits draw; default: as `sim` in ven.yaml says"
    )
    seed: Count | None = Field(default=None, description="default: as `sim` in ven.yaml says")
    draws: dict[CircuitId, Watts] = Field(default={}, description="what circuits draw, from start")
    recorded: str | None = Field(
        default=None, description="a recorded day, beside this file: time, circuit and kW in CSV"
    )
    steps: list[Step] = Field(default=[], description="what happens")

    @property
    def last_ms(self) -> int:
        """When the last thing happens that this scenario names, since the start."""
        ends, begun, calls = [], dict[str, int](), dict[str, Call]()
        for step in self.steps:
            call = step.event or calls.get(step.again or "")
            if call is not None:  # what was refused when it came first may be taken on now
                calls[call.id] = call
                known_ms = begun.get(call.id, 0)  # a revision without a start keeps the old one
                begins_ms = max(step.at, known_ms) if call.start is None else call.start
                begun[call.id] = max(known_ms, begins_ms + call.random)
                ends.append(begun[call.id] + call.for_)
        downs = [step.at + step.crash.down for step in self.steps if step.crash]
        back_ms = sum(-step.clock for step in self.steps if step.clock and step.clock < 0)
        return back_ms + max([0, *(step.at for step in self.steps), *ends, *downs])


def read_scenario(text: str, file: str, spec: Spec) -> Scenario:
    """Read and check a scenario for a site. Raises `SpecError` with every fault found."""
    source = parse(text, file)
    try:
        found = Scenario.model_validate(source.value)
    except ValidationError as error:
        raise SpecError([*source.faults, *faults_of(source, error, Scenario)]) from None
    if faults := [*source.faults, *_audit(found, source, spec)]:
        raise SpecError(faults)
    return found


def _audit(scenario: Scenario, source: Source, spec: Spec) -> Iterator[Fault]:
    try:
        start_ms(scenario.start, spec.site.timezone)
    except ValueError as error:
        yield Fault(source.mark(("start",)), "bad-value", str(error))
    if not SHORTEST_LOOK_MS <= scenario.look <= LONGEST_LOOK_MS:
        yield Fault(source.mark(("look",)), "bad-value", LOOKS)
    for id in scenario.draws.keys() - {*spec.circuits, SITE}:
        yield Fault(source.key(("draws", id)), *_unknown(id, spec))
    for place, step in enumerate(scenario.steps):
        path: Path = ("steps", place)
        if len(step.deeds) != 1:
            names = ", ".join(name for name in Step.model_fields if name != "at")
            yield Fault(
                source.mark(path), "bad-value", "a step says one thing that happens", f"of: {names}"
            )
        for name in step.deeds:
            named: str | None = getattr(step.deed(name), "circuit", None)
            known = {*spec.circuits, *([SITE] if name == "load" else ())}
            if named is not None and named not in known:
                yield Fault(source.mark((*path, name, "circuit")), *_unknown(named, spec))


def _unknown(id: str, spec: Spec) -> tuple[str, str, str]:
    return "unknown-circuit", f"no circuit is called {id!r}", meant(id, spec.circuits)
