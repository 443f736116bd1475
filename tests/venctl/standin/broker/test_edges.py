"""What the stand-in does at the edges of MQTT: as MQTT 5 has it, and AWS where it is narrower."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import mqtt5
import pytest

from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.mqtt.peers import Peer, Raw
from tests.kit.process.site import until
from tests.kit.tools import tool
from venctl.standin.server import DeviceIdentity, StandInServer

QOS1 = mqtt5.QoS.AT_LEAST_ONCE
LARGEST = 128 * 1024


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInServer]:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "iot:*", "Resource": "*"}],
    }
    folder, device = tmp_path_factory.mktemp("cloud"), DeviceIdentity("barred", [policy])
    one = StandInServer.start(mqtt_port=0, data_port=0, folder=folder, device=device)
    yield one
    one.stop()


@pytest.fixture
def raw(cloud: StandInServer) -> Iterator[Raw]:
    one = Raw(cloud.mqtt_port, "edge")
    yield one
    one.close()


def said_to(cloud: StandInServer, sent: bytes) -> bytes:
    """All that is answered to these bytes until the connection ends."""
    with socket.create_connection(("127.0.0.1", cloud.mqtt_port), 10) as one:
        one.sendall(sent)
        said = b""
        while more := one.recv(4096):
            said += more
    return said


def connect(name: bytes, level: int, client: bytes, flags: int = 2) -> bytes:
    """A CONNECT of MQTT 3.1, 3.1.1 or of whatever level."""
    head = len(name).to_bytes(2) + name + bytes((level, flags, 0, 60))
    body = head + (b"\0" if level == 5 else b"") + len(client).to_bytes(2) + client
    return bytes((0x10, len(body))) + body


@pytest.mark.parametrize(
    ("name", "level"), [(b"MQTT", 0x84), (b"MQTT", 3), (b"MQTT", 6), (b"MQIsdp", 3)]
)
def test_who_speaks_another_version_is_told_so_before_the_end(
    cloud: StandInServer, name: bytes, level: int
) -> None:
    assert said_to(cloud, connect(name, level, b"other")) == b"\x20\x02\x00\x01"


def test_who_speaks_something_else_is_told_nothing(cloud: StandInServer) -> None:
    with suppress(ConnectionResetError):
        assert said_to(cloud, connect(b"MQTX", 4, b"x")) == b""


@pytest.mark.parametrize(
    ("client", "flags", "code"), [(b"", 0, 2), (b"$aws", 2, 2), (b"barred", 2, 7)]
)
def test_an_old_client_is_refused_with_the_code_that_aws_has_for_it(
    cloud: StandInServer, client: bytes, flags: int, code: int
) -> None:
    assert said_to(cloud, connect(b"MQTT", 4, client, flags)) == bytes((0x20, 2, 0, code))


def test_who_wants_to_authenticate_by_a_method_is_told_that_there_is_none(
    cloud: StandInServer,
) -> None:
    one = Raw(cloud.mqtt_port, "methodical", authentication_method="SCRAM-SHA-1")
    assert one.let_in.reason_code.name == "BAD_AUTHENTICATION_METHOD" and one.next() is None
    one.close()


def test_what_is_not_to_be_had_is_said_in_the_connack(raw: Raw) -> None:
    said = raw.let_in
    assert not said.subscription_id_available and not said.shared_subscription_available
    assert said.max_packet_size == 149_504 and said.topic_alias_max == 0


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (
            mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a", max_qos=QOS1)], subscription_id=7),
            "SUBSCRIPTION_IDS_NOT_SUPPORTED",
        ),
        (mqtt5.PublishPacket("a", b"", subscription_ids=[7]), "PROTOCOL_ERROR"),
        (mqtt5.ConnectPacket(client_id="again"), "PROTOCOL_ERROR"),
        (mqtt5.AuthPacket(), "PROTOCOL_ERROR"),
        (mqtt5.PublishPacket("a\0b", b""), "MALFORMED_PACKET"),
        (mqtt5.PublishPacket("a", b"", response_topic="b\0"), "MALFORMED_PACKET"),
        (mqtt5.PublishPacket("a", b"", user_properties=[("b", "\0")]), "MALFORMED_PACKET"),
        (mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a\0")]), "MALFORMED_PACKET"),
        (mqtt5.UnsubscribePacket(1, ["a\0"]), "MALFORMED_PACKET"),
        (mqtt5.PublishPacket("a", b"x" * (LARGEST + 1)), "PACKET_TOO_LARGE"),
        (mqtt5.PublishPacket("a", b"x" * (LARGEST + 1), qos=QOS1, packet_id=1), "PACKET_TOO_LARGE"),
        (mqtt5.PublishPacket("a", b"x" * 150_000), "PACKET_TOO_LARGE"),
    ],
)
def test_a_packet_that_cannot_be_ends_the_connection_with_its_reason(
    raw: Raw, packet: Any, code: str
) -> None:
    raw.send(packet)
    said = raw.next()
    assert isinstance(said, mqtt5.DisconnectPacket) and said.reason_code.name == code
    with suppress(ConnectionResetError):  # what it did not read of a large packet is thrown away
        assert raw.next() is None


def test_the_largest_payload_there_is_goes_through_whatever_is_in_it(raw: Raw) -> None:
    raw.subscribe("large")
    raw.send(mqtt5.PublishPacket("large", b"\0" * LARGEST, qos=QOS1, packet_id=1))
    arrived = [raw.next(), raw.next()]
    assert [len(p.payload) for p in arrived if isinstance(p, mqtt5.PublishPacket)] == [LARGEST]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\0", b'{"state":{}}', b'{"a":NaN}'])
def test_a_shadow_is_deleted_whatever_the_request_holds(
    cloud: StandInServer, content: bytes
) -> None:
    prefix = "$aws/things/gone/shadow"
    one = Peer(cloud.mqtt_port, "deletes")
    one.subscribe(f"{prefix}/update/accepted")
    one.subscribe(f"{prefix}/delete/+")
    one.publish(f"{prefix}/update", b'{"state":{"reported":{"a":1}}}')
    until(lambda: len(one.heard) == 1, "an update")
    one.publish(f"{prefix}/delete", content)
    until(lambda: len(one.heard) == 2, "an answer")
    version = json.loads(one.heard[0].payload)["version"]
    assert one.topics()[1] == f"{prefix}/delete/accepted"
    assert json.loads(one.heard[1].payload)["version"] == version
    one.close()


def test_mosquitto_bridges_to_it_with_its_defaults(cloud: StandInServer, tmp_path: Path) -> None:
    """It tries a level of its own first, and goes on in 3.1.1 only where it is told so."""
    bridge = (
        f"connection up\naddress 127.0.0.1:{cloud.mqtt_port}\ntopic # out 1\nrestart_timeout 1\n"
    )
    program = tool("mosquitto_pub")
    broker, ear = Mosquitto(tmp_path, None, bridge), Peer(cloud.mqtt_port, "ear")
    try:
        ear.subscribe("bridged")
        said = [program, "-p", str(broker.port), "-q", "1", "-t", "bridged", "-m", "hello"]
        subprocess.run(said, check=True, timeout=10)
        until(lambda: ear.heard, "the message", 30)
    finally:
        broker.kill()
        ear.close()
