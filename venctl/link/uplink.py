"""Turns messages of the cloud into triggers, and sends the core's messages to the cloud."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import count
from typing import Any

from statemachine.kit.strict_json import compact
from statemachine.site.spec import Spec
from statemachine.state import triggers as t
from statemachine.state.effects import Ack, Effect, GetShadow, Report, Status
from statemachine.wire.commands import Origin, parse_command
from statemachine.wire.messages import link_status
from web.controller_port import LinkView

from ..base.backoff import Backoff
from ..base.clocks import clocks
from ..runtime.queue import gives_load_back
from ..store.outbox import Outbox
from ..store.tables import StoredMessage
from .endpoint import Endpoint, LastWill
from .environment import REAL, Environment
from .link import Denied, Link, LinkLost, LinkUp, Message, News, SendFailed, SendRefused
from .permissions import Permissions
from .replaceable import Hear, ReplaceableLink
from .shadow_adapter import ShadowAdapter

log = logging.getLogger(__name__)


async def _nothing() -> None:
    """Send nothing: there is no topic, or the broker does not allow it."""


def _no_puback() -> None:
    """Do nothing: the PUBACK was already sent, or none is needed."""


def _now_s() -> float:
    return clocks()[0] / 1000


def _offline() -> bytes:
    return compact(link_status(False, clocks()[0]))


def _right(topic: str, retain: bool) -> str:
    return f"retained messages on {topic}" if retain else topic


class Uplink:
    """The link, the shadow and the outbox of one site. Call from the loop only."""

    def __init__(
        self,
        spec: Spec,
        endpoint: Endpoint,
        sent: Callable[[int], None],
        post: Callable[[t.Trigger], None],
        outside: Environment = REAL,
    ) -> None:
        self._spec, self._post, self._endpoint = spec, post, endpoint
        self._outside = outside
        self._topics = spec.topics.named(spec.site.id)
        status = self._topics.status
        will = LastWill(status, _offline) if status else None
        self._rights = Permissions({_right(status, True), _right(status, False)} if status else ())
        self._backoff = Backoff(endpoint.pace, outside.uniform)
        self._way = ReplaceableLink(self._make, will, self._hear)
        self._outbox = Outbox(sent, self._publish)
        self._pubacks: dict[str, Callable[[], None]] = {}
        self._replies = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._state, self._since, self._detail = "connecting", _now_s(), ""
        self._explained: str | None = None
        self._tried = asyncio.Event()
        self._deaf = self._told_up = self._missed = False
        self._last_sent: float | None = None
        self._broker = f"{endpoint.host}:{endpoint.port}"

    def start(self) -> None:
        """Connect. Raises OSError or RuntimeError if our files cannot be used; call again later."""
        self._way.start()

    async def run(self) -> None:
        """Send queued messages, forever."""
        await self._outbox.run()

    def note_obstacle(self, why: str) -> None:
        """Report that connecting cannot even be tried."""
        self._become("disconnected", why)

    async def stop(self) -> None:
        """Send the offline status and disconnect; takes about a second and a half at most."""
        try:
            async with asyncio.timeout(0.5):
                await self._say_link(False)
        except TimeoutError:
            log.debug("stopped before the offline status was sent")
        for task in self._tasks:
            task.cancel()
        await self._way.stop()

    def use(self, spec: Spec) -> None:
        """Use a changed ven.yaml. Topic names change at the next start."""
        self._spec = spec
        if self._way.shadows is not None:
            self._way.shadows.use(spec)

    def add(self, letters: Iterable[StoredMessage]) -> None:
        """Add messages of an earlier run to send."""
        self._outbox.add(letters)

    def unsent(self) -> list[StoredMessage]:
        """The messages that must not be lost."""
        return self._outbox.unsent()

    def connected(self) -> bool:
        """Whether the core knows that the link is up."""
        return self._told_up

    def view(self) -> LinkView:
        """The state of the link for the page."""
        return LinkView(
            state=self._state,
            kind=self._spec.cloud.kind,
            broker=self._broker,
            since=self._since,
            waiting=len(self._outbox),
            last_sent=self._last_sent,
            detail=self._explained or self._detail or None,
            denied=self._rights.denied(),
        )

    async def note_attempt(self, seconds: float) -> None:
        """Wait for the end of the first attempt to connect, for at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._tried.wait()
        except TimeoutError:
            self._tried.set()

    def explain(self, detail: str | None) -> None:
        """Show the problem that a preflight found, if any, while the link is down."""
        self._explained = detail

    def perform(self, effect: Effect, number: int | None) -> None:
        """Carry out an effect that concerns the cloud."""
        match effect:
            case Ack(reply, body) if number is not None:
                puback = self._pubacks.pop(reply, _no_puback)
                if (
                    body.get("reason") == "storage"
                ):  # it is not stored, so the broker must not send it again
                    puback()
                    puback = _no_puback
                lasting = body.get("reason") != "overloaded"
                self._outbox.put(number, "ack", body, puback, lasting)
            case Status(body) if number is not None:
                self._outbox.put(number, "status", body, lambda: None)
            case GetShadow() | Report() if (shadows := self._way.shadows) is not None:
                self._spawn(shadows.perform(effect))

    async def telemetry(self, own: bytes, shared: bytes) -> None:
        """Publish on both topics, if allowed. Raises OSError while the link is down."""
        metering = self._topics.metering if self._spec.telemetry.metering else None
        for topic, payload in ((self._topics.telemetry, own), (metering, shared)):
            if topic:
                await self._say(topic, payload, False)

    def _publish(self, kind: str, body: Mapping[str, Any]) -> Coroutine[Any, Any, None]:
        topic = self._topics.ack if kind == "ack" else self._topics.status
        return self._say(topic, compact(body), False) if topic else _nothing()

    async def _say_link(self, online: bool) -> None:
        if self._topics.status:
            try:
                await self._say(
                    self._topics.status, compact(link_status(online, clocks()[0])), True
                )
            except SendFailed as error:
                log.debug("the link status was not sent: %s", error)

    def _say(self, topic: str, payload: bytes, retain: bool) -> Coroutine[Any, Any, None]:
        """Publish at once if the broker allows it; otherwise skip and report it.

        Awaiting the result raises `SendFailed`.
        """
        right = _right(topic, retain)
        if not self._rights.may(right, clocks()[1]):
            return _nothing()
        return self._said(right, self._way.publish(topic, payload, retain))

    async def _said(self, right: str, sent: Coroutine[Any, Any, None]) -> None:
        try:
            await sent
        except SendRefused as refusal:
            if self._rights.refused(right, clocks()[1]):
                log.warning("%s; this is tried again later", refusal)
            return
        self._rights.allowed(right)
        self._last_sent = _now_s()
        self._catch_up()

    def _make(self, will: LastWill | None, hear: Hear) -> tuple[Link, ShadowAdapter | None]:
        command = self._topics.command
        topics, make = [command] if command else [], self._outside.client
        link = Link(self._endpoint, topics, will, hear, self._backoff, make=make)
        if not self._spec.cloud.has_shadow:
            return link, None
        shadows = ShadowAdapter(self._spec, link.client, self._post, self._outside.service)
        link.tell_renewals(shadows.follow)
        return link, shadows

    def _hear(self, news: News) -> None:
        match news:
            case Message():
                self._take_in(news)
            case LinkUp(resumed):
                self._enter(resumed)
            case Denied(thing, why):
                self._deaf |= thing == self._topics.command
                if self._rights.refused(thing, clocks()[1]):
                    log.warning("the broker refuses %s: %s", thing, why)
            case LinkLost(why, _, cut_off):
                self._lose(why, cut_off)

    def _take_in(self, message: Message) -> None:
        at_ms, mono_ms = clocks()
        reply = f"mqtt:{next(self._replies)}"
        door = Origin("operator", reply, at_ms, mono_ms, message.stored, f"MQTT {message.topic}")
        command = parse_command(message.payload, self._spec.site.id, door)
        if self._outbox.full and not gives_load_back(command):
            self._take_no_more()
            return
        self._pubacks[reply] = message.puback
        self._post(command)

    def _take_no_more(self) -> None:
        """Skip what cannot be answered; the broker sends it again after a reconnect."""
        if not self._missed:
            text = "the broker accepts no acks, and %d are waiting; new commands are ignored"
            log.warning(text, len(self._outbox))
        self._missed = True

    def _catch_up(self) -> None:
        if self._missed and self._outbox.has_no_acks:
            self._missed = False
            log.warning(
                "the broker accepts acks again; reconnecting to receive the ignored commands"
            )
            self._way.renew()

    def _enter(self, resumed: bool) -> None:
        at_ms, mono_ms = clocks()
        if self._deaf:
            self._become("disconnected", "the broker refuses the subscription for commands")
        else:
            self._become("connected", "")
            self._rights.allowed(self._topics.command or "")
        self._explained = None
        self._rights.connected()
        self._spawn(self._say_link(True))
        self._outbox.resume(resumed)
        self._told_up = True
        self._post(t.Connected(at_ms=at_ms, mono_ms=mono_ms))

    def _lose(self, why: str, cut_off: tuple[str, bool] | None) -> None:
        at_ms, mono_ms = clocks()
        if self._told_up:
            self._post(t.Disconnected(at_ms=at_ms, mono_ms=mono_ms))
        self._deaf = self._told_up = self._missed = False  # the broker sends them again by itself
        self._become("disconnected", why)
        if cut_off and self._rights.cut_off(_right(*cut_off), mono_ms):
            log.warning(
                "no longer sent, because the broker closes the connection for it: %s",
                _right(*cut_off),
            )
            self._way.renew()

    def _become(self, state: str, detail: str) -> None:
        # The result of the first attempt is reported by the caller of `tried`.
        level = logging.INFO if self._tried.is_set() else logging.DEBUG
        self._tried.set()
        if state != self._state:
            self._state, self._since = state, _now_s()
            log.log(level, "link %s%s", state, f": {detail}" if detail else "")
        self._detail = detail

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
