"""One `venctl run` as a user starts it, on free ports, and what a test does to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.kit.paths import ROOT

STEADY = (
    (ROOT / "ven.yaml")
    .read_text()
    .replace("load: drift", "load: steady")
    .replace("restore: {every: 10 s", "restore: {every: 300 ms")
)


def until(found: Callable[[], Any], what: str, seconds: float = 15.0) -> Any:
    """The first true answer of `found`; fails with `what` when the deadline passes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"never came: {what}")


def venctl(
    *args: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a venctl command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "venctl", *args],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        capture_output=True,
        text=True,
        timeout=240,  # against a hang; a busy machine may need more than a minute
    )


class Site:
    """A controller in a folder of its own."""

    def __init__(self, folder: Path, text: str = STEADY, env: dict[str, str] | None = None) -> None:
        self.folder, self.env = folder, env or {}
        self.mqtt_port, self.ready = 0, {}
        (folder / "ven.yaml").write_text(text)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *extra: str) -> Site:
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        self.output = (self.folder / "output.txt").open("ab")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "venctl", "run", "--port", self._port("web")),
                *("--mqtt-port", self._port("mqtt"), "--data-port", self._port("data")),
                *("--ready-file", str(ready), *extra),
            ],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.env},
            stdout=self.output,
            stderr=self.output,
        )
        until(lambda: ready.exists() or self.process.poll() is not None, "ready file")
        assert ready.exists(), self.said()
        self.ready = json.loads(ready.read_text())
        return self

    def _port(self, name: str) -> str:
        return (self.ready.get(name) or "x:0").rpartition(":")[2]

    def said(self) -> str:
        return (self.folder / "output.txt").read_text()

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.kill()
        self.output.close()

    @property
    def url(self) -> str:
        return f"http://{self.ready['web']}"

    def http(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        head = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.url + path, data, head, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def state(self) -> dict[str, Any]:
        return self.http("GET", "/api/v1/state")[1]

    def connected(self) -> Site:
        until(lambda: self.state()["link"]["state"] == "connected", "link up")
        return self

    def venctl(self, *args: str) -> subprocess.CompletedProcess[str]:
        return venctl(*args, cwd=self.folder, env=self.env)


class Backend:
    """The other side: an MQTT 5 client that sends commands and keeps all it hears."""

    def __init__(self, port: int, ven_id: str = "volttron_local") -> None:
        self.ven_id = ven_id
        self.heard: list[tuple[str, Any]] = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = self._hear
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._ready = False
        self.client.on_subscribe = self._granted
        self.client.connect("127.0.0.1", port, properties=Properties(PacketTypes.CONNECT))
        self.client.loop_start()
        until(lambda: self._ready, "subscription")

    def _granted(self, *_: object) -> None:
        self._ready = True

    def _hear(self, client: object, data: object, message: mqtt.MQTTMessage) -> None:
        try:
            said = json.loads(message.payload)
        except (ValueError, RecursionError):
            said = message.payload
        self.heard.append((message.topic, said))

    def send(self, command: object) -> None:
        payload = command if isinstance(command, bytes) else json.dumps(command).encode()
        self.client.publish(f"ven/cmd/{self.ven_id}", payload, qos=1).wait_for_publish(10)

    def acks(self, correlation: str | None = None) -> list[dict[str, Any]]:
        acks = [said for topic, said in list(self.heard) if topic.startswith("ven/ack/")]
        return [a for a in acks if correlation is None or a.get("correlationId") == correlation]

    def on(self, start: str) -> list[dict[str, Any]]:
        return [said for topic, said in list(self.heard) if topic.startswith(start)]

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send, and answer with the ack that came."""
        before = len(self.acks())
        self.send(command)
        until(lambda: len(self.acks()) > before, f"ack of {command}")
        return self.acks()[before]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
