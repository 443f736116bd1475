"""What meters showed while circuits were switched, and how they moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, pstdev
from typing import Literal, TypeAlias

LEAST_MOVE_W = 25  # below this a meter may only flicker
SIGMAS = 4
TAIL = 3  # the newest samples of a phase show where it settled

Move = Literal["fell", "rose", "not_back", "still", "unknown"]


@dataclass(frozen=True, slots=True)
class MeterSample:
    """What a meter showed at a monotonic time; None: it could not be read then."""

    at_ms: int
    watts: int | None


Series: TypeAlias = Sequence[MeterSample]


@dataclass(frozen=True, slots=True, kw_only=True)
class OffOnStep:
    """One time that a circuit was switched off and on again, in monotonic ms.

    `quiet_ms`: since when nothing was switched. `off_seen_ms`, `on_seen_ms`: when it was read back;
    None: it was not.
    """

    quiet_ms: int
    off_ms: int
    off_seen_ms: int | None
    on_ms: int
    on_seen_ms: int | None
    end_ms: int


@dataclass(frozen=True, slots=True)
class Levels:
    """Where a meter stood before, while the circuit was off, and after; and how restless it was.

    `after_w` None: it was not read since.
    """

    before_w: int
    off_w: int
    after_w: int | None
    sigma_w: float

    @property
    def fall_w(self) -> int:
        return self.before_w - self.off_w

    @property
    def least_w(self) -> float:
        """What it must move by so that it is no accident."""
        return max(LEAST_MOVE_W, SIGMAS * self.sigma_w)

    @property
    def move(self) -> Move:
        """How it moved when the circuit went off; `fell` and `rose` also say that it came back."""
        if abs(self.fall_w) < self.least_w:
            return "still"
        if self.after_w is None:
            return "not_back"
        back_w = self.after_w - self.off_w
        if abs(back_w) < self.least_w or (back_w > 0) != (self.fall_w > 0):
            return "not_back"
        return "fell" if self.fall_w > 0 else "rose"


def levels(series: Series, step: OffOnStep) -> Levels | None:
    """How a meter stood in a step; None: it was not read before, or not while it was off."""
    before = _watts(series, step.quiet_ms, step.off_ms)
    # What was measured before the device was seen off may be of a load that still ran.
    off = _watts(series, step.off_seen_ms or step.off_ms, step.on_ms)[-TAIL:]
    after = _watts(series, step.on_seen_ms or step.on_ms, step.end_ms)[-TAIL:]
    if not before or not off:
        return None
    after_w = round(median(after)) if after else None
    return Levels(round(median(before)), round(median(off)), after_w, pstdev(before))


def moves(series: Series, steps: Iterable[OffOnStep]) -> tuple[Move, Levels | None]:
    """How a meter moved in all steps alike, and how it stood in the last; else it is `still`."""
    found = [levels(series, step) for step in steps]
    if not found or any(one is None for one in found):
        return "unknown", None
    known = [one for one in found if one is not None]
    first = known[0].move
    return (first if all(one.move == first for one in known) else "still"), known[-1]


def lost(all_series: Mapping[str, Series], step: OffOnStep) -> tuple[str, ...]:
    """What could be read before, and not once while the circuit was off: it lost its supply."""
    return tuple(name for name, series in all_series.items() if _lost(series, step))


def _lost(series: Series, step: OffOnStep) -> bool:
    before = [one for one in series if step.quiet_ms <= one.at_ms < step.off_ms]
    off = [one for one in series if step.off_ms <= one.at_ms < step.on_ms]
    failed = [one for one in off if one.watts is None]
    return (
        bool(before)
        and before[-1].watts is not None
        and len(failed) >= 2
        and all(one.watts is None for one in off[-len(failed) :])
    )


def settled(series: Series, step: OffOnStep, since_ms: int, back: bool) -> bool:
    """Whether a meter has shown, since a time, that it went off, or that it is `back`."""
    before = _watts(series, step.quiet_ms, step.off_ms)
    news = [one.watts for one in series if one.at_ms >= since_ms and one.watts is not None]
    if not before or len(news) < TAIL:
        return False
    levels = Levels(round(median(before)), round(median(news[-TAIL:])), None, pstdev(before))
    if max(news[-TAIL:]) - min(news[-TAIL:]) > max(levels.least_w, abs(levels.before_w) * 0.1):
        return False
    near_w = max(levels.least_w, abs(levels.before_w) * 0.2)
    return abs(levels.fall_w) <= near_w if back else abs(levels.fall_w) > near_w


def reached_ms(series: Series, since_ms: int, level_w: int, from_w: int) -> int | None:
    """How long a meter took to come most of the way from one level to another; None: it did not."""
    near_w = max(LEAST_MOVE_W, abs(from_w - level_w) * 0.2)
    for one in series:
        if one.at_ms >= since_ms and one.watts is not None and abs(one.watts - level_w) <= near_w:
            return one.at_ms - since_ms
    return None


def _watts(series: Series, from_ms: int, to_ms: int) -> list[int]:
    return [one.watts for one in series if from_ms <= one.at_ms < to_ms and one.watts is not None]
