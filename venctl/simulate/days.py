"""Plays a scenario or a recorded day against a site, thousands of times faster than real time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from statemachine.kit.localtime import local_time
from statemachine.kit.quantity import millis_text
from statemachine.site.spec import Spec
from statemachine.state.effects import Ack
from statemachine.verify.rules.run_rules import Violation, violations_of
from statemachine.verify.search.pairs import TWINS, differences
from statemachine.verify.world.play import Moment, Play
from statemachine.verify.world.recorded import RecordedDay, read_recorded
from statemachine.verify.world.scenario import Scenario, read_scenario

from ..base.private_files import read_text
from .report import DayReport

TAIL_MS = 60_000
MOST_RECORDED = 32 << 20  # bytes; a day of 10 circuits, each read every 1.5 s
RECORDINGS = (".csv", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A command that the site refused, and why. `event_id` is the event it was about."""

    ms: int
    op: str
    event_id: str | None
    reason: str
    detail: str

    def __str__(self) -> str:
        named = f"{self.op} {self.event_id}" if self.event_id else self.op
        return f"{named} was refused: {self.reason}: {self.detail}"


@dataclass(frozen=True, slots=True)
class PlayedDay:
    """A simulated day: its diary, refused commands, broken rules, and how long it took."""

    diary: DayReport
    refused: tuple[RefusedCommand, ...]
    broken: tuple[Violation, ...]
    play: Play
    took_s: float

    @property
    def times(self) -> float:
        """How many times faster than real time."""
        return self.play.ms / 1000 / max(1e-9, self.took_s)

    def clock(self, ms: int) -> str:
        """The local time at `ms` of the simulation, by a clock that is never set."""
        timezone = self.play.spec.site.timezone
        return local_time(self.play.start_ms + ms, timezone).strftime("%H:%M:%S")


def load_day(spec: Spec, file: Path | None) -> tuple[Scenario, RecordedDay | None]:
    """The scenario in a file, or for a recorded day; without a file, a day without events.

    Raises SpecError and OSError.
    """
    if file is None:
        return Scenario(), None
    if file.suffix in RECORDINGS:
        text = read_text(file, MOST_RECORDED)
        recorded = read_recorded(text, str(file), spec)
        start = local_time(recorded.first_ms, spec.site.timezone).isoformat(timespec="seconds")
        length = millis_text(recorded.last_ms - recorded.first_ms + TAIL_MS)
        return Scenario.model_validate({"start": start, "length": length}), recorded
    scenario = read_scenario(read_text(file), str(file), spec)
    if scenario.recorded is None:
        return scenario, None
    beside = file.resolve().parent / scenario.recorded
    return scenario, read_recorded(read_text(beside, MOST_RECORDED), str(beside), spec)


def play_day(
    spec: Spec, scenario: Scenario, recorded: RecordedDay | None, every_ms: int
) -> PlayedDay:
    """Play a scenario to its end, and check every rule."""
    play, diary, began_s = Play(spec, scenario, recorded), DayReport(every_ms), time.perf_counter()
    refused: list[RefusedCommand] = []

    def seen(_: Play, moment: Moment) -> None:
        diary.see(play, moment)
        refused.extend(_refused(moment))

    broken: dict[str, Violation] = {}
    for violation in violations_of(play, seen):
        broken.setdefault(violation.rule, violation)
    took_s = time.perf_counter() - began_s
    if scenario.breaks in TWINS:
        for ms, detail in differences(spec, scenario, scenario.breaks):
            broken[scenario.breaks] = Violation(scenario.breaks, ms, detail)
    return PlayedDay(diary, tuple(refused), tuple(broken.values()), play, took_s)


def _refused(moment: Moment) -> Iterator[RefusedCommand]:
    for effect in moment.effects:
        if isinstance(effect, Ack) and effect.body["status"] == "rejected":
            ack = effect.body
            id = ack.get("event_id")
            yield RefusedCommand(moment.ms, ack["op"], id, ack["reason"], ack["detail"])
