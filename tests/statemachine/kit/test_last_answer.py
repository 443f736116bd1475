"""A decision asks the same of the same events many times; the answer is that of asking anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from statemachine.curtail.requirement import active_events, event_required_w
from statemachine.kit.last_answer import cache_last
from statemachine.state.memory import first_wake
from tests.kit.core.sample_sites import MAPLE, NOW_S, site
from tests.kit.harness import Harness


def test_work_is_done_once_for_the_very_same_things_and_equal_numbers() -> None:
    asked: list[tuple[list[int], int]] = []

    @cache_last
    def work(things: list[int], number: int) -> int:
        asked.append((things, number))
        return sum(things) + number

    one, other = [1], [1]
    assert [work(one, 5), work(one, 5), work(other, 5), work(other, 6), work(one, 5)] == [
        *(6, 6, 6, 7, 6)
    ]
    assert asked == [([1], 5), ([1], 5), ([1], 6), ([1], 5)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 30), st.booleans()), max_size=8))
def test_what_binds_and_what_is_due_is_as_if_nothing_had_been_asked_before(
    calls: list[tuple[int, int, bool]],
) -> None:
    desk = Harness(site(MAPLE))
    desk.read()
    for number, (start_min, length_min, back) in enumerate(calls):
        said = {"op": "event", "event_id": f"e{number}", "duration_sec": 60 * length_min}
        desk.ask(**said, shed_kw=1 + number / 10, start_ts=NOW_S + 60 * start_min + 60)
        if back:
            desk.ask(op="cancel", event_id=f"e{number}")
        desk.wait(45)
        for at_ms in (desk.ms, desk.ms + 60_000, desk.ms):
            events = desk.memory.events.values()
            live = [event for event in events if event_required_w(desk.spec, event, at_ms)]
            assert {event.id for event in active_events(desk.spec, desk.memory, at_ms)} == {
                event.id for event in live
            }
        dues = [due for event in desk.memory.events.values() for due in event.wakes.values()]
        found = first_wake(desk.memory.events)
        assert (found and found[0]) == min(dues, default=None)
