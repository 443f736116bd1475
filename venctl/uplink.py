"""What the cloud says, as triggers; what the core wants said to the cloud, on the wire."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from itertools import count
from typing import Any

from statemachine import triggers as t
from statemachine.commands import Door, parse_command
from statemachine.effects import Ack, Effect, GetShadow, Report, Status
from statemachine.spec import Spec
from statemachine.wire import link_status
from web.desk import LinkView

from .endpoint import Endpoint, Will
from .journal import Journal
from .link import Denied, Down, Link, Message, News, Up
from .outbox import Outbox
from .runtime import clocks
from .shadows import Shadows

log = logging.getLogger(__name__)


def _refusal(topics: list[str]) -> str:
    return f"the broker refuses {', '.join(topics)}" if topics else ""


def _text(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class Uplink:
    """The link, the shadow over it and the outbox, for one site. Call from the loop only."""

    def __init__(
        self, spec: Spec, endpoint: Endpoint, journal: Journal, post: Callable[[t.Trigger], None]
    ) -> None:
        self._spec, self._post = spec, post
        self._topics = spec.topics.named(spec.site.id)
        command, status = self._topics.command, self._topics.status
        will = Will(status, _text(link_status(False, clocks()[0]))) if status else None
        self._link = Link(endpoint, [command] if command else [], will, self._hear)
        self._shadows = Shadows(spec, self._link.client, post)
        self._outbox = Outbox(journal, self._publish)
        self._pubacks: dict[str, Callable[[], None]] = {}
        self._replies = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._state, self._since, self._detail = "connecting", time.time(), ""
        self._denied: list[str] = []
        self._last_sent: float | None = None
        self._broker = f"{endpoint.host}:{endpoint.port}"

    def start(self) -> None:
        self._spawn(self._outbox.run())
        self._shadows.open()
        self._link.start()

    async def stop(self) -> None:
        """Say goodbye, at most about a second and a half."""
        if self._link.connected and self._topics.status:
            try:
                async with asyncio.timeout(0.5):
                    body = _text(link_status(False, clocks()[0]))
                    await self._link.publish(self._topics.status, body, True)
            except (OSError, TimeoutError):
                log.debug("gone before the goodbye")
        for task in self._tasks:
            task.cancel()
        self._shadows.close()
        await self._link.stop()

    def view(self) -> LinkView:
        """The link as the page shows it."""
        return LinkView(
            state=self._state,
            kind=self._spec.cloud.kind,
            broker=self._broker,
            since=self._since,
            waiting=len(self._outbox),
            last_sent=self._last_sent,
            detail=self._detail or None,
            denied=tuple(self._denied),
        )

    def explain(self, detail: str) -> None:
        """What a preflight found wrong, for as long as the link is down."""
        self._detail = detail

    def perform(self, effect: Effect, number: int | None) -> None:
        """Put an effect that is meant for the cloud on its way."""
        match effect:
            case Ack(reply, body) if number is not None:
                self._outbox.put(number, "ack", body, self._pubacks.pop(reply, lambda: None))
            case Status(body) if number is not None:
                self._outbox.put(number, "status", body, lambda: None)
            case GetShadow() | Report():
                self._spawn(self._shadows.perform(effect))

    async def telemetry(self, payload: bytes) -> None:
        """Publish on both topics. Raises OSError while the link is down."""
        if self._topics.telemetry:
            await self._link.publish(self._topics.telemetry, payload)
        if self._topics.metering and self._spec.telemetry.metering:
            await self._link.publish(self._topics.metering, payload)
        self._last_sent = time.time()

    async def _publish(self, kind: str, body: Mapping[str, Any]) -> None:
        topic = self._topics.ack if kind == "ack" else self._topics.status
        if topic:
            await self._link.publish(topic, _text(body))
            self._last_sent = time.time()

    def _hear(self, news: News) -> None:
        at_ms, mono_ms = clocks()
        match news:
            case Message(_, payload, puback):
                reply = f"mqtt:{next(self._replies)}"
                self._pubacks[reply] = puback
                door = Door("operator", reply, at_ms, mono_ms)
                self._post(parse_command(payload, self._spec.site.id, door))
            case Up():
                refused = self._topics.command in self._denied
                self._become("disconnected" if refused else "connected", _refusal(self._denied))
                if self._topics.status:
                    self._spawn(self._say_online(self._topics.status))
                self._outbox.resume()
                self._post(t.Connected(at_ms=at_ms, mono_ms=mono_ms))
            case Denied(topic, why):
                if topic not in self._denied:
                    self._denied.append(topic)
                log.warning("the broker refuses %s: %s", topic, why)
            case Down(why):
                self._denied.clear()
                if self._state == "connected":
                    self._post(t.Disconnected(at_ms=at_ms, mono_ms=mono_ms))
                self._become("disconnected", why)

    def _become(self, state: str, detail: str) -> None:
        if state != self._state:
            self._state, self._since = state, time.time()
            log.info("link %s %s", state, detail)
        self._detail = detail

    async def _say_online(self, topic: str) -> None:
        try:
            await self._link.publish(topic, _text(link_status(True, clocks()[0])), True)
        except OSError as error:
            log.debug("not said: %s", error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
