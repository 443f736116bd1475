"""One circuit's wishes: the newest counts, what fails is tried again, and what matters is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.interlock.wanted_state import Deed, DeviceAnswer, WantedState, retry_pause_ms
from statemachine.state.effects import Hold, Switch

OFF, ON = Switch("c", False), Switch("c", True)


def hold(watts: int | None, until_ms: int = 120_000) -> Hold:
    return Hold("c", watts, until_ms)


def test_pauses_double_up_to_a_minute_and_stay_there() -> None:
    pauses = [retry_pause_ms(n) for n in range(1, 12)]
    assert pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, *[60_000] * 5]


def test_what_fails_is_tried_again_and_told_once_and_its_end_too() -> None:
    one = WantedState()
    one.put(hold(None), 0)
    assert one.next(0) == hold(None)
    assert one.ended(hold(None), "dead", 0) == [DeviceAnswer(hold(None), "dead")]
    assert one.next(999) is None and one.next(1_000) == hold(None)
    assert one.ended(hold(None), "dead", 1_000) == []
    assert one.next(2_999) is None and one.next(3_000) == hold(None)
    assert one.ended(hold(None), "burnt", 3_000) == [DeviceAnswer(hold(None), "burnt")]
    assert one.ended(hold(None), None, 7_000) == [DeviceAnswer(hold(None), None)]
    assert one.next(10**9) is None and one.due_ms() is None


def test_a_lease_that_is_renewed_is_done_again_and_not_told_again() -> None:
    one = WantedState()
    one.put(hold(0), 0)
    assert one.ended(hold(0), None, 0) == [DeviceAnswer(hold(0), None)]
    one.put(hold(0, 160_000), 40_000)
    assert one.next(40_000) == hold(0, 160_000)
    assert one.ended(hold(0, 160_000), None, 40_000) == []


def test_a_lease_renewed_while_it_fails_does_not_begin_the_pauses_anew() -> None:
    one = WantedState()
    one.put(hold(0), 0)
    for at_ms in (0, 1_000, 3_000):
        one.ended(hold(0), "dead", at_ms)
    one.put(hold(0, 200_000), 3_001)
    assert one.next(6_999) is None and one.next(7_000) == hold(0, 200_000)


def test_a_newer_wish_is_tried_at_once_and_what_was_wanted_before_never_again() -> None:
    one = WantedState()
    one.put(hold(0), 0)
    for at_ms in (0, 1_000, 3_000, 7_000):
        one.ended(hold(0), "dead", at_ms)
    one.put(hold(None), 8_000)
    assert one.next(8_000) == hold(None)
    assert one.ended(hold(None), "dead", 8_000) == [DeviceAnswer(hold(None), "dead")]
    assert one.next(9_000) == hold(None), "its pauses are its own"


def test_an_answer_to_an_older_wish_says_nothing() -> None:
    one = WantedState()
    one.put(hold(0), 0)
    one.put(hold(None), 1)
    assert one.ended(hold(0), None, 2) == [] and one.next(2) == hold(None)


def test_every_switch_is_answered_also_where_it_already_stood_so() -> None:
    one = WantedState()
    for at_ms in (0, 5_000):
        one.put(ON, at_ms)
        assert one.next(at_ms) == ON
        assert one.ended(ON, None, at_ms) == [DeviceAnswer(ON, None)]


def test_what_goes_off_is_off_before_it_is_let_go() -> None:
    one = WantedState()
    one.put(hold(None), 0)
    one.put(OFF, 0)
    assert one.next(0) == OFF
    waits = "not released before it is off: stuck"
    assert one.ended(OFF, "stuck", 0) == [
        DeviceAnswer(OFF, "stuck"),
        DeviceAnswer(hold(None), waits),
    ]
    assert one.next(500) is None, "it waits for the switch"
    one.ended(OFF, None, 1_000)
    assert one.next(1_000) == hold(None)


def test_what_comes_on_is_held_first() -> None:
    one = WantedState()
    one.put(ON, 0)
    one.put(hold(0), 0)
    assert one.next(0) == hold(0)
    waits = "not switched on before it is held: dead"
    assert one.ended(hold(0), "dead", 0) == [DeviceAnswer(hold(0), "dead"), DeviceAnswer(ON, waits)]
    assert one.next(0) is None
    one.ended(hold(0), None, 1_000)
    assert one.next(1_000) == ON


@pytest.mark.parametrize("fails", [hold(None), ON])
def test_neither_a_failing_release_nor_a_failing_switch_on_holds_up_the_other(fails: Deed) -> None:
    one = WantedState()
    one.put(ON, 0)
    one.put(hold(None), 0)
    done = set[Deed]()
    for at_ms in range(0, 4_000, 500):
        while (deed := one.next(at_ms)) is not None:
            one.ended(deed, "dead" if deed == fails else None, at_ms)
            done |= {deed} if deed != fails else set()
    assert done == {ON, hold(None)} - {fails}


wishes = st.one_of(
    st.sampled_from([None, 0, 100, 500]).map(hold), st.booleans().map(lambda on: Switch("c", on))
)
steps = st.lists(st.tuples(st.integers(0, 70_000), wishes | st.booleans()), max_size=30)


@given(steps)
def test_once_the_driver_answers_all_stands_as_wanted_within_a_minute(
    story: list[tuple[int, Deed | bool]],
) -> None:
    """Whatever was wanted, and however often it failed: a bool says whether the driver answers."""
    one, now_ms, answers = WantedState(), 0, True
    wanted: dict[type, Deed] = {}
    seen: dict[type, Deed] = {}

    def until(end_ms: int) -> None:
        nonlocal now_ms
        while (due_ms := one.due_ms()) is not None and max(due_ms, now_ms) <= end_ms:
            now_ms = max(now_ms, due_ms)
            deed = one.next(now_ms)
            assert deed is not None and deed == wanted[type(deed)], "only the newest wish is done"
            if answers:
                seen[type(deed)] = deed
            one.ended(deed, None if answers else "dead", now_ms)
        now_ms = end_ms

    for pause, said in story:
        until(now_ms + pause)
        if isinstance(said, bool):
            answers = said
        else:
            wanted[type(said)] = said
            one.put(said, now_ms)
    answers = True
    until(now_ms + 60_000)
    assert seen == wanted and one.due_ms() is None
