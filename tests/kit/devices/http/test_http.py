"""The fakes that speak HTTP, held against what their makers and those who drive them say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, encode_basic_auth

from tests.kit.devices.clock import HandClock, soon
from tests.kit.devices.http.chargers import GoE, OpenEvse
from tests.kit.devices.http.home_assistant import HomeAssistant
from tests.kit.devices.http.meters import EspHome, HomeWizard
from tests.kit.devices.http_device import HttpDevice
from tests.kit.devices.shelly1 import Shelly1
from tests.kit.devices.wiring import Outlet, Wiring


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def wiring(clock: HandClock) -> Wiring:
    return Wiring(clock=clock, unmetered_w=100)


@pytest.fixture
def heater(wiring: Wiring) -> Outlet:
    return wiring.outlet("heater", 1500)


@pytest.fixture
def car(wiring: Wiring) -> Outlet:
    return wiring.outlet("car", 11_040, (1, 2, 3))


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


class Caller:
    """Asks one device; the answer is its status and its JSON, or its text."""

    def __init__(self, http: ClientSession, device: HttpDevice, **more: Any) -> None:
        self._http, self._device, self._more = http, device, more

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        url = f"http://{self._device.address}{path}"
        async with self._http.request(method, url, json=body, **self._more) as answer:
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text()


async def test_a_shelly_1_flips_back_when_its_timer_ends(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock
) -> None:
    async with Shelly1(wiring, heater) as shelly:
        ask = Caller(http, shelly)
        relay = (await ask("GET", "/relay/0?turn=off&timer=120"))[1]
        assert (relay["ison"], relay["has_timer"], relay["timer_remaining"]) == (False, True, 120)
        assert wiring.watts == 100
        clock.advance(120)
        status = (await ask("GET", "/status"))[1]
        assert status["meters"][0]["power"] == 1500 and status["relays"][0]["source"] == "timer"
        clock.advance(3600)
        status = (await ask("GET", "/status"))[1]
        assert status["meters"][0]["total"] == 1500 * 60
        assert (await ask("GET", "/shelly"))[1]["type"] == "SHPLG-S"


async def test_a_shelly_1_asks_for_its_password(
    http: ClientSession, wiring: Wiring, heater: Outlet
) -> None:
    async with Shelly1(wiring, heater, password="a word") as shelly:
        assert (await Caller(http, shelly)("GET", "/status"))[0] == 401
        key = encode_basic_auth("admin", "a word")
        let_in = Caller(http, shelly, headers={"Authorization": key})
        assert (await let_in("GET", "/status"))[0] == 200


async def test_an_openevse_keeps_an_override_until_it_is_released(
    http: ClientSession, wiring: Wiring, car: Outlet, clock: HandClock
) -> None:
    async with OpenEvse(wiring, car) as evse:
        ask = Caller(http, evse)
        assert (await ask("GET", "/override"))[0] == 404
        wanted = {"state": "active", "max_current": 6, "auto_release": False}
        assert await ask("POST", "/override", wanted) == (201, {"msg": "Created"})
        status = (await ask("GET", "/status"))[1]
        assert (status["power"], status["pilot"], status["amp"]) == (4140, 6, 6000)
        await ask("POST", "/override", {"state": "disabled"})
        clock.advance(86_400)
        status = (await ask("GET", "/status"))[1]
        assert (status["status"], status["state"], car.watts) == ("disabled", 255, 0)
        assert await ask("DELETE", "/override") == (200, {"msg": "Deleted"})
        assert car.watts == 11_040 and evse.cycles == 2


async def test_a_go_e_takes_amperes_and_says_what_it_took(
    http: ClientSession, wiring: Wiring, car: Outlet
) -> None:
    async with GoE(wiring, car) as charger:
        ask = Caller(http, charger)
        assert (await ask("GET", "/api/set?amp=10"))[1] == {"amp": True}
        status = (await ask("GET", "/api/status?filter=amp,frc,nrg,car"))[1]
        assert (status["amp"], status["nrg"][11], set(status)) == (
            10,
            6900,
            {"amp", "frc", "nrg", "car"},
        )
        assert (await ask("GET", "/api/set?frc=1"))[1] == {"frc": True} and car.watts == 0
        assert (await ask("GET", "/api/set?amp=99"))[1] == {"amp": "value out of range"}


async def test_a_homewizard_shows_the_main_meter_where_its_owner_allows_it(
    http: ClientSession, wiring: Wiring, car: Outlet
) -> None:
    async with HomeWizard(wiring, wiring.main) as meter:
        ask = Caller(http, meter)
        said = (await ask("GET", "/api/v1/data"))[1]
        assert said["active_power_w"] == 11_140
        wiring.main.reversed = True
        assert (await ask("GET", "/api/v1/data"))[1]["active_power_w"] == -11_140
        meter.api_on = False
        assert (await ask("GET", "/api/v1/data"))[0] == 403


async def test_an_esphome_plug_that_nobody_speaks_to_natively_restarts_and_is_on_again(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock
) -> None:
    async with EspHome(wiring, heater, reboot_timeout_s=900) as plug:
        ask = Caller(http, plug)
        assert (await ask("POST", "/switch/relay/turn_off"))[0] == 200
        assert (await ask("GET", "/switch/relay"))[1]["state"] == "OFF"
        assert (await ask("GET", "/sensor/power"))[1]["value"] == 0
        assert (await ask("GET", "/sensor/other"))[0] == 404
        clock.advance(900)
        await asyncio.sleep(0)
        clock.advance(1)
        await soon(lambda: plug.reboots == 1)
        assert heater.closed


async def test_home_assistant_says_200_for_anything(
    http: ClientSession, wiring: Wiring, heater: Outlet
) -> None:
    async with HomeAssistant(wiring) as hass:
        pump = hass.switch("switch.pump", heater)
        hass.power("sensor.pump", wiring.meter(heater))
        ask = Caller(http, hass, headers={"Authorization": "Bearer a token"})
        off = "/api/services/switch/turn_off"
        changed = (await ask("POST", off, {"entity_id": "switch.pump"}))[1]
        assert [one["state"] for one in changed] == ["off"] and not heater.closed
        power = (await ask("GET", "/api/states/sensor.pump"))[1]
        assert (power["state"], power["attributes"]["unit_of_measurement"]) == ("0.0", "W")
        heater.closed = pump.mute = True
        for name in ("switch.pump", "switch.none"):
            assert await ask("POST", off, {"entity_id": name}) == (200, [])
        assert heater.closed
        assert (await ask("GET", "/api/states/switch.none"))[0] == 404
        pump.mute, pump.available = False, False
        assert (await ask("GET", "/api/states/switch.pump"))[1]["state"] == "unavailable"
        assert (await Caller(http, hass)("GET", "/api/states"))[0] == 401


async def test_the_age_of_a_reading_of_home_assistant_cannot_be_known(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock
) -> None:
    async with HomeAssistant(wiring) as hass:
        hass.power("sensor.pump", wiring.meter(heater))
        ask = Caller(http, hass, headers={"Authorization": "Bearer a token"})
        first = await ask("GET", "/api/states/sensor.pump")
        clock.advance(600)
        assert await ask("GET", "/api/states/sensor.pump") == first
