"""When something is left alone and for how long: pure, so an hour takes no time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venctl.drivers.links.faults import LinkFault
from venctl.drivers.links.modbus import LINK_RESTS_MS
from venctl.drivers.links.rests import LinkRefusals, QueryPace, Rest, retry_after_ms


@given(st.lists(st.integers(1, 20_000), max_size=200))
def test_what_refuses_is_tried_fewer_than_4_times_in_any_minute(steps_ms: list[int]) -> None:
    rest, now_ms, tries = Rest(LINK_RESTS_MS), 0, list[int]()
    for step_ms in steps_ms:
        if not rest.left_ms(now_ms):
            tries.append(now_ms)
            rest.failed(now_ms)
        now_ms += step_ms
    assert all(last - first > 60_000 for first, last in zip(tries, tries[3:], strict=False))


@given(st.lists(st.booleans()))
def test_what_worked_is_not_left_alone_and_what_failed_is_for_its_time(
    answers: list[bool],
) -> None:
    rest, in_a_row = Rest((0, 5, 30)), 0
    for worked in answers:
        if worked:
            rest.worked()
            in_a_row = 0
        else:
            rest.failed(100)
            in_a_row += 1
        assert rest.left_ms(100) == (0, 0, 5, 30)[min(in_a_row, 3)]
        assert rest.left_ms(130) == 0


@given(st.lists(st.tuples(st.booleans(), st.none() | st.integers(0, 10**9))))
def test_the_pause_of_queries_is_at_most_a_minute_and_over_after_enough_answers(
    answers: list[tuple[bool, int | None]],
) -> None:
    pace, now_ms = QueryPace(), 0
    for busy, wanted_ms in answers:
        if busy:
            pace.busy(now_ms, wanted_ms)
            assert pace.left_ms(now_ms) >= min(60_000, max(5_000, wanted_ms or 0))
        else:
            pace.worked(now_ms)
        assert pace.left_ms(now_ms) == pace.pause_ms <= 60_000
        now_ms += pace.left_ms(now_ms)
    for _ in range(40):
        pace.worked(now_ms)
        now_ms += pace.left_ms(now_ms)
    assert pace.pause_ms == 0


@pytest.mark.parametrize("each", [2, 3])
def test_a_device_that_says_busy_each_second_or_third_time_is_not_stormed(each: int) -> None:
    pace, now_ms, asked = QueryPace(), 0, list[int]()
    while now_ms < 3_600_000:
        if not pace.left_ms(now_ms):
            asked.append(now_ms)
            if len(asked) % each == 0:
                pace.busy(now_ms, None)
            else:
                pace.worked(now_ms)
        now_ms += 1_000
    assert len(asked) < 150
    assert max(after - before for before, after in itertools.pairwise(asked)) == 60_000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 40_000))))
def test_only_what_was_refused_for_good_within_a_minute_is_refused_again(
    deeds: list[tuple[str, bool, int]],
) -> None:
    refusals, now_ms, refused = LinkRefusals(), 0, dict[str, int]()
    for place, lasting, step_ms in deeds:
        now_ms += step_ms
        if now_ms - refused.get(place, -60_000) < 60_000:
            with pytest.raises(LinkFault):
                refusals.check(place, now_ms)
            continue
        refusals.check(place, now_ms)
        refusals.note(place, LinkFault("no", lasting=lasting), now_ms)
        if lasting:
            refused[place] = now_ms


def test_a_refusal_that_concerns_all_refuses_all() -> None:
    refusals = LinkRefusals()
    refusals.note("a", LinkFault("wrong password", lasting=True, everywhere=True), 0)
    with pytest.raises(LinkFault, match="wrong password"):
        refusals.check("b", 59_999)
    refusals.check("b", 60_000)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("3", 3_000),
        (" 120 ", 60_000),
        ("9" * 400, 60_000),
        ("Sat, 28 Nov 2026 20:55:10 GMT", 10_000),
        ("Sat, 28 Nov 2026 20:54:00 GMT", 0),
        ("Sat, 28 Nov 2099 20:54:00 GMT", 60_000),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("\u0663", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, ms: int | None) -> None:
    assert retry_after_ms(text, 1_795_899_300_000) == ms


@given(st.text())
def test_retry_after_may_be_anything(text: str) -> None:
    assert retry_after_ms(text, 0) in (None, *range(60_001))
