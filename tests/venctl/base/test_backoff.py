"""Waits between CONNECTs, in simulated time."""

from __future__ import annotations

import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venctl.base.backoff import FAR, NEAR, Backoff, BackoffPace

# Each entry: how long a connection lasted in s, or None for an attempt that failed.
lives = st.lists(st.none() | st.floats(0, 100), min_size=1, max_size=60)


def waits(pace: BackoffPace, lives: list[float | None], seed: int) -> list[float]:
    backoff, now_s, found = Backoff(pace, random.Random(seed).uniform), 0.0, []
    for lasted_s in lives:
        if lasted_s is not None:
            backoff.connected(now_s)
            now_s += lasted_s
        found.append(backoff.wait_s(now_s))
        now_s += found[-1]
    return found


@given(lives=lives, seed=st.integers(0, 1000), pace=st.sampled_from([NEAR, FAR]))
def test_no_wait_is_shorter_than_the_least_or_longer_than_the_most(
    lives: list[float | None], seed: int, pace: BackoffPace
) -> None:
    for wait_s in waits(pace, lives, seed):
        assert pace.least_ms / 1000 <= wait_s <= pace.most_ms / 1000


@given(lives=lives, seed=st.integers(0, 1000))
def test_the_bound_doubles_with_each_failure_and_starts_anew_after_a_steady_connection(
    lives: list[float | None], seed: int
) -> None:
    failures = 0
    for lasted_s, wait_s in zip(lives, waits(FAR, lives, seed), strict=True):
        failures = 0 if lasted_s is not None and lasted_s >= 30.001 else failures
        if lasted_s is not None and 29.999 < lasted_s < 30.001:
            return
        failures += 1
        assert wait_s <= min(120.0, 2.0**failures)


def test_a_fleet_stays_spread_out_however_long_the_broker_is_away() -> None:
    last = [waits(FAR, [None] * 20, seed)[-1] for seed in range(1000)]
    assert 55 < mean(last) < 66, "uniform between 1 and 120 s"
    tenths = [sum(1 + 11.9 * n <= wait < 1 + 11.9 * (n + 1) for wait in last) for n in range(10)]
    assert min(tenths) > 50, tenths


def test_fifty_kicks_in_ten_minutes_never_make_two_connects_in_one_second() -> None:
    for seed in range(200):
        found = waits(FAR, [random.Random(seed).uniform(0, 12) for _ in range(50)], seed)
        assert min(found) >= 1.0


def test_whoever_asks_out_of_turn_waits_for_the_rest_of_the_least_wait() -> None:
    backoff = Backoff(FAR, random.Random(1).uniform)
    assert backoff.pause_s(100.0) == 0
    backoff.attempted(100.0)
    assert backoff.pause_s(100.3) == pytest.approx(0.7)
    backoff.connected(100.5)
    assert backoff.pause_s(100.6) == pytest.approx(0.9)
    assert backoff.pause_s(200.0) == 0
