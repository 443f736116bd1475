"""The electrical truth behind fake devices: loads, outlets that feed them, meters that see them.

Tests hold the program's figures against this world, never against its own estimates. All watts
are true ones; what a meter shows may be wrong on purpose (`reversed`, `exchange_meters`).
"""

from __future__ import annotations

from collections.abc import Callable

from tests.kit.devices.clock import Clock, LoopClock

Phases = tuple[float, float, float]
VOLTS = 230.0


class Load:
    """What hangs at an outlet, and draws `watts` as long as it is fed and nothing limits it."""

    def __init__(self, wiring: Wiring, name: str, watts: float, phases: tuple[int, ...]) -> None:
        self._wiring, self.name, self._watts, self.phases = wiring, name, watts, phases

    @property
    def watts(self) -> float:
        return self._watts

    @watts.setter
    def watts(self, watts: float) -> None:
        self._wiring.settle()
        self._watts = watts


class Outlet:
    """What one device switches or limits. `stuck`: the contact no longer moves."""

    def __init__(self, wiring: Wiring, load: Load) -> None:
        self._wiring, self.load = wiring, load
        self.stuck = False
        self._closed = True
        self._limit_w: float | None = None
        self._listeners: list[Callable[[], None]] = []
        self.changes: list[tuple[float, float]] = []
        """When (by the clock) it changed, and the watts from then on."""

    @property
    def closed(self) -> bool:
        return self._closed

    @closed.setter
    def closed(self, closed: bool) -> None:
        if not self.stuck and closed != self._closed:
            self._change(closed, self._limit_w)

    @property
    def limit_w(self) -> float | None:
        return self._limit_w

    @limit_w.setter
    def limit_w(self, limit_w: float | None) -> None:
        if not self.stuck and limit_w != self._limit_w:
            self._change(self._closed, limit_w)

    @property
    def watts(self) -> float:
        if not self._closed:
            return 0.0
        return self.load.watts if self._limit_w is None else min(self.load.watts, self._limit_w)

    def watch(self, listener: Callable[[], None]) -> None:
        """Calls back whenever it opens, closes, or gets another limit."""
        self._listeners.append(listener)

    def _change(self, closed: bool, limit_w: float | None) -> None:
        self._wiring.settle()
        self._closed, self._limit_w = closed, limit_w
        self.changes.append((self._wiring.clock.now(), self.watts))
        for listener in self._listeners:
            listener()


class Meter:
    """Sees the sum of some outlets. `reversed`: mounted the wrong way round."""

    def __init__(self, wiring: Wiring, outlets: list[Outlet], main: bool) -> None:
        self._wiring, self.outlets, self._main = wiring, outlets, main
        self.reversed = False
        self._in_wh, self._out_wh = 0.0, 0.0

    @property
    def phases(self) -> Phases:
        """Watts on L1, L2 and L3 as it shows them."""
        seen = [0.0, 0.0, 0.0]
        for outlet in self.outlets:
            for phase in outlet.load.phases:
                seen[phase - 1] += outlet.watts / len(outlet.load.phases)
        if self._main:
            seen = [each + self._wiring.unmetered_w / 3 for each in seen]
        sign = -1 if self.reversed else 1
        return (sign * seen[0], sign * seen[1], sign * seen[2])

    @property
    def watts(self) -> float:
        return round(sum(self.phases), 6)

    @property
    def wh(self) -> float:
        """What it has counted since the world began, bought."""
        self._wiring.settle()
        return self._in_wh

    @property
    def sold_wh(self) -> float:
        self._wiring.settle()
        return self._out_wh

    def count(self, seconds: float) -> None:
        """What it shows now was drawn so long."""
        watts = self.watts
        self._in_wh += max(0.0, watts) * seconds / 3600
        self._out_wh += max(0.0, -watts) * seconds / 3600


class Wiring:
    """One house. Every load made here is behind the main meter."""

    def __init__(self, *, clock: Clock | None = None, unmetered_w: float = 0.0) -> None:
        self.clock = clock or LoopClock()
        self._unmetered_w = unmetered_w
        self._outlets: list[Outlet] = []
        self._meters: list[Meter] = []
        self._settled = self.clock.now()
        self.main = Meter(self, self._outlets, main=True)
        self._meters.append(self.main)

    @property
    def unmetered_w(self) -> float:
        return self._unmetered_w

    @unmetered_w.setter
    def unmetered_w(self, watts: float) -> None:
        self.settle()
        self._unmetered_w = watts

    def outlet(self, name: str, watts: float, phases: tuple[int, ...] = (1,)) -> Outlet:
        """An outlet, closed, with a load of this name and power."""
        self.settle()
        one = Outlet(self, Load(self, name, watts, phases))
        self._outlets.append(one)
        return one

    def meter(self, *outlets: Outlet) -> Meter:
        """A meter over these."""
        self.settle()
        one = Meter(self, list(outlets), main=False)
        self._meters.append(one)
        return one

    @property
    def watts(self) -> float:
        """What the house draws, truly."""
        return round(sum(one.watts for one in self._outlets) + self._unmetered_w, 6)

    def exchange_loads(self, one: Outlet, other: Outlet) -> None:
        """Two cables swapped behind the devices."""
        self.settle()
        one.load, other.load = other.load, one.load

    def exchange_meters(self, one: Meter, other: Meter) -> None:
        """Each of two meters sits where the other was meant to be."""
        self.settle()
        one.outlets, other.outlets = other.outlets, one.outlets

    def settle(self) -> None:
        """Counts the energy up to now; whatever changes power does this first."""
        now = self.clock.now()
        for one in self._meters:
            one.count(now - self._settled)
        self._settled = now
