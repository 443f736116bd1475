"""The newest message of a topic, and how old it counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.devices.hand_clocks import HandClocks
from venctl.drivers.links.faults import LinkFault
from venctl.drivers.links.newest import MOST_TOPICS, Newest

MESSAGES = st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.booleans()), max_size=20)


@given(MESSAGES)
def test_rule_9_a_message_never_counts_as_younger_than_it_is(
    messages: list[tuple[bytes, bool]],
) -> None:
    clock = HandClocks()
    newest, live = Newest(clock), dict[str, int]()
    newest.declare("t")
    for payload, retained in messages:
        clock.now_ms += 1_000
        newest.took("t", payload, retained)
        if not retained:
            live[payload.decode()] = clock.now_ms
        heard = newest.of("t")
        assert heard is not None and heard.text == payload.decode()
        assert heard.retained or heard.at_ms == live[payload.decode()]


def test_what_a_broker_repeats_is_no_younger_than_we_heard_it() -> None:
    clock = HandClocks()
    newest = Newest(clock)
    newest.declare("t")
    newest.took("t", b"x", False)
    heard = newest.of("t")
    clock.now_ms += 1_000
    newest.took("t", b"x", True)
    assert newest.of("t") == heard
    newest.took("t", b"y", True)
    assert newest.of("t") != heard


def test_only_declared_topics_are_kept_and_only_so_many() -> None:
    newest = Newest(HandClocks())
    assert not newest.took("t", b"x", False)
    assert newest.of("t") is None
    for number in range(MOST_TOPICS):
        assert newest.declare(str(number))
    assert not newest.declare("0")
    with pytest.raises(LinkFault, match="more than 1000 topics"):
        newest.declare("t")


def test_the_length_of_a_message_is_bounded() -> None:
    newest = Newest(HandClocks())
    newest.declare("t")
    newest.took("t", b"x" * 65_536, False)
    assert (heard := newest.of("t")) is not None and heard.text is not None
    newest.took("t", b"x" * 65_537, False)
    assert (heard := newest.of("t")) is not None and heard.text is None
