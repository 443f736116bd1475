"""Clients that send anything: the stand-in lives on, remembers nothing of them, and serves others.

`make fuzz` gives each of them 20 s; FUZZ_S any other time.
"""

from __future__ import annotations

import json
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import mqtt5
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.mqtt.peers import Peer
from tests.kit.process.site import until
from tests.kit.process.standin import StandIn
from venctl.standin.broker.framing import MAX_PACKET, MalformedPacket, PacketStream
from venctl.standin.shadow.service import ShadowRequestError, ShadowService

FUZZ_S = float(os.environ.get("FUZZ_S", "2"))
GROWTH_KB = 16 * 1024
QOS1 = mqtt5.QoS.AT_LEAST_ONCE

# One connection's worth of honest traffic, to be mutated.
MODERN = [
    mqtt5.ConnectPacket(client_id="fuzz", will=mqtt5.Will("w/x", payload=b"w", qos=QOS1)),
    mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a/+/#", max_qos=QOS1)]),
    mqtt5.PublishPacket("a/b/c", b"x" * 20, qos=QOS1, packet_id=2, retain=True,
                        user_properties=[("k", "v")], message_expiry_interval=5),
    mqtt5.PublishPacket("$aws/things/fuzz/shadow/update", b'{"state":{"desired":{"a":1}}}',
                        qos=QOS1, packet_id=3),
    mqtt5.PubAckPacket(1),
    mqtt5.UnsubscribePacket(4, ["a/+/#"]),
    mqtt5.PingReqPacket(),
]  # fmt: skip
OLD = (
    b"\x10\x13\x00\x04MQTT\x04\x02\x00\x3c\x00\x07fuzz311"
    b"\x82\x0a\x00\x01\x00\x05a/+/#\x01"
    b"\x32\x0c\x00\x05a/b/c\x00\x02xyz"
    b"\xc0\x00"
)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[StandIn]:
    one = StandIn(tmp_path)
    yield one
    one.close()


def resident_kb(cloud: StandIn) -> int:
    status = Path(f"/proc/{cloud.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def mutated(dice: random.Random, traffic: bytes) -> bytes:
    garbage = bytearray(traffic)
    for _ in range(dice.randint(1, 8)):
        place = dice.randrange(len(garbage))
        match dice.randrange(4):
            case 0:
                garbage[place] = dice.randrange(256)
            case 1:
                del garbage[place : place + dice.randint(1, 9)]
            case 2:
                garbage[place:place] = dice.randbytes(dice.randint(1, 9))
            case 3:
                garbage[place] ^= 1 << dice.randrange(8)
        garbage = garbage or bytearray(b"\x10")
    return bytes(garbage)


def connections(port: int, traffic: bytes, seconds: float, seed: int) -> int:
    """Send mutations until the time is over; answers how many connections that were."""
    dice, made, end = random.Random(seed), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as raw:
            raw.sendall(mutated(dice, traffic))
            if dice.random() < 0.2:
                raw.settimeout(0.01)
                raw.recv(4096)
        made += 1
    return made


@pytest.mark.parametrize("traffic", ["modern", "old"])
def test_mutated_connections_leave_it_alive_and_no_larger(cloud: StandIn, traffic: str) -> None:
    honest = b"".join(bytes(p.write()) for p in MODERN) if traffic == "modern" else OLD
    connections(cloud.mqtt_port, honest, FUZZ_S / 4, 1)
    before = resident_kb(cloud)
    made = connections(cloud.mqtt_port, honest, FUZZ_S, 2)
    alive = Peer(cloud.mqtt_port, "alive")
    alive.subscribe("still")
    alive.publish("still", b"1")
    until(lambda: alive.heard, "the broker goes on")
    alive.close()
    grown = resident_kb(cloud) - before
    print(f"{made} connections, {before} KB and {grown} KB more")
    assert made > 100 and grown < GROWTH_KB
    output = cloud.output()  # the codec says what it panics on; nothing of ours may be in there
    assert "Exception in callback" not in output and "Fatal error" not in output


def test_a_subscriber_that_never_reads_costs_a_bounded_amount_of_memory(cloud: StandIn) -> None:
    stuck = socket.create_connection(("127.0.0.1", cloud.mqtt_port))
    wanted = mqtt5.TopicFilter("flood", max_qos=QOS1)
    stuck.sendall(
        bytes(mqtt5.ConnectPacket(client_id="stuck", session_expiry_interval=60).write())
        + bytes(mqtt5.SubscribePacket(1, [wanted]).write())
    )
    good = Peer(cloud.mqtt_port, "good")
    good.subscribe("fence")
    before = resident_kb(cloud)
    for _ in range(3):
        for _ in range(600):
            good.client.publish("flood", b"x" * 20_000, qos=1)
        seen = len(good.heard)
        good.publish("fence", b"1")
        until(lambda seen=seen: len(good.heard) > seen, "the others go on", 60)
    assert resident_kb(cloud) - before < 3 * GROWTH_KB  # 36 MB came, 8 MB may wait
    good.close()
    stuck.close()


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=20))
def test_any_bytes_are_packets_or_malformed(pieces: list[bytes]) -> None:
    stream = PacketStream()
    with suppress(MalformedPacket, ValueError):
        for piece in pieces:
            for packet in stream.read(piece):
                assert type(packet).__name__.endswith("Packet")


@given(st.data())
def test_packets_are_the_same_however_the_bytes_are_cut(data: st.DataObject) -> None:
    whole = b"".join(bytes(p.write()) for p in MODERN)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    stream, found = PacketStream(), []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += [type(packet).__name__ for packet in stream.read(whole[start:end])]
    assert found == [type(packet).__name__ for packet in MODERN]


def test_a_packet_that_says_it_is_too_long_is_refused_before_it_comes() -> None:
    stream = PacketStream()
    assert list(stream.read(b"\x30" + _varint(MAX_PACKET))) == []
    with pytest.raises(MalformedPacket):
        list(PacketStream().read(b"\x30" + _varint(MAX_PACKET + 1)))


def _varint(length: int) -> bytes:
    out = bytearray()
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(out)


ODD = [
    b"", b" ", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"\xef\xbb\xbf{}", b"{}" * 2,
    b"NaN", b'{"state":{"desired":{"a":NaN}}}', b'{"state":{"desired":{"a":1e999}}}',
    b'{"state":{"desired":{"a":"\\ud800"}}}', b"[" * 100_000, b'{"a":' * 100_000,
    b'{"state":{"desired":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}}",
    b'{"state":{"desired":{"a":' + b"[" * 300 + b"]" * 300 + b"}}}",
    b'{"state":{"desired":{"a":' + b"9" * 5_000 + b"}}}", b'{"version":' + b"9" * 400 + b"}",
    b'{"state":{},"version":true}', b'{"state":{},"version":1.0}', b'{"state":{},"clientToken":1}',
    json.dumps({"state": {"reported": {"a": "x" * 9_000}}}).encode(),
]  # fmt: skip


def service() -> ShadowService:
    return ShadowService({}, lambda: 1_700_000_000.0, rate=1_000_000)


@pytest.mark.parametrize("payload", ODD)
@pytest.mark.parametrize("operation", ["get", "update", "delete"])
def test_an_odd_request_is_answered_or_rejected_and_changes_no_version_by_itself(
    operation: str, payload: bytes
) -> None:
    shadows = service()
    shadows.update("t", "", b'{"state":{"reported":{"a":1}}}')
    before = shadows.get("t", "", b"").body["version"]
    ask: Callable[..., object] = getattr(shadows, operation)
    try:
        ask("t", "", payload)
    except ShadowRequestError as refusal:
        assert 400 <= refusal.code < 500 and refusal.message
        assert shadows.get("t", "", b"").body["version"] == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["state", "version", "clientToken", "x"]),
            JSON | st.fixed_dictionaries({}, optional={"desired": JSON, "reported": JSON}),
        ),
        max_size=6,
    )
)
def test_whatever_is_sent_what_is_got_is_a_whole_document(requests: list[object]) -> None:
    shadows, version = service(), 0
    for request in requests:
        with suppress(ShadowRequestError):
            answer = shadows.update("t", "", json.dumps(request).encode())
            version += 1
            assert answer.body["version"] == version
    if version:
        whole = shadows.get("t", "", b"").body
        assert whole["version"] == version
        assert whole["state"].keys() - {"delta"} == whole["metadata"].keys()
        json.dumps(whole, allow_nan=False)
