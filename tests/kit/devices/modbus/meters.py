"""Meters with Modbus registers: Eastron SDM120 and SDM630, and a SunSpec three-phase meter.

Sources: sdm120.go (2dcf50a) and sdm.go (13a3019) of volkszaehler/mbmd; model_203.json of
sunspec/models 2136f07. Model 1 was not checked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.kit.devices.registers import Unit
from tests.kit.devices.wiring import VOLTS, Meter

NO_INT, NO_SCALE = 0x8000, 0x8000


def _watts(meter: Meter, place: int) -> float:
    return meter.phases[place]


def _amps(meter: Meter, place: int) -> float:
    return abs(meter.phases[place]) / VOLTS


class Sdm120(Unit):
    """One phase; floats in input registers."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter
        for register, read in {
            0x00: lambda: VOLTS,
            0x06: lambda: abs(meter.watts) / VOLTS,
            0x0C: lambda: meter.watts,
            0x12: lambda: abs(meter.watts),
            0x18: lambda: 0.0,
            0x1E: lambda: 1.0,
            0x46: lambda: 50.0,
            0x48: lambda: meter.wh / 1000,
            0x4A: lambda: meter.sold_wh / 1000,
            0x156: lambda: (meter.wh + meter.sold_wh) / 1000,
        }.items():
            self.has("input", register, "float32", read)


class Sdm630(Unit):
    """Three phases; floats in input registers."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter
        for place in range(3):
            one: dict[int, Callable[[int], float]] = {
                0x00: lambda n: VOLTS,
                0x06: lambda n: abs(meter.phases[n]) / VOLTS,
                0x0C: lambda n: meter.phases[n],
                0x12: lambda n: abs(meter.phases[n]),
                0x18: lambda n: 0.0,
                0x1E: lambda n: 1.0,
            }
            for register, read in one.items():
                self.has("input", register + 2 * place, "float32", partial(read, place))
        self.has("input", 0x34, "float32", lambda: meter.watts)
        self.has("input", 0x46, "float32", lambda: 50.0)
        self.has("input", 0x48, "float32", lambda: meter.wh / 1000)
        self.has("input", 0x4A, "float32", lambda: meter.sold_wh / 1000)
        self.has("input", 0x156, "float32", lambda: (meter.wh + meter.sold_wh) / 1000)


class SunSpecMeter(Unit):
    """`SunS` at 40000, the common model, model 203, and the end."""

    def __init__(self, meter: Meter, *, base: int = 40_000, scale: int = 0) -> None:
        super().__init__()
        self.meter, self.scale = meter, scale
        self.says("holding", base, "SunS", 2)
        self._fixed(base + 2, 1, 66)
        self.says("holding", base + 4, "Test", 16)
        self.says("holding", base + 20, "Meter", 16)
        self.says("holding", base + 36, "", 8)
        self.says("holding", base + 44, "1.0", 8)
        self.says("holding", base + 52, "0001", 16)
        self._fixed(base + 68, 1, NO_INT)
        self._fixed(base + 70, 203, 105)
        self.first = base + 72
        for place in range(105):
            self._fixed(self.first + place, NO_INT)
        for place in range(3):
            self._scaled(17 + place, partial(_watts, meter, place), scale)
            self._scaled(1 + place, partial(_amps, meter, place), -1)
            self._scaled(6 + place, lambda: VOLTS, 0)
        self._scaled(0, lambda: sum(map(abs, meter.phases)) / VOLTS, -1)
        self._scaled(16, lambda: meter.watts, scale)
        self._scaled(14, lambda: 50.0, -2)
        for place, power in {4: -1, 13: 0, 15: -2, 20: scale, 52: 0}.items():
            self.has("holding", self.first + place, "int16", partial(float, power))
        for place, counted in ((36, lambda: meter.sold_wh), (44, lambda: meter.wh)):
            del self.cells["holding", self.first + place + 1]
            self.has("holding", self.first + place, "uint32", counted)
        self._fixed(self.first + 105, 0xFFFF, 0)

    def _fixed(self, register: int, *values: int) -> None:
        for place, value in enumerate(values):
            self.has("holding", register + place, "uint16", partial(float, value))

    def _scaled(self, place: int, read: Callable[[], float], power: int) -> None:
        self.has("holding", self.first + place, "int16", lambda: read() / 10**power)
