"""Clients that ask for much: commands at a steady pace over MQTT, and a person at the page."""

from __future__ import annotations

import json
import select
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .brokers import Client
from .wire import packet, publish

RESTORE_EVERY_S = 2.0
LOOK_S = 0.5
TAIL_S, SILENT_S, QUIET_S = 30.0, 5.0, 1.0


@dataclass(slots=True)
class Seen:
    """What was sent, by correlation id, and what came back; moments in seconds.

    `delivered`: the order in which the broker delivered it, where that may be another.
    """

    sent: dict[str, float] = field(default_factory=dict)
    restores: dict[str, float] = field(default_factory=dict)
    answers: dict[str, list[tuple[float, dict[str, Any]]]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    page_ms: list[float] = field(default_factory=list)
    most_kb: int = 0

    def unanswered(self) -> list[str]:
        """Who heard neither an ack nor a PUBACK that says no."""
        return [one for one in self.sent if one not in self.answers and one not in self.refused]

    def latency_ms(self, share: float) -> float:
        """From command to ack."""
        all_ms = sorted(1e3 * (one[0][0] - self.sent[id]) for id, one in self.answers.items())
        return all_ms[min(len(all_ms) - 1, int(share * len(all_ms)))] if all_ms else 0.0

    def restore_ms(self) -> float:
        """The slowest; endless where one was not done, nor refused at once by the broker."""
        taken = [id for id in self.restores if id not in self.refused]
        return max((self._took_ms(id) for id in taken), default=0.0)

    def shed_afterwards(self) -> list[str]:
        """Events that were delivered before a restore, and accepted after its answer.

        What was delivered again after a lost connection counts as it came last, a restore as it
        came first.
        """
        order = self.delivered or list(self.sent)
        last = {id: n for n, id in enumerate(order)}
        first = {id: n for n, id in reversed(list(enumerate(order)))}
        answered = {id: n for n, id in enumerate(self.order)}
        taken = [id for id, said in self.answers.items() if said[0][1]["status"] == "accepted"]
        ends = [one for one in self.restores if one in answered]
        return [
            id
            for id in taken
            if any(last[id] < first[one] and answered[id] > answered[one] for one in ends)
        ]

    def early(self) -> int:
        """How many were delivered before one that was sent before them."""
        sent, first = {id: n for n, id in enumerate(self.sent)}, len(self.sent)
        overtook = 0
        for id in reversed(self.delivered):
            overtook += sent[id] > first
            first = min(first, sent[id])
        return overtook

    def _took_ms(self, id: str) -> float:
        said = self.answers.get(id)
        if not said or said[0][1]["status"] not in ("success", "duplicate"):
            return float("inf")
        return 1e3 * (said[0][0] - self.sent[id])


class Flood:
    """Commands of four kinds and a restore every two seconds; the acks come on a connection of
    their own.
    """

    def __init__(self, port: int, ven: str = "bench") -> None:
        self._topic = f"ven/cmd/{ven}"
        self._out, self._in = Client(port, "flood-out"), Client(port, "flood-in")
        self._in.subscribe(f"ven/ack/{ven}")
        for one in (self._out, self._in):
            one.socket.setblocking(False)
        self._written = {one: bytearray() for one in (self._out, self._in)}
        self._read = {one: bytearray() for one in (self._out, self._in)}
        self._open: dict[int, str] = {}
        self.seen = Seen()

    def run(self, seconds: float, a_second: int, resident_kb: Callable[[], int]) -> Seen:
        """Send, and listen until all is answered or nothing more comes."""
        began_s, looked_s = time.perf_counter(), 0.0
        count, every = int(seconds * a_second), int(RESTORE_EVERY_S * a_second)
        while (sent := len(self.seen.sent)) < count:
            now_s = time.perf_counter() - began_s
            for n in range(sent, min(count, int(now_s * a_second))):
                self._send(n, {"op": "restore"} if n % every == every // 2 else command(n))
            self._turn(0.002)
            if now_s - looked_s > LOOK_S:
                looked_s, self.seen.most_kb = now_s, max(self.seen.most_kb, resident_kb())
        self._send(count, {"op": "restore"})
        self._hear_out()
        self.seen.most_kb = max(self.seen.most_kb, resident_kb())
        return self.seen

    def _hear_out(self) -> None:
        end_s = heard_s = time.perf_counter()
        known = 0
        while self.seen.unanswered() or self._open:
            self._turn(0.02)
            now_s = time.perf_counter()
            if len(self.seen.order) != known:
                known, heard_s = len(self.seen.order), now_s
            if now_s > end_s + TAIL_S or now_s > heard_s + SILENT_S:
                break
        until_s = time.perf_counter() + QUIET_S
        while time.perf_counter() < until_s:
            self._turn(0.02)

    def _send(self, n: int, body: dict[str, Any]) -> None:
        name, number = f"c{n}", n % 65_535 + 1
        self._open[number] = name
        self._written[self._out] += publish(
            self._topic, number, json.dumps({**body, "correlationId": name})
        )
        self.seen.sent[name] = time.perf_counter()
        if body["op"] == "restore":
            self.seen.restores[name] = self.seen.sent[name]

    def _turn(self, wait_s: float) -> None:
        """Send and hear what there is."""
        both = {one.socket: one for one in (self._out, self._in)}
        full = [one.socket for one in both.values() if self._written[one]]
        reads, writes, _ = select.select(list(both), full, [], wait_s)
        for client in (both[one] for one in writes):
            del self._written[client][: client.socket.send(self._written[client])]
        for client in (both[one] for one in reads):
            self._hear(client)

    def _hear(self, client: Client) -> None:
        data = client.socket.recv(262_144)
        if not data:
            raise ConnectionError("the broker closed the connection")
        rest = self._read[client]
        rest += data
        at = 0
        while (found := packet(rest, at)) is not None:
            kind, start, at = found
            if kind >> 4 == 4:
                self._puback(bytes(rest[start:at]))
            elif kind >> 4 == 3:
                self._ack(bytes(rest[start:at]))
        del rest[:at]

    def _puback(self, body: bytes) -> None:
        name = self._open.pop(int.from_bytes(body[:2], "big"))
        if len(body) > 2 and body[2] >= 0x80:
            self.seen.refused[name] = body[2]

    def _ack(self, body: bytes) -> None:
        place = 2 + int.from_bytes(body[:2], "big")
        self._written[self._in] += b"\x40\x02" + body[place : place + 2]
        ack = json.loads(body[place + 3 + body[place + 2] :])
        name = ack.get("correlationId", "")
        self.seen.answers.setdefault(name, []).append((time.perf_counter(), ack))
        self.seen.order.append(name)


class Page:
    """Somebody at the page who wants load back, again and again, while it is entered."""

    def __init__(self, web: str) -> None:
        self._url = f"http://{web}/api/v1/restore"
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.took_ms: list[float] = []

    def __enter__(self) -> Page:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._left.wait(RESTORE_EVERY_S):
            began_s = time.perf_counter()
            body = json.dumps({"confirm_operator": True}).encode()
            headers = {"Content-Type": "application/json"}
            with urllib.request.urlopen(
                urllib.request.Request(self._url, body, headers), timeout=30
            ):
                self.took_ms.append(1e3 * (time.perf_counter() - began_s))


def command(n: int) -> dict[str, Any]:
    """A ping, a switch, a new event or a question."""
    match n % 4:
        case 0:
            return {"op": "ping"}
        case 1:
            return {"op": "setLoad", "data": {"loadId": "lights1", "enabled": n % 8 == 1}}
        case 2:
            return {"op": "event", "event_id": f"e{n}", "shed_kw": 1.0, "duration_sec": 600}
    return {"op": "get", "data": {"what": "status"}}
