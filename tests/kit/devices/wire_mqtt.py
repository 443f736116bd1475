"""A device behind a real broker, by paho: hears orders, and says what it is told to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion


class WireMqtt:
    """`heard` has topic, payload and `retain` of what came, in order."""

    def __init__(self, port: int, *topics: str) -> None:
        self.heard: list[tuple[str, str, bool]] = []
        self.answers: dict[str, tuple[str, str]] = {}
        self._topics, self._up = topics, asyncio.Event()
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._loop.call_soon_threadsafe(self._up.set)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    async def up(self) -> None:
        async with asyncio.timeout(5):
            await self._up.wait()

    async def say(self, topic: str, payload: str | bytes, retain: bool = False) -> None:
        """Return once the broker has it."""
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        await asyncio.to_thread(sent.wait_for_publish, 5)

    def flood(self, topic: str, payloads: Iterable[str]) -> None:
        """Say all of them as fast as it can, at QoS 0."""
        for payload in payloads:
            self._client.publish(topic, payload)

    async def until(self, count: int) -> None:
        """Until it has heard so many messages."""
        async with asyncio.timeout(5):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        if self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])
        else:
            self._loop.call_soon_threadsafe(self._up.set)

    def _on_message(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        came = (message.topic, message.payload.decode(), message.retain)
        self._loop.call_soon_threadsafe(self._took, came)
        if message.topic in self.answers:
            client.publish(*self.answers[message.topic], qos=1)

    def _took(self, came: tuple[str, str, bool]) -> None:
        self.heard.append(came)
        self._news.set()


@asynccontextmanager
async def on_broker(port: int, *topics: str) -> AsyncIterator[WireMqtt]:
    one = WireMqtt(port, *topics)
    try:
        await one.up()
        yield one
    finally:
        one.leave()
