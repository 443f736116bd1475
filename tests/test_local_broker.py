"""The stand-in's broker, with paho's MQTT 5 client and raw sockets as peers."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

import mqtt5
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from venctl.local import LocalCloud, PortTaken

from .site import until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    one = LocalCloud.start(mqtt_port=0, data_port=0, folder=tmp_path_factory.mktemp("cloud"))
    yield one
    one.stop()


class Peer:
    def __init__(self, port: int, name: str, clean: bool = True, **will: Any) -> None:
        self.heard: list[Any] = []
        self.present: list[bool] = []
        self.lost: list[Any] = []
        self.granted: list[Any] = []
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5
        )
        if will:
            self.client.will_set(**will)
        self.client.on_message = lambda c, d, message: self.heard.append(message)
        self.client.on_connect = lambda c, d, f, r, p: self.present.append(f.session_present)
        self.client.on_disconnect = lambda c, d, f, reason, p: self.lost.append(reason)
        self.client.on_subscribe = lambda c, d, m, codes, p: self.granted.append(codes)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0 if clean else 300
        self.client.connect("127.0.0.1", port, clean_start=clean, properties=properties)
        self.client.loop_start()
        until(lambda: self.present, "CONNACK")

    def subscribe(self, topic: str, **options: Any) -> None:
        before = len(self.granted)
        self.client.subscribe(topic, options=SubscribeOptions(qos=1, **options))
        until(lambda: len(self.granted) > before, "SUBACK")

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def cut(self) -> None:
        """Gone without a goodbye."""
        self.client.loop_stop()
        self.client.socket().close()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


Maker = Callable[..., Peer]


@pytest.fixture
def peer(cloud: LocalCloud) -> Iterator[Maker]:
    made: list[Peer] = []

    def make(name: str, **more: Any) -> Peer:
        made.append(Peer(cloud.mqtt_port, name, **more))
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
    until(lambda: any(m.topic == "fence" for m in one.heard), "the fence")
    assert sorted(m.topic for m in one.heard) == ["a/b/c", "a/b/c/d/e", "a/b/x", "fence"]


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
    assert [m.topic for m in last.heard] == ["fence"]


def test_a_will_speaks_for_who_was_cut_off_and_not_for_who_left(peer: Maker) -> None:
    witness = peer("witness")
    witness.subscribe("wills")
    leaver = peer("leaver", topic="wills", payload=b"leaver", qos=1)
    victim = peer("victim", topic="wills", payload=b"victim", qos=1)
    leaver.close()
    victim.cut()
    until(lambda: witness.heard, "a will")
    assert [m.payload for m in witness.heard] == [b"victim"]


def test_a_session_keeps_what_came_while_its_client_was_away(peer: Maker) -> None:
    one = peer("sleeper", clean=False)
    one.subscribe("post")
    one.close()
    sender = peer("sender")
    for n in range(50):
        sender.publish("post", str(n).encode())
    back = peer("sleeper", clean=False)
    assert back.present == [True]
    until(lambda: len(back.heard) == 50, "fifty messages")
    assert [int(m.payload) for m in back.heard] == list(range(50))


def test_the_newer_of_two_clients_with_one_id_stays(peer: Maker) -> None:
    first = peer("twin")
    second = peer("twin")
    until(lambda: first.lost, "the older one is sent away")
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
    assert [m.topic for m in one.heard] == ["fence"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the codec's own
def test_malformed_packets_cost_their_sender_the_connection_and_nobody_else(
    cloud: LocalCloud, peer: Maker
) -> None:
    dice = random.Random(1)
    connect = bytes(mqtt5.ConnectPacket(client_id="fuzz").write())
    publish = bytes(mqtt5.PublishPacket("a/b", b"x" * 20).write())
    for _ in range(400):
        garbage = bytearray(connect + publish)
        for _ in range(dice.randint(1, 6)):
            garbage[dice.randrange(len(garbage))] = dice.randrange(256)
        with socket.create_connection(("127.0.0.1", cloud.mqtt_port)) as raw:
            raw.sendall(garbage)
    alive = peer("alive")
    alive.subscribe("still")
    alive.publish("still", b"1")
    until(lambda: alive.heard, "the broker goes on")


def test_a_subscriber_that_never_reads_is_bounded_and_harms_nobody(
    cloud: LocalCloud, peer: Maker
) -> None:
    with socket.create_connection(("127.0.0.1", cloud.mqtt_port)) as stuck:
        wanted = mqtt5.TopicFilter("flood", max_qos=mqtt5.QoS.AT_LEAST_ONCE)
        stuck.sendall(
            bytes(mqtt5.ConnectPacket(client_id="stuck").write())
            + bytes(mqtt5.SubscribePacket(1, [wanted]).write())
        )
        good = peer("good")
        good.subscribe("flood")
        for _ in range(1_500):
            good.client.publish("flood", b"x" * 1_000, qos=1)
        until(lambda: len(good.heard) == 1_500, "everything, for who reads")
        session = cloud._broker.roster.sessions["stuck"]
        assert len(session.waiting) <= 1_000 and len(session.under_way) <= 100


def test_it_listens_on_loopback_only_and_says_which_port_is_taken(
    cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert cloud._server.sockets[0].getsockname()[0] == "127.0.0.1"
    assert {host for host, _ in cloud._runner.addresses} == {"127.0.0.1"}
    folder = tmp_path_factory.mktemp("second")
    with pytest.raises(PortTaken) as taken:
        LocalCloud.start(mqtt_port=cloud.mqtt_port, data_port=0, folder=folder)
    assert (taken.value.port, taken.value.what) == (cloud.mqtt_port, "mqtt")
