"""The MQTT door of the shadow service: requests on reserved topics, answers beside them."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import sqlite3
import time
from collections import Counter
from typing import Any

from .broker import Broker
from .documents import dumps
from .shadow import Answer, Rejected, ShadowService

log = logging.getLogger(__name__)
MAX_IN_FLIGHT = 10
_TOPIC = re.compile(
    r"\$aws/things/(?P<thing>[^/]+)/shadow(/name/(?P<name>[^/]+))?/(?P<what>get|update|delete)"
)


class ShadowTopics:
    """Answers after the broker has acknowledged the question.

    AWS promises no order among the messages about one update; with `order` they are shuffled.
    """

    def __init__(self, broker: Broker, service: ShadowService, order: random.Random | None) -> None:
        self._broker, self._service, self._order = broker, service, order
        self._loop = asyncio.get_running_loop()
        self._in_flight: Counter[str] = Counter()

    def takes(self, topic: str) -> bool:
        return _TOPIC.fullmatch(topic) is not None

    def ask(self, topic: str, payload: bytes, client: str) -> None:
        """Take a request; over ten of a client at once are refused."""
        over = self._in_flight[client] >= MAX_IN_FLIGHT and client != ""
        self._in_flight[client] += 1
        self._loop.call_soon(self._answer, topic, payload, client, over)

    def announce(self, thing: str, name: str, what: str, answer: Answer) -> None:
        """Publish what every subscriber hears of a request that was taken."""
        messages = [(f"{what}/accepted", answer.body), *answer.messages]
        if self._order is not None:
            self._order.shuffle(messages)
        for end, body in messages:
            self._say(f"{_prefix(thing, name)}/{end}", body)

    def _answer(self, topic: str, payload: bytes, client: str, over: bool) -> None:
        self._in_flight[client] -= 1
        if not self._in_flight[client]:
            del self._in_flight[client]
        found = _TOPIC.fullmatch(topic)
        assert found is not None
        thing, name, what = found["thing"], found["name"] or "", found["what"]
        try:
            answer = self._operate(thing, name, what, payload, over)
        except Rejected as refusal:
            body = {"code": refusal.code, "message": refusal.message, "timestamp": int(time.time())}
            token = {} if refusal.token is None else {"clientToken": refusal.token}
            self._say(f"{_prefix(thing, name)}/{what}/rejected", body | token)
        else:
            self.announce(thing, name, what, answer)
        self._broker.settle_soon()

    def _operate(self, thing: str, name: str, what: str, payload: bytes, over: bool) -> Answer:
        if over:
            raise self._service.throttled(payload)
        operation = {
            "get": self._service.get,
            "update": self._service.update,
            "delete": self._service.delete,
        }[what]
        try:
            return operation(thing, name, payload)
        except sqlite3.Error as error:
            log.error("a shadow cannot be written: %s", error)
            raise Rejected(500, "Internal service failure") from None

    def _say(self, topic: str, body: Any) -> None:
        if self._broker.heard(topic):
            self._broker.say(topic, dumps(body))


def _prefix(thing: str, name: str) -> str:
    return f"$aws/things/{thing}/shadow" + (f"/name/{name}" if name else "")
