"""A modelled panel: breakers, leases that expire, meters, and faults of each.

`venctl run` without devices, `venctl simulate` and the tests all use it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...kit.localtime import start_ms
from ...site.panel import LEAST_AMPS, Circuit
from ...site.spec import Spec
from .loads import Loads
from .recorded import RecordedDay
from .scenario import Scenario

FLAP_MS = 20_000
ODD = (float("nan"), 10**30, "12 W", None, float("inf"), -5_000_000, True)  # by the second


@dataclass(slots=True)
class Breaker:
    """One circuit: its switch, its lease, and its fault."""

    on: bool
    hold_w: int | None = None
    until_ms: int = 0
    fault: str = "none"


class Breakers:
    """All circuits of a site, and its unmetered load. `loads` tells what each would draw.

    `ms` is one clock for leases and loads: the elapsed time of a play, or the wall clock.
    """

    def __init__(self, spec: Spec, loads: Loads) -> None:
        self.all: dict[str, Breaker] = {}
        self.use(spec, loads)

    def use(self, spec: Spec, loads: Loads) -> None:
        """Use another ven.yaml: breakers that it does not name stay, new ones are as declared."""
        self._spec, self.loads = spec, loads
        for id, circuit in spec.circuits.items():
            self.all.setdefault(id, Breaker(circuit.enabled))

    def hold(self, id: str, watts: int | None, until_ms: int) -> None:
        """A lease: at or below `watts` until `until_ms`; None releases the circuit."""
        self.all[id].hold_w, self.all[id].until_ms = watts, until_ms

    def switch(self, id: str, enabled: bool) -> str | None:
        """Move the breaker; returns the fault, None if it moved."""
        if self.all[id].fault == "stuck":
            return "the switch does not move"
        self.all[id].on = enabled
        return None

    def reboot(self, id: str) -> None:
        """A device that starts anew has forgotten its hold; its switch stands as before."""
        self.all[id].hold_w = None

    def drawn_w(self, id: str, ms: int) -> int:
        """What a circuit draws, in watts."""
        breaker = self.all[id]
        if not breaker.on:
            return 0
        free_w = self.loads.free_w(id, ms)
        leased = breaker.hold_w is not None and ms < breaker.until_ms
        if not leased or breaker.fault == "deaf":
            return free_w
        return _held(self._spec.circuits[id], free_w, breaker.hold_w or 0)

    def readings(self, ms: int) -> dict[str, object]:
        """The readings of all meters, impossible ones too; a silent meter is absent."""
        faults = {id: self.all[id].fault for id in self._spec.circuits}
        return {
            id: ODD[ms // 1000 % len(ODD)] if fault == "odd" else self.drawn_w(id, ms)
            for id, fault in faults.items()
            if fault != "silent" and not is_dead(fault, ms)
        }

    def power_w(self, ms: int) -> int:
        """What the whole site draws, in watts."""
        drawn_w = sum(self.drawn_w(id, ms) for id in self._spec.circuits)
        return self.loads.unmetered_w(ms) + drawn_w


def is_dead(fault: str, ms: int) -> bool:
    """Whether a device with this fault can neither be reached nor read now."""
    return fault == "dead" or (fault == "flapping" and ms // FLAP_MS % 2 == 1)


def played(spec: Spec, scenario: Scenario, recorded: RecordedDay | None) -> Breakers:
    """The breakers of a scenario, whose clock is the elapsed time since its start."""
    began_ms = start_ms(scenario.start, spec.site.timezone)
    loads = Loads(spec, scenario.loads or "", scenario.seed, began_ms, recorded)
    loads.set_w |= scenario.draws
    return Breakers(spec, loads)


def _held(circuit: Circuit, free_w: int, hold_w: int) -> int:
    """What a held circuit draws, as its `control` can do it, in watts."""
    match circuit.control:
        case "none":
            return free_w
        case "relay":
            return free_w if hold_w else 0
        case "ev_pilot":
            return min(free_w, hold_w) if hold_w >= LEAST_AMPS * circuit.amp_w else 0
    return min(free_w, hold_w)
