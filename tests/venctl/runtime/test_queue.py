"""Who waits for a decision: in order, bounded, and whoever wants load back is heard first."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from statemachine.kit.strict_json import compact_text
from statemachine.wire.commands import Origin, parse_command
from venctl.runtime.queue import FEW, MOST, STANDING_S, Queue, QueuedTrigger

EVENT = {"op": "event", "shed_kw": 1.0, "duration_sec": 600}
ASKED: dict[str, dict[str, Any]] = {
    "event": {**EVENT, "event_id": "a"},
    "ping": {"op": "ping"},
    "toggle": {"op": "setLoad", "loadId": "misc1", "enabled": False},
    "restore": {"op": "restore"},
    "cancel": {"op": "cancel", "event_id": "a"},
}
ENDING = ("restore", "cancel")


def waiting(name: str, source: str = "operator") -> QueuedTrigger:
    said = compact_text(ASKED[name])
    return QueuedTrigger(parse_command(said, "maple", Origin(source, "mqtt:1", 0, 0)))


def filled(*names: str, now_s: float = 0.0) -> tuple[Queue, list[QueuedTrigger]]:
    queue, all_ = Queue(), [waiting(name) for name in names]
    for one in all_:
        queue.join(one, now_s)
    return queue, all_


def turns(queue: Queue) -> list[QueuedTrigger]:
    return [queue.next() for _ in range(len(queue))]


@given(st.lists(st.sampled_from(sorted(ASKED)), max_size=FEW))
def test_a_few_commands_go_in_the_order_in_which_they_came(names: list[str]) -> None:
    queue, came = filled(*names)
    assert turns(queue) == came


@given(
    st.lists(st.sampled_from(("event", "ping", "toggle")), min_size=FEW + 1, max_size=300),
    st.sampled_from(ENDING),
)
def test_whoever_wants_load_back_goes_before_all_of_many(names: list[str], ending: str) -> None:
    queue, _ = filled(*names)
    back = waiting(ending)
    queue.join(back, 0.0)
    assert queue.next() is back


@given(
    st.lists(st.sampled_from(sorted(ASKED)), max_size=400),
    st.floats(min_value=0.0, max_value=2.0),
)
def test_what_is_left_is_bounded_and_only_the_newest_are_too_many(
    names: list[str], later_s: float
) -> None:
    queue, came = filled(*names)
    most = FEW if later_s > STANDING_S else MOST
    for one in (too_many := queue.too_many(later_s)):
        queue.drop(one)
    left = turns(queue)
    for endings, bound in ((True, MOST), (False, most)):
        stay = [one for one in came if one.gives_back == endings and one in left]
        go = [one for one in came if one.gives_back == endings and one in too_many]
        assert len(stay) == min(bound, len(stay) + len(go))
        assert not go or stay[-1].place < go[0].place
    assert len(left) + len(too_many) == len(came)


def test_a_queue_that_never_becomes_empty_is_too_long_however_short_it_is() -> None:
    """A broker that keeps to our Receive Maximum never fills it, and holds back what it has."""
    queue, came = filled(*["ping"] * (FEW + 4))
    assert not queue.too_many(STANDING_S / 2)
    assert queue.too_many(STANDING_S * 1.1) == came[FEW:]
    turns(queue)
    for _ in range(FEW + 4):
        queue.join(waiting("ping"), STANDING_S * 2)
    assert not queue.too_many(STANDING_S * 2.5), "it was empty in between"


def test_people_at_the_site_are_never_too_many() -> None:
    queue, _ = filled(*["ping"] * MOST)
    here = waiting("toggle", "page")
    queue.join(here, 0.0)
    assert not queue.too_many(0.0)
    queue.join(afar := waiting("toggle"), 0.0)
    assert queue.too_many(0.0) == [afar]


def test_who_has_to_come_back_keeps_its_place() -> None:
    queue, came = filled("event", "ping", "event")
    first = queue.next()
    queue.join(waiting("ping"), 0.0)
    queue.join(first, 0.0)
    assert turns(queue)[:3] == came
