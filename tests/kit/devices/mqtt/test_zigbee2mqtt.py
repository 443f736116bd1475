"""The fake zigbee2mqtt on a real broker, with the faults that people report of the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.devices.clock import HandClock, soon
from tests.kit.devices.mqtt.zigbee2mqtt import Zigbee2Mqtt
from tests.kit.devices.wiring import Outlet, Wiring
from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.mqtt.peers import Peer


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def wiring(clock: HandClock) -> Wiring:
    return Wiring(clock=clock)


@pytest.fixture
def pump(wiring: Wiring) -> Outlet:
    return wiring.outlet("pump", 74)


@pytest.fixture
def peer(broker: Mosquitto) -> Iterator[Peer]:
    one = Peer(broker.port, "peer")
    one.subscribe("#")
    yield one
    one.close()


def said(peer: Peer, topic: str = "pump") -> list[Any]:
    name = f"zigbee2mqtt/{topic}"
    return [json.loads(one.payload) for one in list(peer.heard) if one.topic == name]


async def test_a_plug_switches_and_its_power_may_stand_still(
    broker: Mosquitto, peer: Peer, wiring: Wiring, pump: Outlet
) -> None:
    z2m = Zigbee2Mqtt(wiring, broker=broker.port)
    plug = z2m.plug("pump", pump)
    async with z2m:
        await soon(lambda: said(peer))
        assert said(peer)[-1]["power"] == 74
        plug.frozen_when_off = True
        peer.client.publish("zigbee2mqtt/pump/set", '{"state":"OFF"}')
        await soon(lambda: said(peer)[-1]["state"] == "OFF")
        assert said(peer)[-1]["power"] == 74 and wiring.watts == 0
        z2m.press("pump")
        await soon(lambda: said(peer)[-1]["state"] == "ON")
    await soon(lambda: said(peer, "bridge/state")[-1] == {"state": "offline"})


async def test_an_unplugged_one_says_the_same_on_and_on_and_then_is_offline(
    broker: Mosquitto, peer: Peer, wiring: Wiring, pump: Outlet, clock: HandClock
) -> None:
    z2m = Zigbee2Mqtt(wiring, broker=broker.port)
    plug = z2m.plug("pump", pump)
    async with z2m:
        await soon(lambda: said(peer))
        plug.unplugged = True
        clock.advance(300)
        await soon(lambda: len(said(peer)) == 6)
        assert len({one["last_seen"] for one in said(peer)}) == 1
        peer.client.publish("zigbee2mqtt/pump/set", '{"state":"OFF"}')
        await soon(lambda: z2m.counts.commands)
        assert pump.closed and said(peer, "pump/availability")[-1] == {"state": "online"}
        clock.advance(300)
        await soon(lambda: said(peer, "pump/availability")[-1] == {"state": "offline"})


async def test_a_timed_on_is_the_only_timer_it_has(
    broker: Mosquitto, peer: Peer, wiring: Wiring, pump: Outlet, clock: HandClock
) -> None:
    z2m = Zigbee2Mqtt(wiring, broker=broker.port)
    z2m.plug("pump", pump)
    async with z2m:
        peer.client.publish("zigbee2mqtt/pump/set", '{"state":"OFF","on_time":10}')
        await soon(lambda: not pump.closed)
        clock.advance(86_400)
        assert not pump.closed
        peer.client.publish("zigbee2mqtt/pump/set", '{"state":"ON","on_time":10}')
        await soon(lambda: pump.closed)
        clock.advance(10)
        assert not pump.closed
