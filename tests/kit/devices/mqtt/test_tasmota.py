"""The fake Tasmota on a real broker, held against what its documents and its source say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.kit.devices.clock import HandClock, soon
from tests.kit.devices.faults import Dead, Deaf, Garbage, Late, Refusing, Reset
from tests.kit.devices.mqtt.tasmota import Tasmota, TasmotaHttp
from tests.kit.devices.retained import retained
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
def boiler(wiring: Wiring) -> Outlet:
    return wiring.outlet("boiler", 2000)


@pytest.fixture
def peer(broker: Mosquitto) -> Iterator[Peer]:
    one = Peer(broker.port, "peer")
    one.subscribe("#")
    yield one
    one.close()


@asynccontextmanager
async def plug(
    wiring: Wiring, *outlets: Outlet, broker: Mosquitto, peer: Peer
) -> AsyncIterator[Tasmota]:
    """Once its first words are heard."""
    async with Tasmota(wiring, *outlets, broker=broker.port, topic="boiler") as one:
        await soon(lambda: said(peer, "tele/boiler/SENSOR"))
        yield one


def said(peer: Peer, topic: str) -> list[Any]:
    texts = [one.payload.decode() for one in list(peer.heard) if one.topic == topic]
    return [json.loads(text) if text[:1] in "{[" and text else text for text in texts]


async def tell(peer: Peer, command: str, payload: str, answers: str = "stat/boiler/RESULT") -> Any:
    before = len(said(peer, answers))
    peer.client.publish(f"cmnd/boiler/{command}", payload)
    await soon(lambda: len(said(peer, answers)) > before)
    return said(peer, answers)[before]


async def test_it_switches_and_tells_of_it(
    broker: Mosquitto, peer: Peer, wiring: Wiring, boiler: Outlet
) -> None:
    async with plug(wiring, boiler, broker=broker, peer=peer):
        assert await tell(peer, "Power1", "0") == {"POWER": "OFF"}
        await soon(lambda: said(peer, "stat/boiler/POWER")[-1:] == ["OFF"])
        assert wiring.watts == 0
        sensor = (await tell(peer, "Status", "8", "stat/boiler/STATUS8"))["StatusSNS"]
        assert sensor["ENERGY"]["Power"] == 0
        assert await tell(peer, "Power", "TOGGLE") == {"POWER": "ON"}
        state = (await tell(peer, "Status", "11", "stat/boiler/STATUS11"))["StatusSTS"]
        assert state["POWER"] == "ON" and state["UptimeSec"] == 0
        assert (await tell(peer, "Foo", "1"))["Command"] == "Unknown"
    await soon(lambda: said(peer, "tele/boiler/LWT")[-1:] == ["Offline"])


async def test_a_timed_off_ends_by_itself_and_the_same_again_renews_it(
    broker: Mosquitto, peer: Peer, wiring: Wiring, boiler: Outlet, clock: HandClock
) -> None:
    async with plug(wiring, boiler, broker=broker, peer=peer) as tasmota:
        for _ in range(3):
            assert await tell(peer, "TimedPower1", "120000,0") == {"POWER": "OFF"}
            clock.advance(100)
        left = await tell(peer, "TimedPower", "")
        assert left == {"TimedPower": [{"Remaining": 20_000, "Command": "Power1 1"}]}
        assert wiring.watts == 0 and tasmota.relays.flash_writes == 1
        clock.advance(20)
        assert wiring.watts == 2000
        await soon(lambda: said(peer, "stat/boiler/POWER")[-1:] == ["ON"])


async def test_clearing_ends_the_timer_and_leaves_the_relay(
    broker: Mosquitto, peer: Peer, wiring: Wiring, boiler: Outlet, clock: HandClock
) -> None:
    async with plug(wiring, boiler, broker=broker, peer=peer):
        await tell(peer, "TimedPower1", "120000,0")
        assert await tell(peer, "TimedPower1", "") == {"TimedPower": "Done"}
        assert await tell(peer, "TimedPower", "") == {"TimedPower": "Empty"}
        clock.advance(500)
        assert wiring.watts == 0


@pytest.mark.parametrize(("cold", "state", "watts"), [(False, 1, 0), (True, 1, 2000), (True, 3, 0)])
async def test_a_warm_restart_keeps_the_relay_off_and_forgets_the_timer(
    broker: Mosquitto,
    peer: Peer,
    wiring: Wiring,
    boiler: Outlet,
    clock: HandClock,
    cold: bool,
    state: int,
    watts: int,
) -> None:
    async with plug(wiring, boiler, broker=broker, peer=peer) as tasmota:
        await tell(peer, "PowerOnState", str(state))
        await tell(peer, "TimedPower1", "120000,0")
        rebooting = asyncio.create_task(tasmota.reboot(5, cold=cold))
        await soon(lambda: said(peer, "tele/boiler/LWT")[-1:] == ["Offline"])
        clock.advance(5)
        await rebooting
        await soon(lambda: said(peer, "tele/boiler/LWT")[-1:] == ["Online"])
        clock.advance(500)
        assert wiring.watts == watts


async def test_a_pulse_gives_back_after_a_power_cut(
    broker: Mosquitto, peer: Peer, wiring: Wiring, boiler: Outlet, clock: HandClock
) -> None:
    async with plug(wiring, boiler, broker=broker, peer=peer) as tasmota:
        await tell(peer, "PowerOnState", "5")
        await tell(peer, "PulseTime", "160")
        await tasmota.reboot(cold=True)
        assert wiring.watts == 0
        clock.advance(60)
        assert wiring.watts == 2000


async def test_it_reports_by_itself_each_tele_period(
    broker: Mosquitto, peer: Peer, wiring: Wiring, boiler: Outlet, clock: HandClock
) -> None:
    async with plug(wiring, boiler, broker=broker, peer=peer):
        await tell(peer, "TelePeriod", "10")
        await soon(lambda: len(said(peer, "tele/boiler/SENSOR")) == 1)
        clock.advance(300)
        await soon(lambda: len(said(peer, "tele/boiler/SENSOR")) == 2)
        clock.advance(30)
        await soon(lambda: len(said(peer, "tele/boiler/SENSOR")) == 5)
        assert said(peer, "tele/boiler/SENSOR")[-1]["ENERGY"]["Power"] == 2000


async def test_two_relays_have_numbers_and_a_list_of_watts(
    broker: Mosquitto, peer: Peer, wiring: Wiring, boiler: Outlet
) -> None:
    async with plug(wiring, boiler, wiring.outlet("pump", 700), broker=broker, peer=peer):
        assert await tell(peer, "Power2", "0") == {"POWER2": "OFF"}
        sensor = (await tell(peer, "Status", "8", "stat/boiler/STATUS8"))["StatusSNS"]
        assert sensor["ENERGY"]["Power"] == [2000, 0]


async def test_a_retained_command_meets_it_at_each_return(
    broker: Mosquitto, peer: Peer, wiring: Wiring, boiler: Outlet
) -> None:
    async with plug(wiring, boiler, broker=broker, peer=peer) as tasmota:
        peer.publish("cmnd/boiler/Power1", b"0", retain=True)
        await soon(lambda: not boiler.closed)
        tasmota.press()
        assert boiler.closed
        broker.kill()
        broker.start()
        await soon(lambda: not boiler.closed)
        assert "cmnd/boiler/Power1" in tasmota.counts.retained
        assert "cmnd/boiler/Power1" in retained(broker.port)


async def test_its_faults_look_as_they_do_from_a_broker(
    broker: Mosquitto, peer: Peer, wiring: Wiring, boiler: Outlet, clock: HandClock
) -> None:
    async with plug(wiring, boiler, broker=broker, peer=peer) as tasmota:
        await tasmota.fail(Deaf())
        assert await tell(peer, "Power1", "0") == {"POWER": "ON"}
        await tasmota.fail(Late(3))
        peer.client.publish("cmnd/boiler/Power1", "0")
        await soon(lambda: not boiler.closed)
        heard = len(said(peer, "stat/boiler/RESULT"))
        clock.advance(3)
        await soon(lambda: len(said(peer, "stat/boiler/RESULT")) > heard)
        await tasmota.fail(Garbage("nan"))
        peer.client.publish("cmnd/boiler/Status", "8")
        await soon(lambda: any(b'"Power": NaN' in one.payload for one in list(peer.heard)))
        await tasmota.fail(Dead())
        peer.client.publish("cmnd/boiler/Power1", "1")
        await tasmota.fail(Refusing())
        await soon(lambda: said(peer, "tele/boiler/LWT")[-1] == "Offline")
        await tasmota.heal()
        await soon(lambda: said(peer, "tele/boiler/LWT")[-1] == "Online")
        assert not boiler.closed
        await tasmota.fail(Reset())
        joined = tasmota.counts.connections
        peer.client.publish("cmnd/boiler/Power1", "1")
        await soon(lambda: tasmota.counts.connections > joined)


async def test_the_same_firmware_answers_over_http(wiring: Wiring, boiler: Outlet) -> None:
    async with TasmotaHttp(wiring, boiler) as tasmota, ClientSession() as http:
        url = f"http://{tasmota.address}/cm"
        async with http.get(url, params={"cmnd": "TimedPower1 5000,0"}) as answer:
            assert await answer.json() == {"POWER": "OFF"}
        async with http.get(url, params={"cmnd": "Status 8"}) as answer:
            assert (await answer.json())["StatusSNS"]["ENERGY"]["Power"] == 0
