"""The Modbus link against real sockets: no late answer for another, no storm, its words."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import HttpRequest, ReadRegisters, WriteRegisters
from tests.kit.devices.counting_modbus import CountingModbus, Pdu
from tests.kit.devices.hand_clocks import HandClocks
from tests.kit.devices.strangers.servers import black_hole, modbus_serial, pymodbus_simulator
from tests.kit.mqtt.mosquitto import free_port
from venctl.drivers.links import DeviceLink, LinkFault, open_link
from venctl.drivers.links.modbus import ModbusLink

POWER = ReadRegisters(1, "input", 14, 1)
LIMIT = WriteRegisters(1, "holding", 261, (60,), 16)


@pytest.fixture
async def device() -> AsyncIterator[CountingModbus]:
    async with CountingModbus() as one:
        one.registers[1] = {14: 7200, 15: 1, 261: 160}
        yield one


@pytest.fixture
async def link(device: CountingModbus) -> AsyncIterator[DeviceLink]:
    one = linked(device.address)
    yield one
    await one.close()


def linked(to: str, **settings: str) -> DeviceLink:
    return open_link(LinkDeclaration("modbus", to, settings), str)


def by_hand(device: CountingModbus, clock: HandClocks) -> ModbusLink:
    return ModbusLink(LinkDeclaration("modbus", device.address), str, Path(), clock)


async def fault_of(asking: object) -> LinkFault:
    with pytest.raises(LinkFault) as caught:
        await asking  # type: ignore[misc]
    return caught.value


async def test_registers_are_read_and_written(device: CountingModbus, link: DeviceLink) -> None:
    assert (await link.ask(ReadRegisters(1, "input", 14, 2))).raw == (7200, 1)
    await link.tell(LIMIT)
    assert (await link.ask(ReadRegisters(1, "holding", 261, 1))).raw == (60,)
    await link.tell(WriteRegisters(1, "holding", 14, (3,), 6))
    await link.tell(WriteRegisters(1, "coil", 15, (0,), 5))
    assert (await link.ask(ReadRegisters(1, "coil", 14, 2))).raw == (1, 0)
    assert (await link.ask(ReadRegisters(1, "discrete", 14, 2))).raw == (1, 0)
    assert [pdu.function for pdu in device.asked] == [4, 16, 3, 6, 5, 1, 2]
    assert (device.connections, link.state().up) == (1, True)


async def test_failure_25_fifty_circuits_on_one_gateway_share_one_connection_and_ask_in_turn(
    device: CountingModbus, link: DeviceLink
) -> None:
    async def slowly(pdu: Pdu) -> None:
        await asyncio.sleep(0.001)

    device.before = slowly
    for unit in range(1, 51):
        device.registers[unit] = {14: unit}
    answers = await asyncio.gather(
        *(link.ask(ReadRegisters(unit, "input", 14, 1)) for unit in range(1, 51))
    )
    assert [answer.raw for answer in answers] == [(unit,) for unit in range(1, 51)]
    assert (device.connections, device.most_open, device.most_at_once) == (1, 1, 1)


async def test_rule_7_a_gateway_rests_between_two_requests(device: CountingModbus) -> None:
    link = linked(device.address, pause="100 ms")
    came: list[float] = []

    async def note(pdu: Pdu) -> None:
        came.append(asyncio.get_running_loop().time())

    device.before = note
    await asyncio.gather(*(link.ask(POWER) for _ in range(3)))
    assert all(after - before > 0.09 for before, after in itertools.pairwise(came))
    assert link.state().pace_ms == 100
    await link.close()


async def test_failure_8_an_answer_that_comes_too_late_is_never_the_next_ones(
    device: CountingModbus, link: DeviceLink
) -> None:
    late = asyncio.Event()

    async def before(pdu: Pdu) -> None:
        if pdu.register == 14:
            await late.wait()

    device.before = before
    fault = await fault_of(link.ask(POWER))
    assert str(fault) == f"unit 1 of {device.address} gave no answer within 2 s"
    late.set()
    assert (await link.ask(ReadRegisters(1, "holding", 261, 1))).raw == (160,)
    await device.until_closed()
    assert device.most_open == 1


async def test_failure_9_a_cancelled_request_closes_its_connection_and_costs_one_reconnect(
    device: CountingModbus, link: DeviceLink
) -> None:
    begun, late = asyncio.Event(), asyncio.Event()

    async def before(pdu: Pdu) -> None:
        begun.set()
        if pdu.register == 14:
            await late.wait()

    device.before = before
    asking = asyncio.create_task(link.ask(POWER))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    late.set()
    assert (await link.ask(ReadRegisters(1, "holding", 261, 1))).raw == (160,)
    await link.ask(POWER)
    await device.until_closed()
    assert (device.connections, device.most_open) == (2, 1)


@pytest.mark.parametrize("how", ["hangs up", "not there"])
async def test_failure_10_a_device_that_refuses_us_sees_fewer_than_4_tries_a_minute(
    device: CountingModbus, how: str
) -> None:
    clock = HandClocks()
    link = by_hand(device, clock)
    device.hang_up = True
    if how == "not there":
        link = ModbusLink(LinkDeclaration("modbus", f"127.0.0.1:{free_port()}"), str, Path(), clock)
    tries, began_ms = list[int](), clock.now_ms
    while clock.now_ms < began_ms + 300_000:
        fault = await fault_of(link.ask(POWER))
        assert fault.away
        if "is tried again in" not in str(fault):
            tries.append(clock.now_ms)
        clock.now_ms += 1_000
    assert len(tries) > 8
    assert all(later - first > 60_000 for first, later in zip(tries, tries[3:], strict=False))
    if how == "hangs up":
        assert device.connections == len(tries)
        device.hang_up = False
        clock.now_ms += 30_000
        assert (await link.ask(POWER)).raw == (7200,)
    else:
        assert "refuses the connection" in str(fault)
    await link.close()


async def test_a_mute_gateway_is_not_stormed_either(device: CountingModbus) -> None:
    clock = HandClocks()
    link = by_hand(device, clock)
    device.mute = {1, 2, 3}
    assert "gave no answer" in str(await fault_of(link.ask(POWER)))
    for unit in (1, 2, 3) * 5:
        await fault_of(link.ask(ReadRegisters(unit, "input", 14, 1)))
    assert device.connections == 2
    clock.now_ms += 5_000
    device.mute = set()
    assert (await link.ask(POWER)).raw == (7200,)
    await link.close()


async def test_a_mute_unit_is_left_alone_and_the_others_behind_the_gateway_do_not_suffer(
    device: CountingModbus,
) -> None:
    clock = HandClocks()
    link = by_hand(device, clock)
    device.mute, mute = {2}, ReadRegisters(2, "input", 14, 1)
    await link.ask(POWER)
    await fault_of(link.ask(mute))
    assert (await link.ask(POWER)).raw == (7200,)
    await fault_of(link.ask(mute))
    asked = len(device.asked)
    for _ in range(4):
        assert "is left alone for" in str(await fault_of(link.ask(mute)))
        assert (await link.ask(POWER)).raw == (7200,)
        clock.now_ms += 1_000
    assert len(device.asked) == asked + 4
    device.mute = set()
    device.registers[2] = {14: 5}
    clock.now_ms += 1_000
    assert (await link.ask(mute)).raw == (5,)
    await link.close()


async def test_an_idle_connection_that_the_gateway_closed_costs_no_order(
    device: CountingModbus, link: DeviceLink
) -> None:
    await link.ask(POWER)
    device.drop()
    await link.tell(LIMIT)
    assert (await link.ask(ReadRegisters(1, "holding", 261, 1))).raw == (60,)
    assert device.connections == 2


async def test_rule_20_failure_12_an_exception_is_told_in_words_and_logged_by_nobody(
    device: CountingModbus, link: DeviceLink, caplog: pytest.LogCaptureFixture
) -> None:
    heartbeat = WriteRegisters(1, "holding", 257, (15_000,), 6)
    with caplog.at_level(logging.DEBUG):
        for _ in range(20):
            fault = await fault_of(link.tell(heartbeat))
    assert str(fault) == (
        f"unit 1 of {device.address} answers illegal address to writing holding register 257"
    )
    assert fault.lasting
    assert len(device.asked) == 1, "not again within a minute"
    assert (await link.ask(POWER)).raw == (7200,), "the rest of the device is not concerned"
    assert not caplog.records
    assert device.connections == 1


@pytest.mark.parametrize(
    ("code", "words", "lasting"),
    [
        (1, "illegal function", True),
        (3, "illegal value", False),
        (4, "device failure", False),
        (6, "device busy", False),
        (10, "gateway path unavailable", True),
        (11, "no answer from this unit to the gateway", False),
        (99, "exception 99", False),
    ],
)
async def test_rule_20_each_exception_has_its_words(
    device: CountingModbus, link: DeviceLink, code: int, words: str, lasting: bool
) -> None:
    device.registers[1][14] = -code
    fault = await fault_of(link.ask(POWER))
    assert f"answers {words} to reading input register 14" in str(fault)
    assert (fault.lasting, link.state().up) == (lasting, True)


async def test_rule_6_no_request_is_made_while_another_is_out(
    device: CountingModbus, link: DeviceLink
) -> None:
    async def slowly(pdu: Pdu) -> None:
        await asyncio.sleep(0.3)

    device.before = slowly
    await asyncio.gather(link.ask(POWER), link.tell(LIMIT))
    assert device.most_at_once == 1
    assert len(device.asked) == 2, "and none is made twice"


async def test_rule_5_a_deed_ends_within_4_s_whatever_the_device_does(
    device: CountingModbus, link: DeviceLink
) -> None:
    await link.ask(POWER)
    device.drop()
    device.mute = {1}
    async with asyncio.timeout(4):
        await fault_of(link.tell(LIMIT))


@pytest.mark.parametrize(
    "request_",
    [
        ReadRegisters(0, "input", 14, 1),
        ReadRegisters(256, "input", 14, 1),
        ReadRegisters(1, "input", 14, 126),
        ReadRegisters(1, "input", 65_535, 2),
        ReadRegisters(1, "input", -1, 1),
        ReadRegisters(1, "coil", 0, 0),
        HttpRequest("GET", "/"),
    ],
)
async def test_what_no_device_understands_is_not_sent(
    device: CountingModbus, link: DeviceLink, request_: ReadRegisters
) -> None:
    assert (await fault_of(link.ask(request_))).lasting
    for order in (
        WriteRegisters(0, "holding", 1, (1,), 6),
        WriteRegisters(1, "holding", 1, (1, 2), 6),
        WriteRegisters(1, "holding", 1, (65_536,), 6),
        WriteRegisters(1, "holding", 1, (), 16),
    ):
        assert (await fault_of(link.tell(order))).lasting
    assert not device.connections


async def test_modbus_serial_and_we_mean_the_same() -> None:
    async with modbus_serial() as port:
        link = linked(f"127.0.0.1:{port}")
        assert (await link.ask(ReadRegisters(7, "input", 52, 2))).raw == (0x449A, 0x5000)
        assert (await link.ask(ReadRegisters(7, "holding", 1, 1))).raw == (7,)
        for function in (6, 16):
            order = WriteRegisters(1, "holding", 261, (function,), function)  # type: ignore[arg-type]
            await link.tell(order)
            assert (await link.ask(ReadRegisters(1, "holding", 261, 1))).raw == (function,)
        await link.tell(WriteRegisters(1, "holding", 300, (1, 2, 3), 16))
        assert (await link.ask(ReadRegisters(1, "holding", 300, 3))).raw == (1, 2, 3)
        await link.tell(WriteRegisters(1, "coil", 9, (1,), 5))
        assert (await link.ask(ReadRegisters(1, "coil", 8, 3))).raw == (0, 1, 0)
        assert (await link.ask(ReadRegisters(1, "discrete", 0, 4))).raw == (1, 0, 0, 1)
        fault = await fault_of(link.ask(ReadRegisters(1, "holding", 666, 1)))
        assert "illegal address" in str(fault)
        await link.close()


async def test_the_simulator_of_pymodbus_and_we_mean_the_same() -> None:
    async with pymodbus_simulator(1, 10, [1, 2, 3]) as port:
        link = linked(f"127.0.0.1:{port}")
        assert (await link.ask(ReadRegisters(1, "holding", 10, 3))).raw == (1, 2, 3)
        await link.tell(WriteRegisters(1, "holding", 11, (9,), 6))
        assert (await link.ask(ReadRegisters(1, "holding", 11, 1))).raw == (9,)
        fault = await fault_of(link.ask(ReadRegisters(1, "holding", 900, 1)))
        assert "illegal address" in str(fault)
        await link.close()


async def test_rule_5_a_host_that_swallows_connections_is_given_up_after_a_second() -> None:
    with black_hole() as port:
        link = linked(f"127.0.0.1:{port}")
        async with asyncio.timeout(1.9):  # an answer would be waited for longer
            fault = await fault_of(link.ask(POWER))
    assert "does not answer" in str(fault)
    assert fault.away
    await link.close()
