"""MQTT access to the shadow service: requests on reserved topics, and answers next to them."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from typing import Any

from ..broker.broker import Broker
from .documents import dumps
from .service import Answer, ShadowRequestError, ShadowService

MAX_IN_FLIGHT = 10
_TOPIC = re.compile(
    r"(?P<prefix>\$aws/things/(?P<thing>[^/]+)/shadow(/name/(?P<name>[^/]+))?)"
    r"/(?P<what>get|update|delete)"
)
Messages = list[tuple[str, dict[str, Any]]]


class ShadowTopics:
    """Connects service and broker; a request is answered after the broker has acknowledged it.

    AWS guarantees no order among the messages about one update; with `order` they are shuffled.
    """

    def __init__(self, broker: Broker, service: ShadowService, order: random.Random | None) -> None:
        self._broker, self._service, self._order = broker, service, order
        self._loop = asyncio.get_running_loop()
        self._in_flight: Counter[str] = Counter()

    def takes(self, topic: str) -> bool:
        return _TOPIC.fullmatch(topic) is not None

    def ask(self, topic: str, payload: bytes, client: str) -> None:
        """Handle a request; more than ten at once from a client are refused."""
        over = self._in_flight[client] >= MAX_IN_FLIGHT and client != ""
        self._in_flight[client] += 1
        self._loop.call_soon(self._answer, topic, payload, client, over)

    def announce(self, thing: str, name: str, what: str, answer: Answer) -> None:
        """Publish the messages about an accepted request."""
        prefix = f"$aws/things/{thing}/shadow" + (f"/name/{name}" if name else "")
        self._say(_accepted(prefix, what, answer))

    def _answer(self, topic: str, payload: bytes, client: str, over: bool) -> None:
        self._in_flight[client] -= 1
        if not self._in_flight[client]:
            del self._in_flight[client]
        if over:
            self._say(_rejected(topic, self._service.throttled(payload)))
        else:
            self._say(messages_about(self._service, topic, payload))

    def _say(self, messages: Messages) -> None:
        if self._order is not None:
            self._order.shuffle(messages)
        for topic, body in messages:
            if self._broker.has_subscriber(topic):
                self._broker.publish_own(topic, dumps(body))
        self._broker.settle_soon()


def messages_about(service: ShadowService, topic: str, payload: bytes) -> Messages:
    """Carry out a request; returns the messages to publish, none for other topics."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        return []
    what, key = match["what"], (match["thing"], match["name"] or "")
    operation = {"get": service.get, "update": service.update, "delete": service.delete}[what]
    try:
        return _accepted(match["prefix"], what, operation(*key, payload))
    except ShadowRequestError as refusal:
        return _rejected(topic, refusal)


def _accepted(prefix: str, what: str, answer: Answer) -> Messages:
    messages = ((f"{what}/accepted", answer.body), *answer.messages)
    return [(f"{prefix}/{end}", body) for end, body in messages]


def _rejected(topic: str, refusal: ShadowRequestError) -> Messages:
    token = {} if refusal.token is None else {"clientToken": refusal.token}
    body = {"code": refusal.code, "message": refusal.message, "timestamp": int(time.time())}
    return [(f"{topic}/rejected", body | token)]
