"""The fake Modbus devices, read and written by pymodbus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from tests.kit.devices.clock import HandClock, soon
from tests.kit.devices.faults import Deaf, Garbage, Impostor, Late, Refusing, Status
from tests.kit.devices.modbus.chargers import Alfen, Heidelberg, Keba
from tests.kit.devices.modbus.meters import Sdm120, Sdm630, SunSpecMeter
from tests.kit.devices.modbus_device import ModbusDevice
from tests.kit.devices.registers import NOT_THERE, Unit, number
from tests.kit.devices.wiring import Outlet, Wiring


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def wiring(clock: HandClock) -> Wiring:
    return Wiring(clock=clock, unmetered_w=300)


@pytest.fixture
def car(wiring: Wiring) -> Outlet:
    return wiring.outlet("car", 11_040, (1, 2, 3))


@asynccontextmanager
async def client(device: ModbusDevice, timeout: float = 2) -> AsyncIterator[AsyncModbusTcpClient]:
    one = AsyncModbusTcpClient("127.0.0.1", port=device.port, timeout=timeout, retries=0)
    assert await one.connect()
    yield one
    one.close()


@asynccontextmanager
async def served(clock: HandClock, **units: Unit) -> AsyncIterator[tuple[ModbusDevice, Any]]:
    device = ModbusDevice(clock, {int(name[1:]): unit for name, unit in units.items()})
    async with device, client(device) as one:
        yield device, one


async def floats(one: Any, register: int, unit: int = 1, table: str = "input") -> float:
    read = one.read_input_registers if table == "input" else one.read_holding_registers
    answer = await read(register, count=2, device_id=unit)
    return number("float32", tuple(answer.registers))


async def holding(one: Any, register: int, kind: Any = "uint16", unit: int = 1) -> float:
    count = 1 if kind == "uint16" else 2
    answer = await one.read_holding_registers(register, count=count, device_id=unit)
    return number(kind, tuple(answer.registers))


async def test_meters_show_the_truth_in_the_registers_of_their_kind(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    small = Sdm120(wiring.meter(car))
    async with served(clock, u1=Sdm630(wiring.main), u4=small, u7=SunSpecMeter(wiring.main)) as (
        _,
        one,
    ):
        assert await floats(one, 0x34) == wiring.watts == 11_340
        assert sum([await floats(one, each) for each in (0x0C, 0x0E, 0x10)]) == 11_340
        assert await floats(one, 0x0C, unit=4) == 11_040
        clock.advance(3600)
        assert await floats(one, 0x48) == pytest.approx(11.34)
        small.meter.reversed = True
        assert await floats(one, 0x0C, unit=4) == -11_040
        image = (await one.read_holding_registers(40_000, count=100, device_id=7)).registers
        assert image[:4] == [0x5375, 0x6E53, 1, 66] and image[70:72] == [203, 105]
        assert image[88] * 10 ** image[92] == 11_340
        assert (await one.read_holding_registers(40_177, count=2, device_id=7)).registers == [
            0xFFFF,
            0,
        ]


async def test_a_heidelberg_that_nobody_feeds_falls_back_to_its_failsafe_current(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    async with served(clock, u1=Heidelberg(wiring, car)) as (_, one):
        await one.write_register(257, 10_000, device_id=1)
        await one.write_register(262, 60, device_id=1)
        await one.write_registers(261, [100], device_id=1)
        assert car.watts == 10 * 230 * 3
        for _ in range(3):
            clock.advance(9)
            assert (await one.read_input_registers(14, count=1, device_id=1)).registers == [6900]
        clock.advance(10)
        assert car.watts == 6 * 230 * 3
        await one.write_registers(261, [0], device_id=1)
        assert car.watts == 0 and wiring.main.watts == 300
        assert (await one.write_registers(261, [30], device_id=1)).exception_code == 3


async def test_a_keba_wants_current_and_enable_again_after_its_failsafe(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    async with served(clock, u255=Keba(wiring, car)) as (_, one):
        assert await holding(one, 1020, "uint32", 255) == 11_040_000
        refused = await one.read_holding_registers(1008, count=6, device_id=255)
        assert refused.exception_code == 2
        refused = await one.read_holding_registers(5014, count=1, device_id=255)
        assert refused.exception_code == 2
        await one.write_register(5016, 6000, device_id=255)
        await one.write_register(5018, 30, device_id=255)
        await one.write_register(5004, 10_000, device_id=255)
        assert car.watts == 6900
        clock.advance(30)
        assert car.watts == 4140
        await one.write_register(5004, 16_000, device_id=255)
        assert car.watts == 4140
        await one.write_register(5014, 1, device_id=255)
        assert car.watts == 11_040


async def test_an_alfen_forgets_its_limit_when_the_time_is_over(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    async with served(clock, u1=Alfen(wiring, car, validity_s=60)) as (_, one):
        ten_amps = [0x4120, 0]
        await one.write_registers(1210, ten_amps, device_id=1)
        assert await floats(one, 344, table="holding") == 6900
        clock.advance(20)
        assert await holding(one, 1208, "uint32") == 40
        clock.advance(40)
        assert await floats(one, 1206, table="holding") == 6
        assert car.watts == 4140


async def test_what_is_not_there_is_refused(clock: HandClock, wiring: Wiring, car: Outlet) -> None:
    async with served(clock, u1=Sdm120(wiring.meter(car))) as (device, one):
        assert (await one.read_input_registers(0x0C, count=2, device_id=9)).exception_code == (
            NOT_THERE
        )
        assert (await one.read_input_registers(0x200, count=2, device_id=1)).exception_code == 2
        assert (await one.write_register(0x0C, 1, device_id=1)).exception_code == 2
        await device.fail(Status(6))
        assert (await one.read_input_registers(0x0C, count=2, device_id=1)).exception_code == 6


async def test_an_answer_that_is_late_comes_with_the_number_of_its_question(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    device = ModbusDevice(clock, {1: Sdm120(wiring.meter(car))})
    async with device, client(device, timeout=0.1) as one:
        await device.fail(Late(3))
        with pytest.raises(ModbusException):
            await one.read_input_registers(0x0C, count=2, device_id=1)
        await device.heal()
        clock.advance(3)
        if not one.connected:
            await one.connect()
        assert await floats(one, 0x00) == 230


async def test_a_deaf_one_says_yes_and_counts_the_command(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    async with served(clock, u1=Heidelberg(wiring, car)) as (device, one):
        await device.fail(Deaf())
        assert not (await one.write_registers(261, [0], device_id=1)).isError()
        assert await holding(one, 261) == 160 and car.watts == 11_040
        assert [what for _, what in device.counts.commands] == ["1 holding 261 = 0"]


@pytest.mark.parametrize("how", ["cut", "empty", "html", "words", "deep", "huge", "list"])
async def test_no_value_comes_out_of_broken_frames(
    clock: HandClock, wiring: Wiring, car: Outlet, how: Any
) -> None:
    device = ModbusDevice(clock, {1: Sdm120(wiring.meter(car))})
    async with device, client(device, timeout=0.1) as one:
        await device.fail(Garbage(how))
        try:
            answer = await one.read_input_registers(0x0C, count=2, device_id=1)
            assert answer.isError() or len(answer.registers) != 2
        except ModbusException:
            pass


async def test_numbers_that_are_none_come_as_such(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    async with served(clock, u1=Sdm120(wiring.meter(car))) as (device, one):
        seen = []
        for how in ("nan", "infinite"):
            await device.fail(Garbage(how))
            seen.append(str(await floats(one, 0x0C)))
        assert seen == ["nan", "inf"]


async def test_one_that_takes_one_client_drops_the_elder(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    async with served(clock, u1=Sdm120(wiring.meter(car))) as (device, elder):
        device.most_clients = 1
        await soon(lambda: device.counts.open == 1)
        async with client(device) as younger:
            assert await floats(younger, 0x0C) == 11_040
            await soon(lambda: not elder.connected)
            assert (device.counts.most_open, device.counts.connections) == (2, 2)


async def test_another_device_and_none_at_that_address(
    clock: HandClock, wiring: Wiring, car: Outlet
) -> None:
    async with served(clock, u1=Sdm120(wiring.meter(car))) as (device, one):
        await device.fail(Impostor(ModbusDevice(clock, {1: Keba(wiring, car)})))
        assert (await one.read_input_registers(0x0C, count=2, device_id=1)).exception_code == 2
        await device.fail(Refusing())
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", device.port)
        await device.heal()
        async with client(device) as again:
            assert await floats(again, 0x0C) == 11_040
