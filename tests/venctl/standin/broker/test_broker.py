"""The stand-in's broker, with paho's MQTT 5 client and raw packets as peers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import mqtt5
import pytest

from tests.kit.mqtt.peers import Peer, Raw
from tests.kit.process.site import until
from venctl.standin.server import PortInUse, StandInServer


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInServer]:
    one = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path_factory.mktemp("cloud"))
    yield one
    one.stop()


Maker = Callable[..., Peer]


@pytest.fixture
def peer(cloud: StandInServer) -> Iterator[Maker]:
    made: list[Peer] = []

    def make(name: str, **more: Any) -> Peer:
        made.append(Peer(cloud.mqtt_port, name, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def raw(cloud: StandInServer) -> Iterator[Callable[..., Raw]]:
    made: list[Raw] = []

    def make(name: str, **more: Any) -> Raw:
        made.append(Raw(cloud.mqtt_port, name, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_wildcards_reach_what_they_should_and_not_the_dollar_topics(peer: Maker) -> None:
    one, other = peer("w1"), peer("w2")
    one.subscribe("a/+/c/#")
    one.subscribe("#")
    for topic in ("a/b/c", "a/b/c/d/e", "a/b/x", "$sys/x"):
        other.publish(topic, b"1")
    other.publish("fence", b"1")
    until(lambda: "fence" in one.topics(), "the fence")
    assert sorted(one.topics()) == ["a/b/c", "a/b/c/d/e", "a/b/x", "fence"]


def test_a_hash_does_not_match_the_level_it_stands_under(peer: Maker) -> None:
    one = peer("h1")
    one.subscribe("sensor/#")
    one.subscribe("fence")
    for topic in ("sensor", "sensor/", "sensor/t", "fence"):
        one.publish(topic, b"1")
    until(lambda: "fence" in one.topics(), "the fence")
    assert one.topics() == ["sensor/", "sensor/t", "fence"]


def test_a_retained_message_is_there_for_who_comes_later_until_it_is_cleared(peer: Maker) -> None:
    peer("r1").publish("kept/x", b"still here", retain=True)
    later = peer("r2")
    later.subscribe("kept/x")
    until(lambda: later.heard, "the retained message")
    assert later.heard[0].payload == b"still here" and later.heard[0].retain
    later.publish("kept/x", b"", retain=True)
    last = peer("r3")
    last.subscribe("kept/x")
    last.subscribe("fence")
    last.publish("fence", b"1")
    until(lambda: last.heard, "the fence")
    assert last.topics() == ["fence"]


def test_a_wildcard_gets_no_retained_message_as_at_aws(peer: Maker) -> None:
    one = peer("r4")
    one.publish("kept/y", b"1", retain=True)
    one.subscribe("kept/+")
    one.subscribe("kept/y")
    until(lambda: one.heard, "the retained message")
    one.publish("kept/y", b"", retain=True)
    until(lambda: len(one.heard) == 2, "its end")
    assert [m.payload for m in one.heard] == [b"1", b""]


def test_a_retained_message_of_many_is_refused_and_not_dropped_in_silence(
    peer: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venctl.standin.broker.retained.MAX_BYTES", 100)
    one = peer("r5")
    assert one.publish("kept/z", b"x" * 101, retain=True) == 0x97
    assert one.publish("kept/z", b"x" * 101) < 0x80


def test_a_will_speaks_for_who_was_cut_off_and_not_for_who_left(peer: Maker) -> None:
    witness = peer("witness")
    witness.subscribe("wills")
    leaver = peer("leaver", topic="wills", payload=b"leaver", qos=1)
    victim = peer("victim", topic="wills", payload=b"victim", qos=1)
    leaver.close()
    victim.cut()
    until(lambda: witness.heard, "a will")
    assert [m.payload for m in witness.heard] == [b"victim"]


def test_a_delayed_will_is_not_spoken_once_its_client_is_back(
    peer: Maker, raw: Callable[..., Raw]
) -> None:
    witness = peer("waiter")
    witness.subscribe("delayed")
    wills = [
        mqtt5.Will("delayed", payload=p, will_delay_interval=1, qos=mqtt5.QoS.AT_LEAST_ONCE)
        for p in (b"back", b"gone")
    ]
    back = raw("back", will=wills[0], session_expiry_interval=60)
    raw("gone", will=wills[1], session_expiry_interval=60).close()
    back.close()
    raw("back", clean_start=False, session_expiry_interval=60)
    until(lambda: witness.heard, "a will")
    assert [m.payload for m in witness.heard] == [b"gone"]


def test_a_will_to_the_shadow_service_is_ignored_as_at_aws(
    peer: Maker, cloud: StandInServer
) -> None:
    topic = "$aws/things/w/shadow/update"
    ear = peer("w5")
    ear.subscribe("$aws/things/w/shadow/#")
    ear.subscribe("fence")
    peer("w6", topic=topic, payload=b'{"state":{"reported":{"a":1}}}', qos=1).cut()
    until(lambda: "w6" not in cloud._broker.roster.sessions, "the victim is gone")
    ear.publish("fence", b"1")
    until(lambda: ear.heard, "the fence")
    assert ear.topics() == ["fence"]


def test_a_session_keeps_what_came_while_its_client_was_away(peer: Maker) -> None:
    one = peer("sleeper", clean=False)
    one.subscribe("post")
    one.close()
    sender = peer("sender")
    for n in range(50):
        sender.publish("post", str(n).encode())
    back = peer("sleeper", clean=False)
    assert back.present
    until(lambda: len(back.heard) == 50, "fifty messages")
    assert [int(m.payload) for m in back.heard] == list(range(50))


def test_what_was_not_acknowledged_comes_again_in_order_with_new_numbers(
    peer: Maker, raw: Callable[..., Raw]
) -> None:
    one = raw("unacked", session_expiry_interval=60)
    one.subscribe("again")
    sender = peer("sender2")
    for n in range(3):
        sender.publish("again", str(n).encode())
    first = [one.next() for _ in range(3)]
    one.send(mqtt5.PubAckPacket(first[1].packet_id))
    one.close()
    sender.publish("again", b"3")
    back = raw("unacked", clean_start=False, session_expiry_interval=60)
    again = [back.next() for _ in range(3)]
    assert [bytes(p.payload) for p in again] == [b"0", b"2", b"3"]
    assert not any(p.duplicate for p in again)  # AWS does not set it
    assert {p.packet_id for p in again}.isdisjoint({p.packet_id for p in first})


def test_a_session_lasts_an_hour_at_most_and_its_client_is_told(raw: Callable[..., Raw]) -> None:
    assert raw("s1", session_expiry_interval=86_400).let_in.session_expiry_interval == 3_600
    assert raw("s2", session_expiry_interval=60).let_in.session_expiry_interval is None


def test_a_passing_session_cannot_be_made_to_last_by_its_goodbye(
    raw: Callable[..., Raw], cloud: StandInServer
) -> None:
    one = raw("passing")
    one.send(mqtt5.DisconnectPacket(session_expiry_interval=60))
    assert one.next() is None
    assert not raw("passing", clean_start=False).let_in.session_present


def test_an_expired_session_is_gone(raw: Callable[..., Raw], cloud: StandInServer) -> None:
    one = raw("brief", session_expiry_interval=1)
    one.subscribe("x")
    one.close()
    until(lambda: "brief" not in cloud._broker.roster.sessions, "the end of the session")
    assert not raw("brief", clean_start=False).let_in.session_present


def test_a_message_that_expires_is_not_delivered_late_and_says_what_is_left(
    peer: Maker, raw: Callable[..., Raw], cloud: StandInServer
) -> None:
    one = raw("late", session_expiry_interval=60)
    one.subscribe("expiring")
    one.close()
    sender = peer("sender3")
    sender.publish("expiring", b"short", MessageExpiryInterval=1)
    sender.publish("expiring", b"long", MessageExpiryInterval=60)
    waiting = cloud._broker.roster.sessions["late"].waiting
    until(lambda: waiting[0].late, "the short one is late")
    back = raw("late", clean_start=False, session_expiry_interval=60)
    first = back.next()
    assert bytes(first.payload) == b"long" and 50 < first.message_expiry_interval < 60


def test_the_newer_of_two_clients_with_one_id_stays(peer: Maker) -> None:
    first = peer("twin")
    second = peer("twin")
    until(lambda: first.lost, "the older one is sent away")
    assert first.lost[0].value == 0x8E
    first.client.loop_stop()
    second.subscribe("x")
    assert second.granted


def test_who_asks_for_no_local_does_not_hear_himself(peer: Maker) -> None:
    one = peer("deaf")
    one.subscribe("talk", noLocal=True)
    one.subscribe("fence")
    one.publish("talk", b"1")
    one.publish("fence", b"1")
    until(lambda: one.heard, "the fence")
    assert one.topics() == ["fence"]


def test_no_more_than_the_receive_maximum_is_under_way(
    peer: Maker, raw: Callable[..., Raw]
) -> None:
    slow = raw("slow", receive_max=2)
    slow.subscribe("many")
    sender = peer("sender4")
    for n in range(5):
        sender.publish("many", str(n).encode())
    first, second = slow.next(), slow.next()
    slow.send(mqtt5.PingReqPacket())
    assert isinstance(slow.next(), mqtt5.PingRespPacket)
    slow.send(mqtt5.PubAckPacket(first.packet_id))
    third = slow.next()
    assert [bytes(p.payload) for p in (first, second, third)] == [b"0", b"1", b"2"]


def test_nothing_larger_goes_out_than_the_client_takes(
    peer: Maker, raw: Callable[..., Raw]
) -> None:
    small = raw("small", max_packet_size=200)
    small.subscribe("sizes")
    sender = peer("sender5")
    for size in (500, 10):
        sender.publish("sizes", b"x" * size)
    assert len(small.next().payload) == 10


@pytest.mark.parametrize("topic", ["a/" * 8 + "a", "x" * 257, "ü" * 129])
def test_a_name_that_aws_does_not_take_is_refused(peer: Maker, topic: str) -> None:
    one = peer("names")
    assert one.publish(topic, b"1") == 0x90
    assert one.subscribe(topic) == 0x8F
    assert one.publish("a/" * 7 + "a", b"1") < 0x80 and one.subscribe("a/" * 7 + "a") == 1


def test_qos_2_is_not_there_for_publishing_nor_for_subscribing(raw: Callable[..., Raw]) -> None:
    one, other = raw("q1"), raw("q2")
    assert int(one.let_in.max_qos) == 1
    one.send(mqtt5.PublishPacket("x", b"", qos=mqtt5.QoS.EXACTLY_ONCE, packet_id=1))
    for answer in (one.next(), other.subscribe("x", qos=2)):
        assert answer.reason_code.name == "QOS_NOT_SUPPORTED"


def test_eight_filters_a_request_and_fifty_a_connection_as_at_aws(raw: Callable[..., Raw]) -> None:
    one = raw("greedy")
    for turn in range(7):
        wanted = [mqtt5.TopicFilter(f"t/{turn}/{n}", max_qos=mqtt5.QoS(1)) for n in range(9)]
        one.send(mqtt5.SubscribePacket(turn + 1, wanted))
        codes = [int(code) for code in one.next().reason_codes]
        free = 8 if turn < 6 else 2
        assert codes == [1] * free + [0x97] * (9 - free)


def test_a_packet_that_is_too_large_is_refused_by_its_header(raw: Callable[..., Raw]) -> None:
    one = raw("huge")
    one.socket.sendall(b"\x30\xff\xff\xff\x7f")
    assert one.next().reason_code.name == "PACKET_TOO_LARGE"


def test_a_client_that_says_nothing_is_sent_away(raw: Callable[..., Raw]) -> None:
    one = raw("silent", keep_alive=1)
    assert one.next().reason_code.name == "KEEP_ALIVE_TIMEOUT"


def test_a_subscriber_that_never_reads_is_bounded_and_harms_nobody(
    cloud: StandInServer, peer: Maker, raw: Callable[..., Raw]
) -> None:
    stuck = raw("stuck", session_expiry_interval=60)
    stuck.subscribe("flood")
    good = peer("good")
    good.subscribe("flood")
    for _ in range(1_500):
        good.client.publish("flood", b"x" * 10_000, qos=1)
    until(lambda: len(good.heard) == 1_500, "everything, for who reads", 60)
    session = cloud._broker.roster.sessions["stuck"]
    assert len(session.waiting) <= 1_000 and len(session.under_way) <= 100
    assert session.waiting_bytes <= 8 * 1024 * 1024 and session.dropped > 0
    good.subscribe("still")
    good.publish("still", b"1")
    until(lambda: good.topics()[-1] == "still", "the broker goes on")


def test_who_sends_more_than_can_wait_is_told_and_nothing_is_lost_in_silence(
    cloud: StandInServer, peer: Maker, raw: Callable[..., Raw], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked for the topic counts; who listens by a wildcard has room for more."""
    monkeypatch.setattr("venctl.standin.broker.sessions.MAX_WAITING", 10)
    away = raw("away", session_expiry_interval=60)
    away.subscribe("cmd/one")
    away.close()
    session = cloud._broker.roster.sessions["away"]
    until(lambda: session.wire is None, "gone")
    sender = peer("sender")
    sender.subscribe("#")
    codes = [sender.publish("cmd/one", b"%d" % n) for n in range(15)]
    assert codes == [0] * 10 + [0x97] * 5
    assert len(session.waiting) == 10 and session.dropped == 0
    assert sender.publish("cmd/two", b"") == 0
    until(lambda: sender.topics()[-1:] == ["cmd/two"], "the last one")
    assert len(sender.heard) == 11, "what is refused is sent to nobody"


def test_who_sends_to_a_client_that_does_not_keep_up_is_told_before_its_queue_is_full(
    cloud: StandInServer, peer: Maker, raw: Callable[..., Raw], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore behind a thousand others would come too late; without delay, much may wait."""
    sessions = "venctl.standin.broker.sessions"
    monkeypatch.setattr(f"{sessions}.MAX_BEHIND", 10)
    monkeypatch.setattr(f"{sessions}.BEHIND_S", 60)
    raw("slow").subscribe("cmd/slow")
    sender = peer("sender7")
    codes = [sender.publish("cmd/slow", b"%d" % n) for n in range(100 + 15)]
    assert codes == [0] * 115, "what came just now waits"
    monkeypatch.setattr(f"{sessions}.BEHIND_S", 0)
    assert sender.publish("cmd/slow", b"one more") == 0x97


def test_what_waits_for_all_together_is_bounded_and_makes_room_again(
    cloud: StandInServer, peer: Maker, raw: Callable[..., Raw], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = cloud._broker.roster._room.taken
    monkeypatch.setattr("venctl.standin.broker.sessions.MAX_TOGETHER_BYTES", taken + 100_000)
    names = [f"away-{n}" for n in range(3)]
    for name in names:
        one = raw(name, session_expiry_interval=60)
        one.subscribe("heavy")
        one.close()
    sender = peer("sender6")
    for _ in range(5):
        sender.publish("heavy", b"x" * 15_000)
    waiting = [cloud._broker.roster.sessions[name] for name in names]
    assert sum(len(session.waiting) for session in waiting) == 6
    raw("away-0", clean_start=True)
    sender.publish("heavy", b"x" * 15_000)
    assert sum(len(session.waiting) for session in waiting[1:]) == 6


def test_it_listens_on_loopback_only_and_says_which_port_is_taken(
    cloud: StandInServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert cloud._server.sockets[0].getsockname()[0] == "127.0.0.1"
    assert {host for host, _ in cloud._runner.addresses} == {"127.0.0.1"}
    folder = tmp_path_factory.mktemp("second")
    with pytest.raises(PortInUse) as taken:
        StandInServer.start(mqtt_port=cloud.mqtt_port, data_port=0, folder=folder)
    assert (taken.value.port, taken.value.what) == (cloud.mqtt_port, "mqtt")


def test_who_connects_and_says_nothing_holds_no_session(cloud: StandInServer) -> None:
    before = len(cloud._broker.roster.sessions)
    with socket.create_connection(("127.0.0.1", cloud.mqtt_port)) as idle, suppress(OSError):
        idle.sendall(b"\x10")
        assert len(cloud._broker.roster.sessions) == before
