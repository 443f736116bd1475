"""modbus-serial and our fakes understand each other."""

from __future__ import annotations

from pymodbus.client import ModbusTcpClient

from tests.kit.devices.background import Background
from tests.kit.devices.modbus.chargers import Heidelberg
from tests.kit.devices.modbus.meters import Sdm630
from tests.kit.devices.modbus_device import ModbusDevice
from tests.kit.devices.registers import number, words
from tests.kit.devices.strangers.modbus_serial import ModbusSerial, judge
from tests.kit.devices.wiring import Wiring
from tests.kit.process.site import until


def test_a_stranger_reads_and_writes_our_fakes() -> None:
    wiring = Wiring()
    car = wiring.outlet("car", 11_040, (1, 2, 3))
    units = {1: Heidelberg(wiring, car), 2: Sdm630(wiring.main)}
    with Background() as street:
        device = street.start(ModbusDevice(wiring.clock, units))
        said = judge(
            device.port,
            1,
            ["readInputRegisters", 14, 1],
            ["writeRegisters", 261, [100]],
            ["writeRegister", 262, 160],
            ["readHoldingRegisters", 261, 2],
            ["writeRegister", 999, 1],
        )
        assert (said[0], said[3], said[4]) == ([11_040], [100, 160], {"exception": 2})
        assert car.watts == 6900
        power = judge(device.port, 2, ["readInputRegisters", 0x34, 2])[0]
        assert number("float32", tuple(power)) == 6900


def test_a_stranger_serves_registers() -> None:
    high, low = words("float32", 1234.5)
    with ModbusSerial({"input": {12: high, 13: low}, "holding": {261: 160}}) as server:
        client = ModbusTcpClient("127.0.0.1", port=server.port)
        read = client.read_input_registers(12, count=2, device_id=1).registers
        assert number("float32", tuple(read)) == 1234.5
        client.write_registers(261, [60], device_id=1)
        until(lambda: server.writes, "the write is told")
        assert server.writes == [{"unit": 1, "table": "holding", "register": 261, "value": 60}]
        assert client.read_holding_registers(300, count=1, device_id=1).exception_code == 2
        client.close()
