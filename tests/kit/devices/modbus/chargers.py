"""Wallboxes with Modbus registers, their watchdogs, and the current that they fall back to.

Sources: heidelberg-ec.go (018eaed), keba-modbus.go (02ee06e) and alfen.go (0316f24) of
evcc-io/evcc. Not in them, and not checked: KEBA's 1100, 1110, 1600 and 5016, Alfen's 1206 to
1214, Heidelberg's 4, 13, 15, 100 and 101. Not known: whether a Heidelberg takes up the old limit
again when it is spoken to after its watchdog ended; here it does not.
"""

from __future__ import annotations

from functools import partial

from tests.kit.devices.clock import Cancel
from tests.kit.devices.registers import ILLEGAL_VALUE, Refused, Unit
from tests.kit.devices.wiring import VOLTS, Meter, Outlet, Wiring


class Charger(Unit):
    """Limits what its outlet draws, in amperes a phase; None: as much as the car likes."""

    def __init__(self, wiring: Wiring, outlet: Outlet) -> None:
        super().__init__()
        self.clock, self.outlet = wiring.clock, outlet
        self.meter: Meter = wiring.meter(outlet)
        self.in_failsafe = False
        self._watch: Cancel = lambda: None
        self.watchdog_s = 0.0

    @property
    def phases(self) -> int:
        return len(self.outlet.load.phases)

    def limit(self, amps: float) -> None:
        self.outlet.limit_w = amps * VOLTS * self.phases

    def amps_now(self, phase: int) -> float:
        return abs(self.meter.phases[phase - 1]) / VOLTS

    def watts_now(self, phase: int) -> float:
        return self.meter.phases[phase - 1]

    def feed(self) -> None:
        """The watchdog begins anew."""
        self._watch()
        self._watch = lambda: None
        if self.watchdog_s:
            self._watch = self.clock.after(self.watchdog_s, self._starve)

    def _starve(self) -> None:
        self.in_failsafe = True
        self.fall_back()

    def fall_back(self) -> None:
        """Nobody has fed it."""


class Heidelberg(Charger):
    """Energy Control. Any request feeds the watchdog."""

    def __init__(self, wiring: Wiring, outlet: Outlet) -> None:
        super().__init__(wiring, outlet)
        self.max_deci, self.failsafe_deci, self.standby, self.lock = 160, 0, 0, 1
        self.watchdog_s = 15.0
        for register, read in {
            4: lambda: 0x0108,
            5: lambda: 7 if self.meter.watts else 5,
            6: lambda: 10 * self.amps_now(1),
            7: lambda: 10 * self.amps_now(2),
            8: lambda: 10 * self.amps_now(3),
            9: lambda: 251,
            10: lambda: VOLTS,
            11: lambda: VOLTS,
            12: lambda: VOLTS,
            13: lambda: self.lock,
            14: lambda: self.meter.watts,
        }.items():
            self.has("input", register, "uint16", read)
        self.has("input", 15, "uint32", lambda: self.meter.wh)
        self.has("input", 17, "uint32", lambda: 1_000_000 + self.meter.wh)
        self.has("input", 100, "uint16", lambda: 16)
        self.has("input", 101, "uint16", lambda: 6)
        self.has("holding", 257, "uint16", lambda: self.watchdog_s * 1000, self._set_watchdog)
        self.has("holding", 258, "uint16", lambda: self.standby, self._set_standby)
        self.has("holding", 259, "uint16", lambda: self.lock, self._set_lock)
        self.has("holding", 261, "uint16", lambda: self.max_deci, self._set_limit)
        self.has("holding", 262, "uint16", lambda: self.failsafe_deci, self._set_failsafe)

    def heard(self) -> None:
        self.feed()

    def fall_back(self) -> None:
        self.limit(self.failsafe_deci / 10)

    def _set_watchdog(self, ms: float) -> None:
        self.watchdog_s = ms / 1000
        self.feed()

    def _set_standby(self, value: float) -> None:
        self.standby = int(value)

    def _set_lock(self, value: float) -> None:
        self.lock = int(value)

    def _set_limit(self, deci: float) -> None:
        if deci and not 60 <= deci <= 160:
            raise Refused(ILLEGAL_VALUE)
        self.max_deci, self.in_failsafe = int(deci), False
        self.limit(deci / 10)

    def _set_failsafe(self, deci: float) -> None:
        if deci and not 60 <= deci <= 160:
            raise Refused(ILLEGAL_VALUE)
        self.failsafe_deci = int(deci)
        if self.in_failsafe:
            self.fall_back()


class Keba(Charger):
    """KeContact P30, unit 255. It lets one value be read at a time, and none from 5000 on; after
    its failsafe ended it wants the current and `enable` again.
    """

    single = True

    def __init__(self, wiring: Wiring, outlet: Outlet) -> None:
        super().__init__(wiring, outlet)
        self.current_ma, self.enabled, self.failsafe_ma = 16_000, True, 0
        self._armed = {"current", "enable"}
        for register, read in {
            1000: lambda: 5 if not self.enabled else 3 if self.meter.watts else 2,
            1004: lambda: 7,
            1006: lambda: 0,
            1008: lambda: 1000 * self.amps_now(1),
            1010: lambda: 1000 * self.amps_now(2),
            1012: lambda: 1000 * self.amps_now(3),
            1014: lambda: 21_000_000,
            1016: lambda: 312_421,
            1018: lambda: 0x0A0A00,
            1020: lambda: 1000 * self.meter.watts,
            1036: lambda: 10 * self.meter.wh,
            1040: lambda: VOLTS,
            1042: lambda: VOLTS,
            1044: lambda: VOLTS,
            1100: lambda: self.current_ma,
            1110: lambda: 16_000,
            1502: lambda: 10 * self.meter.wh,
            1600: lambda: self.failsafe_ma,
            1602: lambda: self.watchdog_s,
        }.items():
            self.has("holding", register, "uint32", read)
        self.has("holding", 5004, "uint16", None, self._set_current)
        self.has("holding", 5014, "uint16", None, self._set_enabled)
        self.has("holding", 5016, "uint16", None, self._set_failsafe)
        self.has("holding", 5018, "uint16", None, self._set_timeout)

    def heard(self) -> None:
        if not self.in_failsafe:
            self.feed()

    def fall_back(self) -> None:
        self._armed = set()
        self.limit(self.failsafe_ma / 1000)

    def _set_current(self, ma: float) -> None:
        if not 6000 <= ma <= 63_000:
            raise Refused(ILLEGAL_VALUE)
        self.current_ma = int(ma)
        self._arm("current")

    def _set_enabled(self, value: float) -> None:
        if value not in (0, 1):
            raise Refused(ILLEGAL_VALUE)
        self.enabled = bool(value)
        self._arm("enable")

    def _arm(self, with_what: str) -> None:
        self._armed.add(with_what)
        if len(self._armed) == 2:
            self.in_failsafe = False
            self.feed()
            self.limit(self.current_ma / 1000 if self.enabled else 0)

    def _set_failsafe(self, ma: float) -> None:
        if ma and not 6000 <= ma <= 63_000:
            raise Refused(ILLEGAL_VALUE)
        self.failsafe_ma = int(ma)

    def _set_timeout(self, seconds: float) -> None:
        if seconds and not 10 <= seconds <= 600:
            raise Refused(ILLEGAL_VALUE)
        self.watchdog_s = seconds
        self.feed()


class Alfen(Charger):
    """Eve, socket 1. A written current counts for `validity_s`; then the safe current does."""

    def __init__(self, wiring: Wiring, outlet: Outlet, *, validity_s: float = 60.0) -> None:
        super().__init__(wiring, outlet)
        self.validity_s, self.safe_a, self.max_a = validity_s, 6.0, 16.0
        self._until = 0.0
        for place in (1, 2, 3):
            self.has("holding", 304 + 2 * place, "float32", lambda: VOLTS)
            self.has("holding", 318 + 2 * place, "float32", partial(self.amps_now, place))
            self.has("holding", 336 + 2 * place, "float32", partial(self.watts_now, place))
        self.has("holding", 344, "float32", lambda: self.meter.watts)
        self.has("holding", 374, "float64", lambda: self.meter.wh)
        self.has("holding", 1200, "uint16", lambda: 1)
        self.says("holding", 1201, "C2", 5)
        self.has("holding", 1206, "float32", self._applied)
        self.has("holding", 1208, "uint32", lambda: max(0.0, self._until - self.clock.now()))
        self.has("holding", 1210, "float32", lambda: self.max_a, self._set_current)
        self.has("holding", 1212, "float32", lambda: self.safe_a)
        self.has("holding", 1214, "uint16", lambda: self._until > self.clock.now())
        self.has("holding", 1215, "uint16", lambda: self.phases, lambda _: None)

    def fall_back(self) -> None:
        self.limit(self.safe_a)

    def _applied(self) -> float:
        return self.safe_a if self.in_failsafe else self.max_a

    def _set_current(self, amps: float) -> None:
        self.max_a, self.in_failsafe = amps, False
        self._until = self.clock.now() + self.validity_s
        self.watchdog_s = self.validity_s
        self.feed()
        self.limit(amps)
