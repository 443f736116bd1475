"""A modelled panel: breakers, leases that end by themselves, meters, and what is wrong with them.

Times are elapsed milliseconds of the play, which no setting of a clock changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...kit.localtime import start_ms
from ...site.panel import LEAST_AMPS, Circuit
from ...site.spec import Spec
from .loads import load_w
from .recorded import Recorded
from .scenario import SITE, Scenario

ODD = (float("nan"), 10**30, "12 W", None, float("inf"), -5_000_000, True)  # by the second


@dataclass(slots=True)
class Breaker:
    """One circuit: its switch, the lease on it, and what is wrong with it."""

    on: bool
    hold_w: int | None = None
    until_ms: int = 0
    fault: str = "none"


class Breakers:
    """All circuits of a site, and what else it draws."""

    def __init__(self, spec: Spec, scenario: Scenario, recorded: Recorded | None) -> None:
        self._spec, self._recorded = spec, recorded
        self._start_ms = start_ms(scenario.start, spec.site.timezone)
        self._load = scenario.loads or spec.sim.load
        self._seed = spec.sim.seed if scenario.seed is None else scenario.seed
        self.set_w: dict[str, int] = dict(scenario.draws)
        self.constant = self._load == "steady" and recorded is None
        self.cycles = self._load == "cycling" or recorded is not None
        self.all = {id: Breaker(circuit.enabled) for id, circuit in spec.circuits.items()}

    def hold(self, id: str, watts: int | None, until_ms: int) -> None:
        """A lease: at or below `watts` until `until_ms`; None lets go."""
        self.all[id].hold_w, self.all[id].until_ms = watts, until_ms

    def switch(self, id: str, enabled: bool) -> str | None:
        """Move the breaker; answers what went wrong."""
        if self.all[id].fault == "stuck":
            return "it does not move"
        self.all[id].on = enabled
        return None

    def free_w(self, id: str, ms: int) -> int:
        """What a circuit would draw if it were on and let be."""
        if id in self.set_w:
            return self.set_w[id]
        if self._recorded is not None:
            series = self._recorded.series.get(id)
            return series.at(self._start_ms + ms) if series else 0
        circuit, at_ms = self._spec.circuits[id], self._start_ms + ms
        return load_w(id, circuit.rated, circuit.kind, self._load, self._seed, at_ms)

    def drawn_w(self, id: str, ms: int) -> int:
        """What a circuit draws."""
        breaker = self.all[id]
        if not breaker.on:
            return 0
        free_w = self.free_w(id, ms)
        leased = breaker.hold_w is not None and ms < breaker.until_ms
        if not leased or breaker.fault == "deaf":
            return free_w
        return _held(self._spec.circuits[id], free_w, breaker.hold_w or 0)

    def readings(self, ms: int) -> dict[str, object]:
        """What the meters say, odd things too; one that is silent is absent."""
        said = {id: one.fault for id, one in self.all.items() if one.fault != "silent"}
        return {
            id: ODD[ms // 1000 % len(ODD)] if fault == "odd" else self.drawn_w(id, ms)
            for id, fault in said.items()
        }

    def unmetered_w(self, ms: int) -> int:
        """What the site draws beside its circuits."""
        if SITE in self.set_w:
            return self.set_w[SITE]
        if self._recorded is not None and (series := self._recorded.series.get(SITE)):
            return series.at(self._start_ms + ms)
        load = "steady" if self._load == "steady" else "drift"
        rated_w, at_ms = self._spec.site.unmetered, self._start_ms + ms
        return load_w(SITE, rated_w, "other", load, self._seed, at_ms)

    def power_w(self, ms: int) -> int:
        """What the whole site draws."""
        return self.unmetered_w(ms) + sum(self.drawn_w(id, ms) for id in self.all)


def _held(circuit: Circuit, free_w: int, hold_w: int) -> int:
    """What a circuit that is held draws, as its kind of control can do it."""
    match circuit.control:
        case "none":
            return free_w
        case "relay":
            return free_w if hold_w else 0
        case "ev_pilot":
            return min(free_w, hold_w) if hold_w >= LEAST_AMPS * circuit.amp_w else 0
    return min(free_w, hold_w)
