"""Filters against names, and packets on the shelf: what comes out is what went in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mqtt5
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from venctl.standin.broker.policy_rights import AllowAll
from venctl.standin.broker.session_store import SessionStore, StoredSessions, fields_of
from venctl.standin.broker.sessions import ByteBudget, QueuedMessage, Session
from venctl.standin.broker.topics import TopicFilters, is_filter, is_name

LEVELS = st.sampled_from(["a", "b", "", "$x", "é"])
NAMES = st.lists(LEVELS, min_size=1, max_size=5).map("/".join).filter(bool)
PATTERNS = (
    st.lists(LEVELS | st.just("+"), max_size=4)
    .flatmap(lambda levels: st.sampled_from([levels, [*levels, "#"]]))
    .map("/".join)
    .filter(bool)
)


def matches(pattern: list[str], name: list[str], first: bool) -> bool:
    """AWS's rule, said plainly."""
    if not pattern or not name:
        return not pattern and not name
    head = pattern[0]
    if head in ("#", "+") and first and name[0].startswith("$"):
        return False
    if head == "#":
        return True
    return head in ("+", name[0]) and matches(pattern[1:], name[1:], False)


@given(st.dictionaries(PATTERNS, st.integers(), max_size=8), NAMES)
def test_a_name_reaches_the_filters_that_match_it_and_no_other(
    subscribed: dict[str, int], name: str
) -> None:
    filters: TopicFilters[int, str] = TopicFilters()
    for pattern, key in subscribed.items():
        filters.put(pattern, key, pattern)
    found = sorted(pattern for _, pattern in filters.match(name))
    expected = [p for p in subscribed if matches(p.split("/"), name.split("/"), True)]
    assert found == sorted(expected)


@given(st.lists(st.tuples(PATTERNS, st.integers(0, 2)), max_size=8), st.data())
def test_what_is_dropped_is_gone_and_leaves_nothing(
    pairs: list[tuple[str, int]], data: st.DataObject
) -> None:
    filters: TopicFilters[int, None] = TopicFilters()
    for pattern, key in pairs:
        filters.put(pattern, key, None)
    for pattern, key in data.draw(st.permutations(sorted(set(pairs)))):
        assert filters.drop(pattern, key)
        assert not filters.drop(pattern, key)
    assert not filters._root.below and not filters._root.here


@given(PATTERNS)
def test_every_pattern_is_a_filter_and_only_those_without_wildcards_are_names(
    pattern: str,
) -> None:
    assert is_filter(pattern)
    assert is_name(pattern) == ("+" not in pattern and "#" not in pattern)


@pytest.mark.parametrize("wrong", ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b+/c"])
def test_a_wildcard_stands_alone(wrong: str) -> None:
    assert not is_filter(wrong)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("shelf") / "broker.db"


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    payload=st.binary(max_size=50),
    expiry_s=st.none() | st.integers(10, 1_000),
    properties=st.fixed_dictionaries(
        {},
        optional={
            "retain": st.booleans(),
            "content_type": TEXT,
            "response_topic": NAMES,
            "correlation_data": st.binary(max_size=8),
            "payload_format_indicator": st.integers(0, 1),
            "user_properties": st.lists(st.tuples(TEXT, TEXT), max_size=3),
            "subscription_ids": st.lists(st.integers(1, 268_435_455), min_size=1, max_size=3),
        },
    ),
)
def test_a_message_comes_off_the_shelf_as_it_was_put_there(
    file: Path, payload: bytes, expiry_s: int | None, properties: dict[str, Any]
) -> None:
    packet = mqtt5.PublishPacket(
        "a/b", payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7, **properties
    )
    expires = None if expiry_s is None else time.monotonic() + expiry_s
    found: list[StoredSessions] = []
    shelf = SessionStore(file, time.time, print)
    shelf.open(found.append)
    shelf.keep_session(Session("c", shelf, AllowAll(), ByteBudget(), expiry_s=60))
    row = shelf.put("c", QueuedMessage(fields_of(packet), expires))
    shelf.close()
    again = SessionStore(file, time.time, print)
    again.open(found.append)
    kept = found[-1].sessions[0].letters[-1]
    again.take("c", row)
    again.close()
    assert kept.row == row
    assert kept.expires is None if expires is None else abs(kept.expires - expires) < 1.0
    assert _said(kept.packet(1)) == _said(QueuedMessage(fields_of(packet), expires).packet(1))


def _said(packet: Any) -> dict[str, Any]:
    return {name: str(value) for name, value in fields_of(packet).items()}
