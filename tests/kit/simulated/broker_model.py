"""A broker and its shadow service in simulated time, as awscrt's clients would show them.

`Client` has what `Link` asks of `mqtt5.Client`, `Service` what `Twin` asks of the shadow client.
The session outlives connections: what has no PUBACK is sent again after each connect.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from random import Random
from types import SimpleNamespace as Said
from typing import Any

from awscrt import mqtt5
from awsiot import V2ServiceException

from tests.kit.simulated.mortal import Life, living
from venctl.standin.shadow.service import Key, ShadowRequestError, ShadowService, StoredShadow

DELAY_S = (0.001, 0.02, 0.3)
NO_ANSWER_S = 5.0
GOOD = Said(puback=Said(reason_code=mqtt5.PubackReasonCode.SUCCESS))


class Broken(OSError):
    """A connection that ended, in awscrt's words."""

    name = "AWS_ERROR_SOCKET_TIMEOUT"


class Broker:
    """`up`: it lets us in. `silent`: it takes what is sent and answers nothing.

    `heard` is told of each publish that arrives.
    """

    def __init__(
        self, dice: Random, heard: Callable[[str, Any], None], now_s: Callable[[], float]
    ) -> None:
        self.dice, self._heard = dice, heard
        self.on_try: Callable[[str, Any], None] = lambda topic, body: None
        self.up, self.silent = True, False
        self.breaks = 0
        self.session = False
        self.client: Client | None = None
        self.waiting: dict[int, tuple[str, bytes]] = {}
        self.sendings: dict[int, int] = {}
        self._number = 0
        self.shadows: dict[Key, StoredShadow] = {}
        self.service = ShadowService(self.shadows, now_s)

    def delay_s(self) -> float:
        return self.dice.choice(DELAY_S)

    def send(self, topic: str, payload: bytes) -> int | None:
        """Somebody publishes for us; the number of the message, None where no session keeps it."""
        if not self.session:
            return None
        self._number += 1
        self.waiting[self._number] = topic, payload
        self.sendings[self._number] = 0
        if self.client is not None and not self.silent:
            self.client.deliver(self._number)
        return self._number

    def wish(self, thing: str, name: str, state: dict[str, Any]) -> None:
        """Somebody writes to a shadow."""
        self.request(thing, name, {"state": state})

    def request(self, thing: str, name: str, said: dict[str, Any]) -> dict[str, Any]:
        """An update, and its delta to whoever listens. Raises `ShadowRequestError`."""
        answer = self.service.update(thing, name, json.dumps(said).encode())
        delta = dict(answer.messages).get("update/delta")
        if delta is not None and self.client is not None and not self.silent:
            self.client.tell_delta(name, delta)
        return answer.body

    def lose(self, client: Client | None = None) -> None:
        """The connection ends, or `client` is known to be gone."""
        gone = self.client
        if gone is not None and client in (None, gone):
            self.client, self.breaks = None, self.breaks + 1
            gone.cut()

    def set(self, up: bool, silent: bool = False) -> None:
        """From now on it is so."""
        if (up, silent) != (self.up, self.silent):
            self.breaks += 1
        self.up, self.silent = up, silent
        if not (up and silent):
            self.lose()

    def arrived(self, topic: str, payload: bytes) -> None:
        """A publish of ours is here."""
        self._heard(topic, json.loads(payload))


class Client:
    """What `Link` asks of an MQTT client of awscrt, for the program that makes it."""

    def __init__(self, broker: Broker, options: mqtt5.ClientOptions) -> None:
        self._broker, self._options, self.life = broker, options, living()
        self._sent: list[Future[Any]] = []
        self.streams: dict[str, Callable[[Any], None]] = {}
        self.on, self._free_s = False, 0.0

    def start(self) -> None:
        self.life.edge("before it connects")
        self._later(self._enter)

    def stop(self, packet: object = None) -> None:
        self.life.edge("before it disconnects")
        if self._broker.client is self:
            self._broker.client = None
            self._fail()
        self.on = False
        self._later(self._options.on_lifecycle_event_stopped_fn, Said())

    def publish(self, packet: mqtt5.PublishPacket) -> Future[Any]:
        self.life.edge("before a publish")
        sent: Future[Any] = Future()
        self._note(sent)
        payload = packet.payload if isinstance(packet.payload, bytes) else b""
        self._broker.on_try(packet.topic, json.loads(payload))
        self._later(self._arrive, sent, packet.topic, payload)
        self._give_up_later(sent)
        return sent

    def _note(self, sent: Future[Any]) -> None:
        """It is under way, as others are that nobody has answered yet."""
        self._sent = [*(one for one in self._sent if not one.done()), sent]

    def subscribe(self, packet: mqtt5.SubscribePacket) -> Future[Any]:
        self.life.edge("before it subscribes")
        sent: Future[Any] = Future()
        self._note(sent)
        self._later(self._subscribed, sent, len(packet.subscriptions))
        self._give_up_later(sent)
        return sent

    def invoke_publish_acknowledgement(self, number: int) -> None:
        self.life.edge("before a PUBACK")
        if self.on:
            self._later(self._acknowledge, number)

    # -- the broker's side ----------------------------------------------------------------------

    def deliver(self, number: int) -> None:
        """A message sets out to the program."""
        self._broker.sendings[number] += 1
        self._later(self._hand_in, number)

    def tell_delta(self, name: str, delta: dict[str, Any]) -> None:
        """A shadow differs."""
        if name in self.streams:
            self._later(self.streams[name], _event(delta))

    def cut(self) -> None:
        """The connection is gone."""
        self.on = False
        self.life.later(0.0, self._fail)
        self._later(self._lost)

    def _later(self, do: Callable[..., object], *said: Any) -> None:
        """Nothing overtakes on one connection."""
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(self._free_s + 1e-6, now_s + self._broker.delay_s())
        self.life.later(self._free_s - now_s, do, *said)

    def _give_up_later(self, sent: Future[Any]) -> None:
        self.life.later(NO_ANSWER_S, _fail, sent)

    def _enter(self) -> None:
        broker = self._broker
        if not broker.up:
            said = Said(exception=Broken("connection refused"), connack_packet=None)
            self._options.on_lifecycle_event_connection_failure_fn(said)
            return
        broker.client, self.on = self, True
        said = Said(connack_packet=Said(session_present=broker.session))
        self._options.on_lifecycle_event_connection_success_fn(said)
        if broker.session and not broker.silent:
            for number in broker.waiting:
                self.deliver(number)

    def _lost(self) -> None:
        said = Said(exception=Broken("socket timed out"), disconnect_packet=None)
        self._options.on_lifecycle_event_disconnection_fn(said)

    def _fail(self) -> None:
        sent, self._sent = self._sent, []
        for one in sent:
            _fail(one)

    def _arrive(self, sent: Future[Any], topic: str, payload: bytes) -> None:
        if self.on:
            self._broker.arrived(topic, payload)
            self.life.edge("after a publish")
            if not self._broker.silent:
                self._later(_settle, sent, GOOD)

    def _subscribed(self, sent: Future[Any], count: int) -> None:
        if self.on and not self._broker.silent:
            self._broker.session = True
            codes = [mqtt5.SubackReasonCode.GRANTED_QOS_1] * count
            self._later(_settle, sent, Said(reason_codes=codes))

    def _acknowledge(self, number: int) -> None:
        if self.on:
            self._broker.waiting.pop(number, None)

    def _hand_in(self, number: int) -> None:
        if self.on and number in self._broker.waiting:
            topic, payload = self._broker.waiting[number]
            self._options.on_publish_callback_fn(
                Said(
                    publish_packet=Said(topic=topic, payload=payload, retain=False),
                    acquire_publish_acknowledgement_control=lambda: number,
                )
            )


class Service:
    """What `Twin` asks of the SDK's shadow client."""

    def __init__(self, broker: Broker, client: Client) -> None:
        self._broker, self._client = broker, client

    def get_shadow(self, request: Any) -> Future[Any]:
        return self._ask(self._get, request, "")

    def get_named_shadow(self, request: Any) -> Future[Any]:
        return self._ask(self._get, request, request.shadow_name)

    def update_shadow(self, request: Any) -> Future[Any]:
        return self._ask(self._update, request, "")

    def update_named_shadow(self, request: Any) -> Future[Any]:
        return self._ask(self._update, request, request.shadow_name)

    def create_shadow_delta_updated_stream(self, request: Any, options: Any) -> Any:
        return self._stream("", options)

    def create_named_shadow_delta_updated_stream(self, request: Any, options: Any) -> Any:
        return self._stream(request.shadow_name, options)

    def _stream(self, name: str, options: Any) -> Any:
        def opened() -> None:
            self._client.streams[name] = options.incoming_event_listener

        return Said(open=opened)

    def _ask(self, do: Callable[[Any, str], Any], request: Any, name: str) -> Future[Any]:
        self._client.life.edge("before it asks the shadow")
        answer: Future[Any] = Future()
        life, broker = self._client.life, self._broker
        life.later(broker.delay_s(), self._arrive, answer, do, request, name)
        life.later(NO_ANSWER_S, _refuse, answer, Said(code=504, message="no answer"))
        return answer

    def _arrive(
        self, answer: Future[Any], do: Callable[[Any, str], Any], request: Any, name: str
    ) -> None:
        broker, life = self._broker, self._client.life
        if not self._client.on:
            return
        try:
            said = do(request, name)
        except ShadowRequestError as refusal:
            modeled = Said(code=refusal.code, message=str(refusal))
            life.later(broker.delay_s(), _refuse, answer, modeled)
            return
        life.edge("after it asked the shadow")
        if not broker.silent:
            life.later(broker.delay_s(), _settle, answer, said)

    def _get(self, request: Any, name: str) -> Any:
        body = self._broker.service.get(request.thing_name, name, b"").body
        return Said(**{**_event(body).__dict__, **_halves(body)})

    def _update(self, request: Any, name: str) -> Any:
        state: dict[str, Any] = {"reported": request.state.reported}
        if request.state.desired is not None:
            state["desired"] = request.state.desired
        said = {"state": state}
        if request.version is not None:
            said["version"] = request.version
        body = self._broker.request(request.thing_name, name, said)
        return Said(version=body["version"], timestamp=_moment(body))


def _halves(body: dict[str, Any]) -> dict[str, Any]:
    state, metadata = body["state"], body["metadata"]
    return {
        "state": Said(desired=state.get("desired"), reported=state.get("reported")),
        "metadata": Said(desired=metadata.get("desired")),
    }


def _event(body: dict[str, Any]) -> Any:
    said = {"version": body["version"], "timestamp": _moment(body)}
    return Said(**said, state=body["state"], metadata=body["metadata"])


def _moment(body: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(body["timestamp"])


def _settle(sent: Future[Any], answer: Any) -> None:
    if not sent.done():
        sent.set_result(answer)


def _fail(sent: Future[Any]) -> None:
    if not sent.done():
        sent.set_exception(Broken("no answer"))


def _refuse(sent: Future[Any], modeled: Any) -> None:
    if not sent.done():
        sent.set_exception(V2ServiceException("refused", None, modeled))


__all__ = ["Broker", "Client", "Life", "Service"]
