"""A fake device that is a client of a broker, and how its faults look to those who listen."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.kit.devices.clock import Clock, pause
from tests.kit.devices.device import Device, reset_socket
from tests.kit.devices.faults import Dead, Flapping, Garbage, Late, Refusing, Reset, Slow, spoil

RECONNECT_S: Any = 0.2  # paho takes it as it is


class MqttDevice(Device):
    """Speaks MQTT 3.1.1 with QoS 0, as small devices do, and comes back by itself.

    `Refusing` here means that it lost the net: the broker publishes its will. `Dead` keeps the
    connection and says nothing more.
    """

    def __init__(self, clock: Clock, broker: int, name: str, will: tuple[str, str]) -> None:
        super().__init__(clock)
        self._broker, self._name, self._will = broker, name, will
        self._client: mqtt.Client | None = None
        self.user: tuple[str, str] | None = None
        self._joined = asyncio.Event()

    @abstractmethod
    def listens(self) -> list[str]:
        """The filters it subscribes to."""

    @abstractmethod
    def joined(self) -> None:
        """It has joined its broker: what it says then."""

    @abstractmethod
    def hear(self, topic: str, payload: str) -> None:
        """A message came."""

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._return()
        await self._joined.wait()
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.fault = None
        await self._leave()

    def say(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Publishes, as long as it can speak."""
        fault = self.suffers
        if isinstance(fault, Dead) or self._client is None:
            return
        said = spoil(fault.how, payload) if isinstance(fault, Garbage) else payload
        self._client.publish(topic, said.encode(), qos=0, retain=retain)

    async def fail(self, fault: Any) -> None:
        await super().fail(fault)
        if isinstance(fault, Refusing):
            await self._leave()
        if isinstance(fault, Flapping):
            self.later(self._flap(fault))

    async def heal(self) -> None:
        was, self.fault = self.fault, None
        if isinstance(was, Refusing):
            await self._return()

    def drop(self) -> None:
        """Its connection breaks; it makes another."""
        if self._client is not None and (raw := self._client.socket()) is not None:
            reset_socket(raw)

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        self._joined.clear()
        client.on_connect = client.on_message = client.on_subscribe = None
        client.on_disconnect = lambda *_: self._post(self.counts.closed)
        raw = client.socket()
        if raw is not None:
            reset_socket(raw)
        await self._loop.run_in_executor(None, self._stop, client)

    async def _return(self) -> None:
        if self._client is not None:
            return
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self._name)
        client.will_set(self._will[0], self._will[1], retain=True)
        if self.user is not None:
            client.username_pw_set(*self.user)
        client.reconnect_delay_set(RECONNECT_S, RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._post(self._on_subscribe)
        client.on_disconnect = lambda *_: self._post(self.counts.closed)
        client.on_message = lambda _, __, message: self._post(self._on_message, message)
        client.connect_async("127.0.0.1", self._broker, keepalive=30)
        self._client = client
        client.loop_start()

    @staticmethod
    def _stop(client: mqtt.Client) -> None:
        client.disconnect()
        client.loop_stop()

    def _post(self, deed: Any, *given: Any) -> None:
        """The only way from paho's thread into the loop."""
        self._loop.call_soon_threadsafe(deed, *given)

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        self._post(self.counts.opened)
        client.subscribe([(each, 0) for each in self.listens()])

    def _on_subscribe(self) -> None:
        if self._client is not None:
            self.joined()
            self._joined.set()

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        self.counts.requests += 1
        if message.retain:
            self.counts.retained.append(message.topic)
        payload = message.payload.decode(errors="replace")
        match self.suffers:
            case Dead() | Refusing():
                return
            case Reset():
                self.drop()
            case Slow(seconds):
                self.later(self._slowly(seconds, message.topic, payload))
            case Late(seconds):
                self._late(seconds, message.topic, payload)
            case _:
                self.hear(message.topic, payload)

    async def _slowly(self, seconds: float, topic: str, payload: str) -> None:
        await pause(self.clock, seconds)
        self.hear(topic, payload)

    def _late(self, seconds: float, topic: str, payload: str) -> None:
        """Does it now, and keeps back what it says about it."""
        held: list[tuple[str, str, bool]] = []
        self.say = lambda topic, payload, *, retain=False: held.append(  # type: ignore[method-assign]
            (topic, payload, retain)
        )
        try:
            self.hear(topic, payload)
        finally:
            del self.say
        self.later(self._say_later(seconds, held))

    async def _say_later(self, seconds: float, held: list[tuple[str, str, bool]]) -> None:
        await pause(self.clock, seconds)
        for topic, payload, retain in held:
            self.say(topic, payload, retain=retain)

    async def _flap(self, fault: Flapping) -> None:
        while self.fault is fault:
            await pause(self.clock, fault.well_s)
            self.drop()
            await pause(self.clock, fault.dead_s)
