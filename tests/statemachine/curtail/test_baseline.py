"""Baselines: figures known by hand, and that no event or recovery is ever part of one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.curtail.baseline import (
    HOUR_MS,
    Baseline,
    Sample,
    adjusted_by_difference,
    adjusted_by_ratio,
    cvrmse,
    delivered_w,
    energy_wh,
    excluded_spans,
    meter_before_baseline,
    nmbe,
    performance,
    same_day_baseline,
    x_of_y_baseline,
    x_of_y_mean,
)

DAY_MS = 24 * HOUR_MS
DAYS = [4, 5, 6, 5.5, 4.5, 7, 6.5, 5, 4, 6]  # kW, newest first
NOON_MS = 1_780_000_000_000 // DAY_MS * DAY_MS + 12 * HOUR_MS


@pytest.mark.parametrize(
    ("way", "x", "y", "kw"),
    [("high", 10, 10, 5.35), ("high", 5, 10, 6.2), ("high", 4, 5, 5.25), ("middle", 4, 6, 5.25),
     ("low", 4, 5, 4.75)],
)  # fmt: skip
def test_x_of_y_days_come_out_as_by_hand(way: str, x: int, y: int, kw: float) -> None:
    assert x_of_y_mean(DAYS[:y], x, way) == pytest.approx(kw)


def test_more_days_than_there_are_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="4 of 3 days"):
        x_of_y_mean([1, 2, 3], 4, "high")


def test_a_ratio_is_capped_and_a_difference_is_not() -> None:
    assert adjusted_by_ratio(5.35, 6.2, 5.0, 0.2) == pytest.approx(6.42)
    assert adjusted_by_ratio(5.35, 6.2, 5.0, 0.5) == pytest.approx(5.35 * 1.24)
    assert adjusted_by_ratio(5.35, 1.0, 5.0, 0.2) == pytest.approx(4.28)
    assert adjusted_by_ratio(5.35, 6.2, 0.0, 0.2) == 5.35
    assert adjusted_by_difference(5.35, 6.2, 5.0) == pytest.approx(6.55)
    assert adjusted_by_difference(1.0, 0.0, 5.0) == 0.0


def test_what_was_delivered_comes_out_as_by_hand() -> None:
    delivered = delivered_w(6.0, [3.0, 3.1, 2.9, 3.2])
    assert sum(delivered) / 4 == pytest.approx(2.95)
    assert energy_wh(delivered, 15 * 60_000) == pytest.approx(2.95)
    assert performance(delivered, 2.5) == pytest.approx(1.18)
    assert delivered_w(1.0, [3.0]) == [0.0]


def test_how_good_a_baseline_is_comes_out_as_by_hand() -> None:
    measured, predicted = [5, 6, 5.5, 4.5, 7, 6.2], [5.2, 5.8, 5.9, 4.1, 6.6, 6.5]
    assert cvrmse(measured, predicted, 1) * 100 == pytest.approx(6.326, abs=5e-4)
    assert nmbe(measured, predicted, 1) * 100 == pytest.approx(0.351, abs=5e-4)
    with pytest.raises(ValueError, match="too few"):
        cvrmse([5], [5], 1)


def day(back: int, power_w: float) -> list[Sample]:
    """Twenty-four hours of one power, a sample each quarter of an hour."""
    first_ms = NOON_MS - 12 * HOUR_MS - back * DAY_MS
    return [Sample(first_ms + n * HOUR_MS // 4, power_w) for n in range(96)]


def test_the_same_hours_of_days_before_make_a_baseline() -> None:
    samples = [s for back, kw in enumerate(DAYS, start=1) for s in day(back, kw)]
    event = (NOON_MS, NOON_MS + HOUR_MS)
    assert x_of_y_baseline(samples, event, [], None, 5, 10, "high") == Baseline(
        "high-5-of-10", pytest.approx(6.2), 1.0
    )
    yesterday = [(NOON_MS - DAY_MS, NOON_MS - DAY_MS + 60_000)]
    shorter = x_of_y_baseline(samples, event, yesterday, None, 5, 10, "high")
    assert shorter == Baseline("high-5-of-10", pytest.approx(6.2), 0.9)
    assert x_of_y_baseline(samples, event, [(0, NOON_MS)], None, 5, 10, "high") is None


def test_local_hours_are_meant_also_across_the_clock_change() -> None:
    """Noon of 29 March 2026 in Berlin is an hour earlier in UTC than noon of the day before."""
    after_ms, before_ms = 1_774_778_400_000, 1_774_695_600_000
    assert after_ms - before_ms == 23 * HOUR_MS
    samples = [Sample(before_ms, 5.0), Sample(before_ms - HOUR_MS, 1.0)]
    event = (after_ms, after_ms + HOUR_MS // 2)
    found = x_of_y_baseline(samples, event, [], "Europe/Berlin", 1, 1, "high")
    assert found == Baseline("high-1-of-1", 5.0, 1.0)


def test_meter_before_and_same_day_look_where_they_should() -> None:
    samples = [replace(s, power_w=float(n)) for n, s in enumerate(day(0, 0.0))]
    event = (NOON_MS, NOON_MS + 2 * HOUR_MS)
    assert meter_before_baseline(samples, event, [], HOUR_MS) == Baseline("meter-before", 45.5, 1.0)
    hours = [*range(32, 44), *range(60, 68)]
    assert same_day_baseline(samples, event, []) == Baseline("same-day-3+2", sum(hours) / 20, 1.0)
    assert meter_before_baseline([], event, [], HOUR_MS) is None


EVENTS = st.lists(
    st.tuples(st.integers(-60, 30), st.integers(1, 8)).map(
        lambda e: (NOON_MS + e[0] * HOUR_MS, NOON_MS + (e[0] + e[1]) * HOUR_MS)
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(0, 3), st.floats(0, 9_000), st.sampled_from(["high", "middle", "low"]))
def test_p33_no_baseline_uses_a_sample_of_an_event_or_its_recovery(
    events: list[tuple[int, int]], recovery_h: int, other_w: float, way: str
) -> None:
    samples = [s for back in range(5) for s in day(back, 1_000.0 + back)]
    event = (NOON_MS, NOON_MS + HOUR_MS)
    without = excluded_spans([event, *events], recovery_h * HOUR_MS)
    changed = [
        replace(s, power_w=other_w) if any(a <= s.at_ms < b for a, b in without) else s
        for s in samples
    ]
    for one in (
        lambda s: x_of_y_baseline(s, event, without, None, 2, 3, way),
        lambda s: meter_before_baseline(s, event, without, 2 * HOUR_MS),
        lambda s: same_day_baseline(s, event, without),
    ):
        assert one(samples) == one(changed)
