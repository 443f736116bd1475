"""The record of a simulated day: rows for the table, points for the charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from statemachine.curtail.requirement import required_w
from statemachine.state.measures import power_w, shed_w
from statemachine.state.triggers import Readings
from statemachine.verify.world.play import Moment, Play


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row: elapsed time, each event's state, and requested, commanded and measured power."""

    ms: int
    events: Mapping[str, str]
    asked_w: int
    commanded_w: int
    measured_w: int
    power_w: int
    held: Mapping[str, int]

    @property
    def base_w(self) -> int:
        """The power the site would draw without shedding, in W."""
        return self.power_w + self.measured_w

    def same(self, other: ReportRow) -> bool:
        """Whether nothing but the loads changed between the two."""
        own = (self.events, self.asked_w, self.commanded_w, self.held)
        return own == (other.events, other.asked_w, other.commanded_w, other.held)


@dataclass(slots=True)
class DayReport:
    """Collected while a day is played: a line for every reading, and those for the table."""

    every_ms: int
    lines: list[ReportRow] = field(default_factory=list)
    rows: list[ReportRow] = field(default_factory=list)

    def see(self, play: Play, moment: Moment) -> None:
        """Add a line at each reading, when the effect of commands is measured."""
        if not isinstance(moment.trigger, Readings):
            return
        line = _line(play, moment)
        self.lines.append(line)
        last = self.rows[-1] if self.rows else None
        if last is None or not line.same(last) or line.ms - last.ms >= self.every_ms:
            self.rows.append(line)

    def shed_wh(self) -> int:
        """The energy that was shed, in Wh."""
        return round(_area(self.lines, [line.measured_w for line in self.lines]))

    def asked_wh(self) -> int:
        """The energy that was requested, in Wh."""
        return round(_area(self.lines, [line.asked_w for line in self.lines]))


def _line(play: Play, moment: Moment) -> ReportRow:
    memory = moment.memory
    lives = memory.circuits.items()
    return ReportRow(
        moment.ms,
        {id: event.state for id, event in memory.events.items()},
        required_w(play.spec, memory, play.at_ms),
        sum(memory.cuts.values()),
        shed_w(memory),
        power_w(memory),
        {id: live.held_w for id, live in lives if live.held_w is not None},
    )


def _area(lines: Sequence[ReportRow], watts: Sequence[int]) -> float:
    hours = [(b.ms - a.ms) / 3_600_000 for a, b in pairwise(lines)]
    return sum(w * h for w, h in zip(watts, hours, strict=False))
