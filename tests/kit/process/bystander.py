"""A bystander at a site: what was sent and acked, what page and telemetry said, and when.

He never raises while things happen: an answer that does not come is noted as None, so that a test
can say afterwards what was wrong, and show the whole account.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.kit.process.site import Site, until

VEN = "volttron_local"
SHADOW = f"$aws/things/{VEN}/shadow"
RATED_KW = {
    "heater1": 1.5, "lights1": 0.4, "misc1": 1.0, "ev1": 7.2, "hvac1": 3.5, "fridge1": 0.2,
}  # fmt: skip
UNMETERED_KW = 3.4
HTTP_S, LOOK_S = 3.0, 0.1
Found = Callable[[], Any]


def event(id: str, shed_kw: float, seconds: float, **more: Any) -> dict[str, Any]:
    """A command that calls an event."""
    return {"op": "event", "event_id": id, "shed_kw": shed_kw, "duration_sec": seconds, **more}


def seen(found: Found, seconds: float) -> Any:
    """The first true answer of `found`, or its last one when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := found()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def same_kw(one: float | None, other: float) -> bool:
    return one is not None and abs(one - other) < 0.015


class Operator:
    """An MQTT 5 client with a session that stays, QoS 1; sends commands, keeps all it hears."""

    def __init__(self, port: int) -> None:
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.heard: list[tuple[float, str, Any]] = []
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id="operator", protocol=mqtt.MQTTv5
        )
        self.client.max_inflight_messages_set(100)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = self._hear
        self.client.on_connect = self._enter
        self.client.on_subscribe = self._granted
        self.client.on_disconnect = self._lose
        self._granted_at = 0.0
        stays = Properties(PacketTypes.CONNECT)
        stays.SessionExpiryInterval = 3600
        self.client.connect("127.0.0.1", port, clean_start=False, properties=stays)
        self.client.loop_start()
        until(lambda: self._granted_at, "the operator's subscription")

    @property
    def connected(self) -> bool:
        return self._granted_at > 0

    def send(self, correlation: str, command: dict[str, Any]) -> float:
        """Answers with the time it was sent at."""
        at, said = time.time(), {**command, "correlationId": correlation}
        self.sent.append((at, said))
        self.client.publish(f"ven/cmd/{VEN}", json.dumps(said).encode(), qos=1)
        return at

    def ask(self, correlation: str, command: dict[str, Any], seconds: float = HTTP_S) -> Any:
        """Send, and wait for the ack; None where none comes in time."""
        self.send(correlation, command)
        seen(lambda: self.acks(correlation), seconds)
        return self.ack(correlation)

    def acks(self, correlation: str) -> list[tuple[float, dict[str, Any]]]:
        """When each ack of a command came, and what it said."""
        said = [(at, body) for at, topic, body in list(self.heard) if topic == f"ven/ack/{VEN}"]
        return [(at, body) for at, body in said if body.get("correlationId") == correlation]

    def ack(self, correlation: str) -> dict[str, Any] | None:
        acks = self.acks(correlation)
        return acks[0][1] if acks else None

    def acked_at(self, correlation: str) -> float | None:
        acks = self.acks(correlation)
        return acks[0][0] if acks else None

    def telemetry(self, since: float, before: float) -> list[dict[str, Any]]:
        return [
            body
            for at, topic, body in list(self.heard)
            if topic == f"ven/telemetry/{VEN}" and since <= at < before
        ]

    def wish_answers(self) -> list[dict[str, Any]]:
        """Every ack record the site put into its shadow, oldest first."""
        found = []
        for _, topic, body in list(self.heard):
            if topic == f"{SHADOW}/update/accepted":
                ack = ((body.get("state") or {}).get("reported") or {}).get("ack")
                found += [ack] if ack else []
        return found

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _enter(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([("#", 1), (f"{SHADOW}/#", 1)])

    def _granted(self, *_: object) -> None:
        self._granted_at = time.time()

    def _lose(self, *_: object) -> None:
        self._granted_at = 0.0

    def _hear(self, client: object, data: object, message: mqtt.MQTTMessage) -> None:
        with suppress(ValueError):
            self.heard.append((time.time(), message.topic, json.loads(message.payload)))


@dataclass(frozen=True, slots=True, repr=False)
class Look:
    """One look at the page's state; None where it did not answer."""

    asked: float
    answered: float
    state: dict[str, Any] | None

    def __repr__(self) -> str:
        alarms = [one["id"] for one in self.alarms()]
        words = f"{self.power_kw} kW, {sorted(self.events())}, alarms {alarms}"
        return words if self.state else "no answer"

    @property
    def took_s(self) -> float:
        return self.answered - self.asked

    @property
    def power_kw(self) -> float | None:
        return None if self.state is None else self.state["power_kw"]

    def events(self) -> dict[str, dict[str, Any]]:
        return {} if self.state is None else {one["id"]: one for one in self.state["events"]}

    def circuits(self) -> dict[str, dict[str, Any]]:
        return {} if self.state is None else {one["id"]: one for one in self.state["circuits"]}

    def alarms(self) -> list[dict[str, Any]]:
        return [] if self.state is None else self.state.get("alarms") or []

    def free_kw(self) -> float:
        """What the site draws with nothing held back."""
        on = [id for id, one in self.circuits().items() if one["enabled"]]
        return UNMETERED_KW + sum(RATED_KW[id] for id in on)

    @property
    def free(self) -> bool:
        return same_kw(self.power_kw, self.free_kw())


class Watcher:
    """Looks at the page's state all the time, from a thread of its own."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.looks: list[Look] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def between(self, since: float, before: float) -> list[Look]:
        """The looks asked for and answered within this time."""
        return [one for one in list(self.looks) if since <= one.asked and one.answered <= before]

    def first(self, since: float, found: Callable[[Look], Any]) -> Look | None:
        """The first look asked for since then of which this is true."""
        return next((x for x in list(self.looks) if x.asked >= since and found(x)), None)

    def wait(self, since: float, found: Callable[[Look], Any], seconds: float) -> Look | None:
        """Like `first`, and wait for one."""
        return seen(lambda: self.first(since, found), seconds)

    def close(self) -> None:
        self._done.set()
        self._thread.join(2 * HTTP_S)

    def _run(self) -> None:
        while not self._done.wait(LOOK_S):
            asked = time.time()
            status, body = http(self.site, "GET", "/api/v1/state")
            self.looks.append(Look(asked, time.time(), body if status == 200 else None))


class Stream:
    """The page's stream, read from a thread of its own until it ends."""

    def __init__(self, site: Site) -> None:
        self.told: list[tuple[float, str, dict[str, Any]]] = []
        self._url = f"{site.url}/api/v1/stream"
        threading.Thread(target=self._run, daemon=True).start()

    def names(self, since: float) -> list[str]:
        return [name for at, name, _ in list(self.told) if at >= since]

    def _run(self) -> None:
        name = ""
        with suppress(OSError, ValueError), urllib.request.urlopen(self._url, timeout=30) as lines:
            for raw in lines:
                word, _, rest = raw.decode().strip().partition(": ")
                if word == "event":
                    name = rest
                elif word == "data":
                    self.told.append((time.time(), name, json.loads(rest)))


def http(
    site: Site, method: str, path: str, body: object = None, seconds: float = HTTP_S
) -> tuple[int, Any]:
    """Status and body; 0 and the words where no answer comes in time."""
    data = None if body is None else json.dumps(body).encode()
    head = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(site.url + path, data, head, method=method)
        with urllib.request.urlopen(request, timeout=seconds) as reply:
            return reply.status, json.loads(reply.read() or b"null")
    except urllib.error.HTTPError as error:
        with error, suppress(ValueError, OSError):
            return error.code, json.loads(error.read() or b"null")
        return error.code, None
    except (OSError, ValueError) as error:
        return 0, f"{type(error).__name__}: {error}"


def breakers(folder: Path) -> dict[str, dict[str, Any]]:
    """What the panel file says of every breaker."""
    return dict(json.loads((folder / "panel.json").read_text()))


def free_to_draw(breaker: dict[str, Any]) -> bool:
    """Nothing holds this breaker now."""
    return breaker["hold_w"] is None or breaker["until_ms"] < time.time() * 1000
