"""A scenario: a day of events, loads and faults for `venctl simulate` to play.

Written like a ven.yaml and read by the same code, so that every finding has its line and column.
Times are elapsed: `at: 18:00:00` is 18 hours after `start`, which is midnight by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from ...audit.reader import findings_of
from ...kit.errors import Finding, SpecError, suggestion
from ...kit.localtime import start_ms
from ...kit.quantity import Millis, Watts, millis
from ...site.fields import CircuitId, Count, Flag, Model, OneOf
from ...site.source import Path, Source, parse
from ...site.spec import Spec
from .elapsed import parse_elapsed

SITE = "unmetered"  # in `load` and `draws`: load that is in no circuit
ALL = "all"
SHORTEST_LOOK_MS, LONGEST_LOOK_MS = 100, 3_600_000
LOOKS = "`look` is out of range"
AS = "its correlationId, to send the same command twice; default: one of its own"
_START = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")


def _step(value: object) -> int:
    back = isinstance(value, str) and value.startswith("-")
    return -millis(str(value)[1:]) if back else millis(value)


def _word(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 128 or not value.isprintable():
        raise ValueError(f"{value!r} is not an event id; write 1 to 128 printable characters")
    return value


def _start(value: object) -> str:
    if not isinstance(value, str) or not _START.fullmatch(value):
        raise ValueError(f"{value!r} is not a start; write it like 2026-07-14T00:00")
    return value


Elapsed = Annotated[int, BeforeValidator(parse_elapsed)]
Signed = Annotated[int, BeforeValidator(_step)]
EventId = Annotated[str, BeforeValidator(_word)]
Start = Annotated[str, BeforeValidator(_start)]
Door = Annotated[str, OneOf("door", "operator", "page", "cli")]
Position = Annotated[str, OneOf("to", "on", "off")]


class EventStep(Model):
    """Somebody requests an event, or revises one."""

    id: EventId = Field(
        description="id of the event; repeat it with a higher `revision` for new terms"
    )
    shed: Watts = Field(description="load to shed")
    for_: Millis = Field(alias="for", description="length of the event")
    start: Elapsed | None = Field(default=None, description="when it starts; default: at once")
    issued: Elapsed | None = Field(
        default=None, description="when it was issued; default: not given"
    )
    revision: Count = Field(default=0, description="a higher number has new terms of a known event")
    random: Millis = Field(default=0, description="random delay of the start, at most this")
    door: Door = Field(default="operator", description="operator (MQTT), page or cli")
    confirm: Flag = Field(
        default=True, description="the person at the site confirms it, if it is an operator's event"
    )


class RestoreStep(Model):
    """Somebody requests load back."""

    event: EventId = Field(default=ALL, description=f"one event, or `{ALL}` active ones")
    shuts: Flag = Field(
        default=False, description="also end future events, and accept no new ones for 10 min"
    )
    door: Door = Field(default="page", description="operator (MQTT), page or cli")
    as_: EventId | None = Field(default=None, alias="as", description=AS)
    confirm: Flag = Field(
        default=True, description="the person at the site confirms it, if it is an operator's event"
    )


class CancelStep(Model):
    """Somebody cancels an event."""

    event: EventId = Field(description="the event")
    door: Door = Field(default="operator", description="operator (MQTT), page or cli")
    confirm: Flag = Field(
        default=True, description="the person at the site confirms it, if it is an operator's event"
    )


class OptOutStep(Model):
    """The occupant opts the site, or one circuit, out of an event."""

    event: EventId = Field(description="the event")
    circuit: CircuitId | None = Field(default=None, description="default: the whole site")
    out: Flag = Field(default=True, description="false: the circuit is opted in again")
    confirm: Flag = Field(
        default=True, description="the person at the site confirms it, if it is an operator's event"
    )


class SwitchStep(Model):
    """Somebody switches a circuit."""

    circuit: CircuitId = Field(description="the circuit")
    to: Position = Field(description="on or off")
    door: Door = Field(default="page", description="operator (MQTT), page or cli")
    as_: EventId | None = Field(default=None, alias="as", description=AS)


class LockStep(Model):
    """Somebody at the site locks or unlocks a circuit."""

    circuit: CircuitId = Field(description="the circuit")
    to: Position = Field(description="on: locked; off: unlocked")


class WishStep(Model):
    """The cloud desires a state of a circuit, in the shadow."""

    circuit: CircuitId = Field(description="the circuit")
    to: Position = Field(description="on or off")


class LoadStep(Model):
    """From now on a circuit draws this much if nothing limits it."""

    circuit: CircuitId = Field(description=f"the circuit; `{SITE}`: load that is in no circuit")
    draws: Watts = Field(description="power it draws, instead of what `loads` says")


FAULTS = {
    "deaf": "ignores holds",
    "silent": "no readings",
    "odd": "impossible readings",
    "stuck": "cannot be switched",
    "mute": "its driver does not answer, its device stays as it is",
    "dead": "mute, and no readings",
    "flapping": "dead for 20 s out of every 40 s",
    "slow": "answers after 3 s",
    "late": "does what it is told, but answers too late to be heard",
    "reboots": "starts anew: it has forgotten its hold, and is told again 5 s later",
    "none": "works again",
}


class FaultStep(Model):
    """From now on a circuit has a fault, or works again."""

    circuit: CircuitId = Field(description="the circuit")
    kind: Annotated[str, OneOf("kind", *FAULTS)] = Field(
        description="; ".join(f"{kind}: {meaning}" for kind, meaning in FAULTS.items())
    )


class CrashStep(Model):
    """The program crashes and is started again."""

    down: Millis = Field(default=0, description="how long it is down")
    reboot: Flag = Field(default=False, description="the whole machine reboots")
    amid: Flag = Field(
        default=False, description="when the next decision is journaled, before it is carried out"
    )


class Step(Model):
    """One thing that happens, and when."""

    at: Elapsed = Field(description="when, since the start")
    event: EventStep | None = Field(default=None, description="an event is requested or revised")
    restore: RestoreStep | None = Field(default=None, description="load is requested back")
    cancel: CancelStep | None = Field(default=None, description="an event is cancelled")
    again: EventId | None = Field(
        default=None, description="the last request of this event is delivered again"
    )
    opt_out: OptOutStep | None = Field(
        default=None, description="the occupant opts out of an event"
    )
    switch: SwitchStep | None = Field(default=None, description="a circuit is switched")
    lock: LockStep | None = Field(default=None, description="a circuit is locked or unlocked")
    wish: WishStep | None = Field(
        default=None, description="the cloud desires a state of a circuit"
    )
    load: LoadStep | None = Field(default=None, description="a load changes")
    fault: FaultStep | None = Field(
        default=None, description="a circuit has a fault, or works again"
    )
    link: Annotated[str | None, OneOf("link", "lost", "back")] = Field(
        default=None, description="the link to the cloud"
    )
    crash: CrashStep | None = Field(default=None, description="the program crashes")
    clock: Signed | None = Field(
        default=None, description="the wall clock is set forward or back by this"
    )

    @property
    def deeds(self) -> list[str]:
        """The keys that this step has, besides `at`."""
        return [name for name in type(self).model_fields if name != "at" and self.deed(name)]

    def deed(self, name: str) -> Any:
        return getattr(self, name)


class Scenario(Model):
    """A day, or any length of time, at a site."""

    about: str | None = Field(default=None, description="what it shows")
    breaks: str | None = Field(default=None, description="the rule that it breaks")
    start: Start = Field(default="2026-07-14T00:00", description="local time at which it starts")
    length: Millis | None = Field(
        default=None, description="length; default: until everything is at rest"
    )
    look: Millis = Field(default=5_000, description="how often circuits are read")
    skip: Flag = Field(
        default=False, description="skip readings while nothing happens; same result, but faster"
    )
    loads: Annotated[str | None, OneOf("loads", "steady", "drift", "cycling")] = Field(
        default=None, description="how circuits draw; default: `sim.load` of ven.yaml"
    )
    seed: Count | None = Field(
        default=None, description="seed of the loads; default: `sim.seed` of ven.yaml"
    )
    draws: dict[CircuitId, Watts] = Field(
        default={}, description="power that circuits draw from the start"
    )
    recorded: str | None = Field(
        default=None,
        description="file with a recorded day, relative to this file: CSV with time,circuit,kW",
    )
    steps: list[Step] = Field(default=[], description="what happens")

    @property
    def last_ms(self) -> int:
        """When the last thing in this scenario happens, in ms since the start."""
        ends, begun, calls = [], dict[str, int](), dict[str, EventStep]()
        for step in self.steps:
            call = step.event or calls.get(step.again or "")
            if call is not None:  # a request that was refused before may be accepted now
                calls[call.id] = call
                known_ms = begun.get(call.id, 0)  # a revision without a start keeps the old one
                begins_ms = max(step.at, known_ms) if call.start is None else call.start
                begun[call.id] = max(known_ms, begins_ms + call.random)
                ends.append(begun[call.id] + call.for_)
        downs = [step.at + step.crash.down for step in self.steps if step.crash]
        back_ms = sum(-step.clock for step in self.steps if step.clock and step.clock < 0)
        return back_ms + max([0, *(step.at for step in self.steps), *ends, *downs])


def read_scenario(text: str, file: str, spec: Spec) -> Scenario:
    """Read and check a scenario for a site. Raises `SpecError` with every finding."""
    source = parse(text, file)
    try:
        scenario = Scenario.model_validate(source.value)
    except ValidationError as error:
        raise SpecError([*source.faults, *findings_of(source, error, Scenario)]) from None
    if faults := [*source.faults, *_audit(scenario, source, spec)]:
        raise SpecError(faults)
    return scenario


def _audit(scenario: Scenario, source: Source, spec: Spec) -> Iterator[Finding]:
    try:
        start_ms(scenario.start, spec.site.timezone)
    except ValueError as error:
        yield Finding(source.mark(("start",)), "bad-value", str(error))
    if not SHORTEST_LOOK_MS <= scenario.look <= LONGEST_LOOK_MS:
        yield Finding(source.mark(("look",)), "bad-value", LOOKS, "write 100 ms to 1 h")
    for id in scenario.draws.keys() - {*spec.circuits, SITE}:
        yield Finding(source.key(("draws", id)), *_unknown(id, spec))
    for index, step in enumerate(scenario.steps):
        path: Path = ("steps", index)
        if len(step.deeds) != 1:
            names = ", ".join(name for name in Step.model_fields if name != "at")
            yield Finding(
                source.mark(path),
                "bad-value",
                "a step needs exactly one key besides `at`",
                f"write one of {names}",
            )
        for name in step.deeds:
            named: str | None = getattr(step.deed(name), "circuit", None)
            circuits = {*spec.circuits, *([SITE] if name == "load" else ())}
            if named is not None and named not in circuits:
                yield Finding(source.mark((*path, name, "circuit")), *_unknown(named, spec))


def _unknown(id: str, spec: Spec) -> tuple[str, str, str]:
    return "unknown-circuit", f"no circuit is called {id!r}", suggestion(id, spec.circuits)
