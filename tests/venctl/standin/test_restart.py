"""What the stand-in still knows after it was killed, and after it was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.mqtt.peers import Peer, Raw
from tests.kit.process.site import until
from tests.kit.process.standin import StandIn
from venctl.standin.broker.session_store import TABLES
from venctl.standin.disk.database import checked_rows, open_database


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[StandIn]:
    one = StandIn(tmp_path)
    yield one
    one.close()


def test_a_session_and_what_waits_in_it_outlive_a_kill(cloud: StandIn) -> None:
    sleeper = Peer(cloud.mqtt_port, "sleeper", clean=False)
    sleeper.subscribe("post")
    sleeper.close()
    sender = Peer(cloud.mqtt_port, "sender")
    for n in range(20):
        sender.publish("post", str(n).encode())
    cloud.kill()
    sender.client.loop_stop()
    cloud.start()
    back = Peer(cloud.mqtt_port, "sleeper", clean=False)
    assert back.present
    until(lambda: len(back.heard) == 20, "twenty messages")
    assert [int(m.payload) for m in back.heard] == list(range(20))
    other = Peer(cloud.mqtt_port, "other")
    other.publish("post", b"20")
    until(lambda: len(back.heard) == 21, "the subscription is still there")
    back.close()
    other.close()


def test_what_was_delivered_and_not_acknowledged_comes_again_after_a_kill(cloud: StandIn) -> None:
    one = Raw(cloud.mqtt_port, "busy", session_expiry_interval=300)
    one.subscribe("work")
    sender = Peer(cloud.mqtt_port, "sender")
    sender.publish("work", b"first")
    assert bytes(one.next().payload) == b"first"
    cloud.kill()
    sender.client.loop_stop()
    cloud.start()
    back = Raw(cloud.mqtt_port, "busy", clean_start=False, session_expiry_interval=300)
    assert back.let_in.session_present and bytes(back.next().payload) == b"first"


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_retained_message_outlives_the_process(cloud: StandIn, end: str) -> None:
    one = Peer(cloud.mqtt_port, "one")
    one.publish("kept/a", b"a", retain=True, MessageExpiryInterval=300)
    one.publish("kept/b", b"b", retain=True)
    one.publish("kept/b", b"", retain=True)
    getattr(cloud, end)()
    one.client.loop_stop()
    cloud.start()
    later = Peer(cloud.mqtt_port, "later")
    for topic in ("kept/b", "kept/a"):
        later.subscribe(topic)
    until(lambda: later.heard, "the retained message")
    assert later.topics() == ["kept/a"]
    assert later.heard[0].properties.MessageExpiryInterval > 290
    later.close()


def test_a_passing_session_is_not_kept(cloud: StandIn) -> None:
    one = Peer(cloud.mqtt_port, "passing")
    one.subscribe("x")
    cloud.kill()
    one.client.loop_stop()
    cloud.start()
    assert not Raw(cloud.mqtt_port, "passing", clean_start=False).let_in.session_present


def test_a_passing_session_that_is_made_to_last_is_kept_with_all_it_has(cloud: StandIn) -> None:
    first = Raw(cloud.mqtt_port, "grown", receive_max=1)
    first.subscribe("x")
    sender = Peer(cloud.mqtt_port, "sender")
    for n in range(3):
        sender.publish("x", str(n).encode())
    Raw(cloud.mqtt_port, "grown", clean_start=False, session_expiry_interval=300, receive_max=1)
    cloud.kill()
    sender.client.loop_stop()
    cloud.start()
    back = Raw(cloud.mqtt_port, "grown", clean_start=False, session_expiry_interval=300)
    assert [bytes(back.next().payload) for _ in range(3)] == [b"0", b"1", b"2"]
    other = Peer(cloud.mqtt_port, "other")
    other.publish("x", b"3")
    assert bytes(back.next().payload) == b"3"
    other.close()


def test_a_session_whose_time_ran_out_meanwhile_is_gone(cloud: StandIn) -> None:
    for name in ("early", "late"):
        Raw(cloud.mqtt_port, name, session_expiry_interval=300).close()
    until(lambda: _left(cloud, "early") and _left(cloud, "late"), "both have left")
    cloud.kill()
    db = open_database(cloud.folder / "state" / "broker.db", "NORMAL", TABLES)
    db.execute("UPDATE session SET left_s = left_s - 301 WHERE client = 'early'")
    db.close()
    cloud.start()
    assert not Raw(cloud.mqtt_port, "early", clean_start=False).let_in.session_present
    assert Raw(cloud.mqtt_port, "late", clean_start=False).let_in.session_present


def _left(cloud: StandIn, client: str) -> bool:
    shelf = open_database(cloud.folder / "state" / "broker.db", "NORMAL", TABLES)
    row = shelf.execute("SELECT left_s FROM session WHERE client = ?", (client,)).fetchone()
    shelf.close()
    return row is not None and row[0] > 0


@pytest.mark.parametrize("name", ["broker.db", "shadows.db"])
def test_a_broken_file_is_set_aside_and_the_stand_in_starts(cloud: StandIn, name: str) -> None:
    cloud.stop()
    file = cloud.folder / "state" / name
    file.write_bytes(b"no database at all" * 1_000)
    cloud.start()
    assert Raw(cloud.mqtt_port, "x").let_in is not None
    assert list(file.parent.glob(f"{name}.corrupt-*")) and "is kept as" in cloud.output()


def test_nothing_is_left_behind_for_a_session_that_ends(tmp_path: Path) -> None:
    cloud = StandIn(tmp_path)
    try:
        one = Raw(cloud.mqtt_port, "tidy", session_expiry_interval=300)
        one.subscribe("x")
        sender = Peer(cloud.mqtt_port, "sender")
        sender.publish("x", b"1")
        one.close()
        sender.publish("x", b"2")
        Raw(cloud.mqtt_port, "tidy", clean_start=True).close()
        sender.close()
        assert cloud.stop() == 0
    finally:
        cloud.close()
    db = open_database(tmp_path / "state" / "broker.db", "NORMAL", TABLES)
    left = checked_rows(db, TABLES)
    db.close()
    assert left == {}
