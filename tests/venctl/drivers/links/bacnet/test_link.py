"""BACnet/IP against the library's own device, over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from statemachine.device.control import WiredLoad
from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import ReadObject, WriteObject
from tests.kit.devices.bacnet_device import BacnetDevice
from tests.kit.devices.hand_clocks import HandClocks
from tests.kit.devices.udp import free_udp_port
from venctl.base import extras
from venctl.devices.catalog import shipped
from venctl.drivers.device import DeviceDriver
from venctl.drivers.links import LinkFault
from venctl.drivers.links.bacnet import stack
from venctl.drivers.links.bacnet.link import BacnetLink

RELAY, LIMIT, POWER = "binary-value,2", "analog-value,2", "analog-input,1"


@pytest.fixture
async def device() -> AsyncIterator[BacnetDevice]:
    async with BacnetDevice() as one:
        yield one


@pytest.fixture
async def link() -> AsyncIterator[BacnetLink]:
    one = opened()
    yield one
    await one.close()


def opened(to: str = "") -> BacnetLink:
    return BacnetLink(LinkDeclaration("bacnet", to or f"127.0.0.1/24:{free_udp_port()}"))


async def read(link: BacnetLink, device: BacnetDevice, object: str, at: str = "") -> Any:
    return json.loads((await link.ask(ReadObject(at or device.at, object, 9))).raw)


async def write(link: BacnetLink, device: BacnetDevice, object: str, value: str | None) -> None:
    await link.tell(WriteObject(device.at, object, value, 9))


async def fault_of(asking: Any) -> LinkFault:
    with pytest.raises(LinkFault) as caught:
        await asking
    return caught.value


async def test_a_relay_is_off_at_priority_9_and_given_back_with_null(
    link: BacnetLink, device: BacnetDevice
) -> None:
    assert await read(link, device, RELAY) == {"value": "active", "by": "device"}
    await write(link, device, RELAY, "inactive")
    assert not device.is_on()
    assert await read(link, device, RELAY) == {"value": "inactive", "by": "us"}
    await write(link, device, RELAY, None)
    assert device.is_on()
    assert await read(link, device, RELAY) == {"value": "active", "by": "device"}


async def test_what_a_person_wrote_comes_back_by_itself(
    link: BacnetLink, device: BacnetDevice
) -> None:
    await device.person("inactive", 16)
    assert await read(link, device, RELAY) == {"value": "inactive", "by": "person"}
    await write(link, device, RELAY, "inactive")
    assert (await read(link, device, RELAY))["by"] == "us"
    await write(link, device, RELAY, None)
    assert await read(link, device, RELAY) == {"value": "inactive", "by": "person"}
    await device.person(None, 16)
    assert device.is_on()


async def test_a_person_at_priority_8_counts_more_than_we_do(
    link: BacnetLink, device: BacnetDevice
) -> None:
    await write(link, device, RELAY, "inactive")
    await device.person("active", 8)
    assert await read(link, device, RELAY) == {"value": "active", "by": "person"}


async def test_kilowatts_are_not_watts(link: BacnetLink, device: BacnetDevice) -> None:
    assert (await read(link, device, POWER))["watts"] == 1_500
    await write(link, device, LIMIT, "2500")
    assert float(device.limit.presentValue) == 2.5
    assert (await read(link, device, LIMIT))["watts"] == 2_500


async def test_another_unit_is_no_power(link: BacnetLink, device: BacnetDevice) -> None:
    device.meter.units = "volts"
    fault = await fault_of(read(link, device, POWER))
    assert "analog-input,1 of 127.0.0.1" in str(fault) and "is in volts" in str(fault)
    assert fault.lasting


async def test_a_meter_that_says_it_is_faulty_has_no_reading(
    link: BacnetLink, device: BacnetDevice
) -> None:
    device.is_broken()
    assert await read(link, device, POWER) == {}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
async def test_what_is_no_number_is_no_reading(
    link: BacnetLink, device: BacnetDevice, number: float
) -> None:
    device.meter.presentValue = number
    assert await read(link, device, POWER) == {}


@pytest.mark.parametrize("null", ["refuses", "keeps"])
async def test_failure_22_a_device_that_does_not_take_null_is_named_and_not_switched(
    link: BacnetLink, device: BacnetDevice, null: str
) -> None:
    device.takes_null(null)
    if null == "keeps":
        await write(link, device, RELAY, "inactive")  # nothing tells before
    order = write(link, device, RELAY, "inactive" if null == "refuses" else None)
    fault = await fault_of(order)
    assert "cannot relinquish binary-value,2" in str(fault) and fault.lasting
    assert device.is_on() == (null == "refuses")


async def test_failure_22_an_object_without_priorities_is_not_switched(
    link: BacnetLink, device: BacnetDevice
) -> None:
    fault = await fault_of(write(link, device, "binary-value,3", "inactive"))
    assert "cannot relinquish binary-value,3: it has no priorities" in str(fault)
    assert str(device.plain.presentValue) == "active"


async def test_another_device_at_that_address_is_named(
    link: BacnetLink, device: BacnetDevice
) -> None:
    fault = await fault_of(read(link, device, RELAY, f"127.0.0.1:{device.port}/99"))
    assert str(fault) == f"the BACnet device at 127.0.0.1:{device.port} is not number 99"


async def test_an_object_that_is_not_there_is_refused_in_the_devices_word(
    link: BacnetLink, device: BacnetDevice
) -> None:
    assert "unknown-object" in str(await fault_of(read(link, device, "binary-value,77")))


async def test_a_device_that_does_not_answer_is_given_up(
    link: BacnetLink, device: BacnetDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "REQUEST_S", 0.2)
    fault = await fault_of(read(link, device, RELAY, f"127.0.0.1:{free_udp_port()}"))
    assert "gave no answer" in str(fault) and fault.up is False
    assert link.state().up is False
    await read(link, device, RELAY)
    assert link.state().up


async def test_a_port_that_is_taken_is_said_in_a_sentence(device: BacnetDevice) -> None:
    to = f"127.0.0.1/24:{device.port}"
    fault = await fault_of(read(opened(to), device, RELAY))
    assert str(fault).startswith(f"cannot use {to} for BACnet: ")


async def test_without_the_library_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(LinkFault, match=r"pip install 'venctl\[bacnet\]'"):
        opened()


class Heard:
    """Who listens to the driver."""

    def __init__(self) -> None:
        self.moves: list[bool] = []

    def doubted(self, circuit: str) -> None:
        """It is told again."""

    def moved(self, circuit: str, on: bool) -> None:
        self.moves.append(on)

    def noticed(self, circuit: str, text: str | None) -> None:
        """Nothing here is noticed."""


async def test_a_circuit_is_shed_and_given_back_and_a_person_wins(
    link: BacnetLink, device: BacnetDevice
) -> None:
    heard, clock = Heard(), HandClocks()
    params = {"device": device.at, "object": RELAY, "power": POWER}
    load = WiredLoad("relay", 1, 2_000)
    driver = DeviceDriver("pump1", shipped()["bacnet"], params, load, link, None, heard, clock)
    assert (await driver.readings())["pump1"].watts == 1_500
    await driver.hold("pump1", 0, clock()[0] + 120_000)
    assert not device.is_on()
    await driver.hold("pump1", None, 0)
    assert device.is_on() and heard.moves == []
    await driver.hold("pump1", 0, clock()[0] + 120_000)
    await device.person("active", 8)
    clock.now_ms += 6_000
    await driver.readings()
    assert heard.moves == [True]


async def test_a_power_is_limited_and_given_back(link: BacnetLink, device: BacnetDevice) -> None:
    clock = HandClocks()
    params = {"device": device.at, "object": LIMIT, "power": POWER}
    load = WiredLoad("modulating", 1, 11_000)
    driver = DeviceDriver(
        "heat1", shipped()["bacnet_limit"], params, load, link, None, Heard(), clock
    )
    await driver.hold("heat1", 4_000, clock()[0] + 120_000)
    assert float(device.limit.presentValue) == 4.0
    await driver.hold("heat1", None, 0)
    assert float(device.limit.presentValue) == 11.0
