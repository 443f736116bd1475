"""Devices found at hosts, at a broker and through Home Assistant, on fakes that count commands."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest

from statemachine.device.declaration import LinkDeclaration
from tests.kit.devices.device import SocketDevice
from tests.kit.devices.http.home_assistant import HomeAssistant
from tests.kit.devices.modbus.chargers import Heidelberg
from tests.kit.devices.modbus.meters import Sdm120, SunSpecMeter
from tests.kit.devices.modbus_device import ModbusDevice
from tests.kit.devices.mqtt.tasmota import Tasmota
from tests.kit.devices.mqtt.zigbee2mqtt import Zigbee2Mqtt
from tests.kit.devices.registers import Unit
from tests.kit.devices.shelly import Shelly
from tests.kit.devices.wiring import Wiring
from tests.kit.mqtt.mosquitto import Mosquitto, free_port
from venctl.devices.catalog import shipped
from venctl.discovery.broker import retained
from venctl.discovery.candidate import Candidate, DiscoveredDevice, look
from venctl.discovery.hass import pairs, switches_of
from venctl.discovery.hosts import devices_at
from venctl.discovery.topics import devices_of
from venctl.drivers.links import LinkFault, open_link, secret_reader

SECRETS = secret_reader(Path())
OPEN = partial(open_link, secrets=SECRETS)


@pytest.fixture
def wiring() -> Wiring:
    return Wiring(unmetered_w=400)


async def at(device: SocketDevice | str) -> list[DiscoveredDevice]:
    host = device if isinstance(device, str) else device.address
    return [found async for found in devices_at(host, shipped(), OPEN, range(1, 4))]


def pasted(found: list[DiscoveredDevice]) -> list[str]:
    return [one.paste for one in found]


async def test_a_shelly_is_found_with_what_it_measures_now(wiring: Wiring) -> None:
    async with Shelly.plug(wiring, wiring.outlet("heater", 1_482)) as plug:
        (found,) = await at(plug)
        assert found.paste == f"driver: {{shelly: {plug.address}}}"
        assert (found.on, found.power_w) == (True, 1_482)
        assert "1,482 W now" in found.text and "gives back by itself" in found.text
        assert "SNSW-001P16EU" in found.text
        assert plug.counts.commands == []


async def test_each_channel_of_a_shelly_is_a_line(wiring: Wiring) -> None:
    outlets = [wiring.outlet("a", 100), wiring.outlet("b", 200)]
    async with Shelly.panel(wiring, outlets) as panel:
        found = await at(panel)
        assert pasted(found) == [
            f"driver: {{shelly: {panel.address}}}",
            f"driver: {{shelly: {panel.address}, channel: 1}}",
        ]
        assert [one.power_w for one in found] == [100, 200]
        assert panel.counts.commands == []


async def test_a_meter_is_a_line_for_the_main_meter(wiring: Wiring) -> None:
    async with Shelly.meter3(wiring, wiring.main) as meter:
        assert pasted(await at(meter)) == [f"meter: {{shelly_3em: {meter.address}}}"]


async def test_a_device_with_a_password_says_that_it_wants_one(wiring: Wiring) -> None:
    outlet = wiring.outlet("heater", 1_482)
    async with Shelly.plug(wiring, outlet, password="secret") as plug:
        assert any("401" in (one.fault or "") for one in await at(plug))


async def test_the_units_of_a_gateway_are_found(wiring: Wiring) -> None:
    car, pump = wiring.outlet("car", 7_000, (1, 2, 3)), wiring.outlet("pump", 800)
    units: dict[int, Unit] = {
        1: Heidelberg(wiring, car),
        2: Sdm120(wiring.meter(pump)),
    }
    async with ModbusDevice(wiring.clock, units) as gateway:
        found = await at(gateway)
        assert f"driver: {{heidelberg: 1, host: {gateway.address}}}" in pasted(found)
        assert f"meter: {{sdm120: 2, host: {gateway.address}}}" in pasted(found)
        assert gateway.counts.commands == []


async def test_a_sunspec_meter_is_found_wherever_it_begins(wiring: Wiring) -> None:
    units: dict[int, Unit] = {1: SunSpecMeter(wiring.main)}
    async with ModbusDevice(wiring.clock, units) as meter:
        found = [one for one in await at(meter) if one.device == "sunspec_meter"]
        assert [one.power_w for one in found] == [400]


async def test_where_nothing_answers_the_reason_is_said() -> None:
    with pytest.raises(LinkFault, match="refuses the connection"):
        await at(f"127.0.0.1:{free_port()}")


@pytest.mark.parametrize("host", ["user:word@host", "ftp://x", "a b", "host:0", "10.0.0.1/24"])
async def test_what_is_no_address_is_refused_and_nothing_is_scanned(host: str) -> None:
    with pytest.raises(ValueError):
        await at(host)


async def test_a_broker_tells_of_its_devices_and_nothing_is_told_to_them(
    wiring: Wiring, broker: Mosquitto
) -> None:
    boiler, pump = wiring.outlet("boiler", 2_000), wiring.outlet("pump", 74)
    z2m = Zigbee2Mqtt(wiring, broker=broker.port)
    z2m.plug("pump", pump)
    declared = LinkDeclaration("mqtt", f"127.0.0.1:{broker.port}", name="house")
    async with Tasmota(wiring, boiler, broker=broker.port, topic="boiler") as plug, z2m:
        await asyncio.sleep(0.3)
        messages = await retained(declared, SECRETS, Path(), 0.5)
        link, found = OPEN(declared), []
        for heard in devices_of(messages):
            one = Candidate(shipped()[heard.device], heard.params, declared, heard.about)
            found.append(await look(one, link))
        await link.close()
        assert pasted(found) == [
            "driver: {tasmota: boiler, on: house}",
            "driver: {zigbee2mqtt: pump, on: house}",
        ]
        assert [one.power_w for one in found] == [2_000, 74]
        assert plug.counts.commands == [] and z2m.counts.commands == []


async def test_a_broker_that_is_away_is_said_to_be() -> None:
    declared = LinkDeclaration("mqtt", f"127.0.0.1:{free_port()}")
    with pytest.raises(LinkFault):
        await retained(declared, SECRETS, Path(), 0.1)


async def test_switches_of_home_assistant_that_have_a_power_sensor_are_found(
    wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASS", "a token")
    outlet = wiring.outlet("pump", 1_100)
    async with HomeAssistant(wiring) as hass:
        hass.switch("switch.pump", outlet)
        hass.switch("switch.lamp", outlet)
        hass.power("sensor.pump_power", wiring.meter(outlet))
        declared = LinkDeclaration(
            "http", f"http://{hass.address}", {"token": "env:HASS"}, name="hass"
        )
        found = await switches_of(declared, shipped()["home_assistant"], SECRETS, Path())
        assert pasted(found) == [
            "driver: {home_assistant: switch.pump, sensor: sensor.pump_power, on: hass}"
        ]
        assert (found[0].on, found[0].power_w) == (True, 1_100)
        assert hass.counts.commands == []


def test_a_sensor_belongs_to_the_switch_of_its_name() -> None:
    power = {"attributes": {"device_class": "power", "unit_of_measurement": "W"}}
    ids = ["switch.pump", "switch.pump2", "sensor.pump_power", "sensor.pump2_power", "sensor.pump3"]
    states = json.dumps([{"entity_id": id, **power} for id in ids])
    assert list(pairs(states)) == [
        ("switch.pump", "sensor.pump_power"),
        ("switch.pump2", "sensor.pump2_power"),
    ]


@pytest.mark.parametrize("text", ["", "{}", "[" * 9_999, "null"])
def test_an_answer_that_is_no_list_of_states_is_a_fault(text: str) -> None:
    with pytest.raises(LinkFault, match="is it Home Assistant"):
        list(pairs(text))
