"""Baselines: what a site would have drawn without an event, to settle it, and how good they are.

All of them leave out every event and its recovery. Powers are watts, times UTC milliseconds, spans
are half open. A baseline has the id of its method and the share of samples that were there.
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
    """What the site drew at a moment, in watts."""

    at_ms: int
    power_w: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline in watts, its method, and the share of wanted samples that was there."""

    method: str
    power_w: float
    quality: float


def excluded_spans(events: Iterable[Span], recovery_ms: int) -> list[Span]:
    """The spans that no baseline can use: each event and the recovery after it."""
    return sorted((start_ms, end_ms + recovery_ms) for start_ms, end_ms in events)


def x_of_y_mean(days: Sequence[float], x: int, way: str) -> float:
    """The mean of `x` of these days: the `high`est, `middle` or `low`est. The newest comes first.

    Of equal days the newer one counts as higher. Raises ValueError for fewer than `x` days.
    """
    if not 1 <= x <= len(days):
        raise ValueError(f"cannot take {x} of {len(days)} days")
    ranked = sorted(range(len(days)), key=lambda index: (-days[index], index))
    first = {"high": 0, "middle": (len(days) - x) // 2, "low": len(days) - x}[way]
    return fmean(days[index] for index in ranked[first : first + x])


def x_of_y_baseline(
    samples: Sequence[Sample],
    event: Span,
    without: Sequence[Span],
    timezone: str | None,
    x: int,
    y: int,
    way: str,
) -> Baseline | None:
    """X of the last Y days, in the same local hours; None if there are fewer than X.

    A day counts only if nothing of those hours is left out.
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
    return Baseline(f"{way}-{x}-of-{y}", x_of_y_mean(days, x, way), len(days) / y)


def meter_before_baseline(
    samples: Sequence[Sample], event: Span, without: Sequence[Span], window_ms: int
) -> Baseline | None:
    """The mean power in the window before the event."""
    return _of_spans("meter-before", samples, [(event[0] - window_ms, event[0])], without)


def same_day_baseline(
    samples: Sequence[Sample], event: Span, without: Sequence[Span]
) -> Baseline | None:
    """Three hours before and two after, each an hour away from the event (PJM's 3 + 2)."""
    start_ms, end_ms = event
    before = (start_ms - 4 * HOUR_MS, start_ms - HOUR_MS)
    after = (end_ms + HOUR_MS, end_ms + 3 * HOUR_MS)
    return _of_spans("same-day-3+2", samples, [before, after], without)


def adjusted_by_ratio(baseline_w: float, seen_w: float, expected_w: float, cap: float) -> float:
    """A baseline scaled by measured over expected power before the event, limited by `cap`."""
    if not expected_w:
        return baseline_w
    return baseline_w * min(1 + cap, max(1 - cap, seen_w / expected_w))


def adjusted_by_difference(baseline_w: float, seen_w: float, expected_w: float) -> float:
    """A baseline plus measured minus expected power before the event, at least 0."""
    return max(0.0, baseline_w + seen_w - expected_w)


def delivered_w(baseline_w: float, measured_w: Sequence[float]) -> list[float]:
    """The delivered watts of each interval; at least 0, as settlement requires."""
    return [max(0.0, baseline_w - power_w) for power_w in measured_w]


def performance(delivered: Sequence[float], committed_w: float) -> float:
    """Mean delivery divided by the commitment; programmes expect 0.95 to 1.20."""
    return fmean(delivered) / committed_w


def energy_wh(delivered: Sequence[float], interval_ms: int) -> float:
    """Watt hours of intervals of equal length."""
    return sum(delivered) * interval_ms / HOUR_MS


def cvrmse(measured: Sequence[float], predicted: Sequence[float], k: int) -> float:
    """Error of a baseline on days without an event, as a share of the mean; `k` parameters.

    Raises ValueError for `k` values or fewer, and for values that are all 0.
    """
    squares = sum((m - p) ** 2 for m, p in zip(measured, predicted, strict=True))
    return math.sqrt(squares / _freedom(measured, k)) / fmean(measured)


def nmbe(measured: Sequence[float], predicted: Sequence[float], k: int) -> float:
    """Bias of a baseline, as a share of the mean; above 0 it is too low."""
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
