"""The brokers that are measured, each in a process of its own that ends by itself if we do not."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mqtt5

AT_MOST_S = 120.0
READY_S = 10.0
# The codec's rare panics fetch symbols otherwise, which costs 50 MB.
QUIET = {**os.environ, "RUST_BACKTRACE": "0"}


@contextmanager
def child(folder: Path, name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, its output in a file; it is killed at the end, or after two minutes."""
    with (folder / f"{name}.txt").open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=QUIET
        )
    limit = threading.Timer(AT_MOST_S, process.kill)
    limit.daemon = True
    limit.start()
    try:
        yield process
    finally:
        limit.cancel()
        process.kill()
        process.wait()


@contextmanager
def stand_in(folder: Path) -> Iterator[tuple[int, int]]:
    """`venctl cloud`: its port and its process."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = (sys.executable, "-m", "venctl", "cloud", "--mqtt-port=0", "--data-port=0",
               "--state", str(folder / "state"), "--ready-file", str(ready))  # fmt: skip
    with child(folder, "stand-in", *command) as process:
        _wait(ready.exists, "the stand-in")
        said = json.loads(ready.read_text())
        yield int(said["mqtt"].rpartition(":")[2]), process.pid


@contextmanager
def mosquitto(folder: Path, window: int = 0) -> Iterator[tuple[int, int]]:
    """Debian's mosquitto with nodelay and no persistence: its port and its process.

    It has `window` messages under way to a client at most; 0: all there are.
    """
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    conf = folder / "mosquitto.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "set_tcp_nodelay true"]
    lines += ["max_queued_messages 0", f"max_inflight_messages {window}", ""]
    conf.write_text("\n".join(lines))
    with child(folder, "mosquitto", program, "-c", str(conf)) as process:
        _wait(lambda: _listens(port), "mosquitto")
        yield port, process.pid


@contextmanager
def noting_order(folder: Path, port: int) -> Iterator[tuple[int, Path]]:
    """A wire to the broker: the port to connect to, and the file with the order of delivery."""
    ready, order = folder / "order-port.txt", folder / "order.txt"
    command = (sys.executable, "-m", "bench.order", str(port), str(ready), str(order))
    with child(folder, "order-log", *command):
        _wait(ready.exists, "the wire to the broker")
        yield int(ready.read_text()), order


@contextmanager
def shadow_client(folder: Path, port: int) -> Iterator[None]:
    """Our shadow service as a client of another broker, with the same file and the same fsync."""
    command = (sys.executable, "-m", "bench.shadow_client", str(port), str(folder / "client.db"))
    with child(folder, "shadow-client", *command):
        time.sleep(1.0)
        yield


class Client:
    """MQTT 5 over a blocking socket: as little of a client as can be."""

    def __init__(self, port: int, name: str, expiry_s: int = 0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), READY_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self.send(
            mqtt5.ConnectPacket(client_id=name, clean_start=True, session_expiry_interval=expiry_s)
        )
        self.next()

    def send(self, packet: Any) -> None:
        self.socket.sendall(packet.write())

    def subscribe(self, *patterns: str) -> None:
        qos = mqtt5.QoS.AT_LEAST_ONCE
        self.send(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(p, max_qos=qos) for p in patterns]))
        self.next()

    def next(self) -> Any:
        """The next packet; a PUBLISH is acknowledged."""
        while True:
            try:
                packet, length = mqtt5.read(memoryview(self._rest))
            except IndexError:
                more = self.socket.recv(65_536)
                if not more:
                    raise ConnectionError("the broker closed the connection") from None
                self._rest += more
                continue
            self._rest = self._rest[length:]
            if isinstance(packet, mqtt5.PublishPacket) and int(packet.qos):
                self.send(mqtt5.PubAckPacket(packet.packet_id))
            return packet

    def close(self) -> None:
        self.socket.close()


def resident_kb(process: int) -> int:
    """What a process keeps in memory."""
    return status(process, "VmRSS")


def status(process: int, field: str) -> int:
    """A number that the kernel tells of a process."""
    said = Path(f"/proc/{process}/status").read_text()
    return int(said.partition(f"{field}:")[2].split()[0])


def _wait(ready: Any, what: str) -> None:
    end = time.monotonic() + READY_S
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not start")
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
