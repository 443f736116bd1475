"""What a site would have drawn: baselines to settle an event by, and how good they are.

Every one leaves out all events and their recoveries. Powers are watts, times UTC milliseconds, and
a span is half open. Figures carry the id of their method and the share of samples that were there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..kit.localtime import days_before

HOUR_MS = 3_600_000
MOST_DAYS_BACK = 60
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the site drew at a moment."""

    at_ms: int
    power_w: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline, by which method, and which share of what it wanted to see was there."""

    method: str
    power_w: float
    quality: float


def left_out(events: Iterable[Span], recovery_ms: int) -> list[Span]:
    """The spans that no baseline may use: each event, and the recovery after it."""
    return sorted((start_ms, end_ms + recovery_ms) for start_ms, end_ms in events)


def x_of_y(days: Sequence[float], x: int, way: str) -> float:
    """The mean of `x` of these days: the `high`est, `middle` or `low`est. The newest comes first.

    Of days that are equal the newer counts as the higher. Raises ValueError for fewer than `x`.
    """
    if not 1 <= x <= len(days):
        raise ValueError(f"cannot take {x} of {len(days)} days")
    ranked = sorted(range(len(days)), key=lambda place: (-days[place], place))
    first = {"high": 0, "middle": (len(days) - x) // 2, "low": len(days) - x}[way]
    return fmean(days[place] for place in ranked[first : first + x])


def of_days(
    samples: Sequence[Sample],
    event: Span,
    without: Sequence[Span],
    timezone: str | None,
    x: int,
    y: int,
    way: str,
) -> Baseline | None:
    """X of the last Y days, in the same local hours; None where not even X can be found.

    A day on which anything of those hours is left out does not count as a day.
    """
    days: list[float] = []
    for back in range(1, MOST_DAYS_BACK + 1):
        start_ms, end_ms = (days_before(at_ms, back, timezone) for at_ms in event)
        hours = [sample.power_w for sample in samples if start_ms <= sample.at_ms < end_ms]
        if hours and not _touches((start_ms, end_ms), without):
            days.append(fmean(hours))
        if len(days) == y:
            break
    if len(days) < x:
        return None
    return Baseline(f"{way}-{x}-of-{y}", x_of_y(days, x, way), len(days) / y)


def meter_before(
    samples: Sequence[Sample], event: Span, without: Sequence[Span], window_ms: int
) -> Baseline | None:
    """What was drawn just before the event."""
    return _of_spans("meter-before", samples, [(event[0] - window_ms, event[0])], without)


def same_day(samples: Sequence[Sample], event: Span, without: Sequence[Span]) -> Baseline | None:
    """Three hours before and two after, each an hour away from the event (PJM's 3 + 2)."""
    start_ms, end_ms = event
    before = (start_ms - 4 * HOUR_MS, start_ms - HOUR_MS)
    after = (end_ms + HOUR_MS, end_ms + 3 * HOUR_MS)
    return _of_spans("same-day-3+2", samples, [before, after], without)


def by_ratio(baseline_w: float, seen_w: float, expected_w: float, cap: float) -> float:
    """A baseline times what was seen before the event over what it expected then, within `cap`."""
    if not expected_w:
        return baseline_w
    return baseline_w * min(1 + cap, max(1 - cap, seen_w / expected_w))


def by_difference(baseline_w: float, seen_w: float, expected_w: float) -> float:
    """A baseline plus what was seen before the event beyond what it expected then."""
    return max(0.0, baseline_w + seen_w - expected_w)


def delivered_w(baseline_w: float, measured_w: Sequence[float]) -> list[float]:
    """What was delivered in each interval; for settlement never below nothing."""
    return [max(0.0, baseline_w - power_w) for power_w in measured_w]


def performance(delivered: Sequence[float], committed_w: float) -> float:
    """Mean delivery over what was committed: 0.95 to 1.20 is what a programme expects."""
    return fmean(delivered) / committed_w


def energy_wh(delivered: Sequence[float], interval_ms: int) -> float:
    """Watt hours of intervals of equal length."""
    return sum(delivered) * interval_ms / HOUR_MS


def cvrmse(measured: Sequence[float], predicted: Sequence[float], k: int) -> float:
    """How far a baseline strays on days without an event, as a share of the mean; `k` parameters.

    Raises ValueError where there are not more than `k` values, or their mean is nothing.
    """
    squares = sum((m - p) ** 2 for m, p in zip(measured, predicted, strict=True))
    return math.sqrt(squares / _freedom(measured, k)) / fmean(measured)


def nmbe(measured: Sequence[float], predicted: Sequence[float], k: int) -> float:
    """How far it strays to one side, as a share of the mean; above 0 it says too little."""
    bias = sum(m - p for m, p in zip(measured, predicted, strict=True))
    return bias / _freedom(measured, k) / fmean(measured)


def _freedom(measured: Sequence[float], k: int) -> int:
    if len(measured) <= k or not any(measured):
        raise ValueError(f"{len(measured)} values are too few to judge a baseline")
    return len(measured) - k


def _of_spans(
    method: str, samples: Sequence[Sample], spans: Sequence[Span], without: Sequence[Span]
) -> Baseline | None:
    there = [sample for sample in samples if _within(sample.at_ms, spans)]
    used = [sample.power_w for sample in there if not _within(sample.at_ms, without)]
    return Baseline(method, fmean(used), len(used) / len(there)) if used else None


def _within(at_ms: int, spans: Sequence[Span]) -> bool:
    return any(start_ms <= at_ms < end_ms for start_ms, end_ms in spans)


def _touches(span: Span, spans: Sequence[Span]) -> bool:
    return any(start_ms < span[1] and span[0] < end_ms for start_ms, end_ms in spans)
