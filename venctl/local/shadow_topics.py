"""The MQTT door of the shadow service: requests on reserved topics, answers beside them."""

from __future__ import annotations

import logging
import re
from typing import Any

from .broker import Broker
from .documents import dumps
from .shadow import Answer, Rejected, ShadowService

log = logging.getLogger(__name__)
_TOPIC = re.compile(
    r"\$aws/things/(?P<thing>[^/]+)/shadow(/name/(?P<name>[^/]+))?/(?P<what>get|update|delete)"
)


def announce(broker: Broker, thing: str, name: str, what: str, answer: Answer) -> None:
    """Publish what every subscriber hears of a request that was taken."""
    for end, body in ((f"{what}/accepted", answer.body), *answer.messages):
        broker.say(f"{_prefix(thing, name)}/{end}", dumps(body), 1, False)


def answer_request(broker: Broker, service: ShadowService, topic: str, payload: bytes) -> None:
    """Answer one request published by a client; anything else on `$aws/` is not for us."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return
    thing, name, what = found["thing"], found["name"] or "", found["what"]
    try:
        operation = {"get": service.get, "update": service.update, "delete": service.delete}[what]
        answer = operation(thing, name, payload)
    except Rejected as refusal:
        body: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
        if refusal.token is not None:
            body["clientToken"] = refusal.token
        broker.say(f"{_prefix(thing, name)}/{what}/rejected", dumps(body), 1, False)
        return
    announce(broker, thing, name, what, answer)


def _prefix(thing: str, name: str) -> str:
    return f"$aws/things/{thing}/shadow" + (f"/name/{name}" if name else "")
