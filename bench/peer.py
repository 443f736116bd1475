"""The other side of a broker: sends commands at a steady pace and clocks each ack.

Run as `python bench/peer.py PORT COUNT FILE`; the times go into FILE as JSON.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mqtt5

APART_S = 0.020
LAST_S = 10.0
MIX = ("event", "copy", "event", "restore", "copy")


class Peer:
    """One connection that sends at once: TCP_NODELAY, and no thread in between."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._number = 0
        self._send(mqtt5.ConnectPacket(client_id="bench-peer"))

    def subscribe(self, *patterns: str) -> None:
        wanted = [mqtt5.TopicFilter(one, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for one in patterns]
        self._send(mqtt5.SubscribePacket(1, wanted))
        while not any(isinstance(one, mqtt5.SubAckPacket) for one in self._packets(1.0)):
            pass

    def publish(self, topic: str, payload: bytes) -> None:
        self._number = self._number % 65_535 + 1
        self._send(
            mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=self._number)
        )

    def heard(self, until_s: float) -> Iterator[tuple[float, dict[str, Any]]]:
        """Messages up to a moment, each with the moment it came."""
        while (left_s := until_s - time.perf_counter()) > 0:
            for packet in self._packets(left_s):
                if isinstance(packet, mqtt5.PublishPacket):
                    yield time.perf_counter(), json.loads(bytes(packet.payload or b"{}"))
                    if packet.packet_id is not None:
                        self._send(mqtt5.PubAckPacket(packet.packet_id))

    def _packets(self, wait_s: float) -> Iterator[Any]:
        if not select.select([self._socket], [], [], wait_s)[0]:
            return
        got = self._socket.recv(65_536)
        if not got:
            raise ConnectionError("the broker is gone")
        self._buffer += got
        while self._buffer:
            try:
                packet, length = mqtt5.read(memoryview(self._buffer))
            except IndexError:
                return
            self._buffer = self._buffer[length:]
            yield packet

    def _send(self, packet: Any) -> None:
        self._socket.sendall(packet.write())


def commands(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """New events, copies of the newest one and restores: (kind, command)."""
    event: dict[str, Any] = {}
    for number in range(count):
        kind = MIX[number % len(MIX)]
        name = f"c{number}"
        match kind:
            case "event":
                event = {"op": "event", "shed_kw": 2.0, "duration_sec": 60, "event_id": name}
                yield kind, event
            case "copy":
                yield kind, event
            case _:
                yield kind, {"op": "restore"}


def run(port: int, count: int) -> dict[str, list[float]]:
    """Milliseconds from command to ack, of the controller and of the control."""
    peer = Peer(port)
    peer.subscribe("ven/ack/bench", "echo/ack")
    sent_s: dict[str, float] = {}
    took_ms: dict[str, list[float]] = {"ven": [], "control": []}

    def listen(until_s: float) -> None:
        for came_s, ack in peer.heard(until_s):
            name = ack.get("correlationId", "")
            if name in sent_s:
                took_ms[name.partition("-")[0]].append(1e3 * (came_s - sent_s.pop(name)))

    began_s = time.perf_counter()
    for number, (_, command) in enumerate(commands(count)):
        for place, (side, topic) in enumerate((("ven", "ven/cmd/bench"), ("control", "echo/cmd"))):
            due_s = began_s + (number + place / 2) * APART_S
            listen(due_s)
            name = f"{side}-{number}"
            payload = json.dumps(command | {"correlationId": name}).encode()
            sent_s[name] = time.perf_counter()
            peer.publish(topic, payload)
    deadline_s = time.perf_counter() + LAST_S
    while sent_s and time.perf_counter() < deadline_s:
        listen(time.perf_counter() + 0.1)
    return took_ms | {"lost": [float(len(sent_s))]}


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))
