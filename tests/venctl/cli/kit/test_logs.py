"""Whatever floods it, the log stays readable: a few lines of each cause, and how many more."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from venctl.cli.kit.logs import BURST, EACH_S, LogLimit


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def line(place: int, level: int = logging.WARNING, who: str = "heater1") -> logging.LogRecord:
    return logging.LogRecord("venctl", level, "panel.py", place, "%s: 100 %% odd", (who,), None)


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 3)), max_size=600),
)
def test_each_cause_has_its_burst_and_then_a_line_a_second_and_none_is_uncounted(
    steps: list[tuple[int, float]],
) -> None:
    clock = Clock()
    limit, told, left_out = LogLimit(clock), dict[int, int](), dict[int, int]()
    for place, wait_s in steps:
        clock.now_s += wait_s
        record = line(place)
        if limit.filter(record):
            told[place] = told.get(place, 0) + 1
            said, out = record.getMessage(), left_out.pop(place, 0)
            assert said == "heater1: 100 % odd" + (
                f" ({out:,} similar lines suppressed)" * bool(out)
            )
        else:
            left_out[place] = left_out.get(place, 0) + 1
        assert told[place] <= BURST + clock.now_s / EACH_S + 1
    assert sum(told.values()) + sum(left_out.values()) <= len(steps)


def test_a_flood_of_one_cause_hides_no_other() -> None:
    limit = LogLimit(Clock())
    assert sum(limit.filter(line(1, who=f"c{n}")) for n in range(10_000)) == BURST
    assert limit.filter(line(2))


def test_whoever_looks_for_a_fault_sees_every_line() -> None:
    limit = LogLimit(Clock())
    assert all(limit.filter(line(1, logging.DEBUG)) for _ in range(1_000))
