"""What simulated circuits would draw at a moment: steady, drifting, or cycling by their type.

Derived from circuit, seed and time only, so that a crash changes nothing and a day repeats.
`venctl run` without devices, `venctl simulate` and the tests all use it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import sha256

from ...site.spec import Spec
from .recorded import RecordedDay
from .scenario import SITE

# Seconds on and off of each type's thermostat or timer, as `load: cycling` plays them.
CYCLES_S = {
    "heater": (600, 300),
    "water_heater": (900, 1800),
    "hvac": (720, 480),
    "fridge": (900, 1500),
    "motor": (300, 900),
}


class Loads:
    """What each circuit would draw if it were on and not held, and its unmetered load.

    `ms` counts from `start_ms`, which is UTC in milliseconds. A draw in `set_w` comes first, then
    the recording, then the model: `load` and `seed` are those of the file where none are given.
    """

    def __init__(
        self,
        spec: Spec,
        load: str = "",
        seed: int | None = None,
        start_ms: int = 0,
        recorded: RecordedDay | None = None,
    ) -> None:
        self._spec, self._start_ms, self._recorded = spec, start_ms, recorded
        self._load = load or spec.sim.load
        self._seed = spec.sim.seed if seed is None else seed
        self.set_w: dict[str, int] = {}
        self.constant = self._load == "steady" and recorded is None
        self.cycles = self._load == "cycling" or recorded is not None

    def free_w(self, id: str, ms: int) -> int:
        """What a circuit would draw, in watts."""
        if id in self.set_w:
            return self.set_w[id]
        if self._recorded is not None:
            series = self._recorded.series.get(id)
            return series.at(self._start_ms + ms) if series else 0
        circuit, at_ms = self._spec.circuits[id], self._start_ms + ms
        return load_w(id, circuit.rated, circuit.kind, self._load, self._seed, at_ms)

    def unmetered_w(self, ms: int) -> int:
        """The load of the site outside its circuits, in watts."""
        if SITE in self.set_w:
            return self.set_w[SITE]
        if self._recorded is not None and (series := self._recorded.series.get(SITE)):
            return series.at(self._start_ms + ms)
        load = "steady" if self._load == "steady" else "drift"
        rated_w, at_ms = self._spec.site.unmetered, self._start_ms + ms
        return load_w(SITE, rated_w, "other", load, self._seed, at_ms)


def load_w(id: str, rated_w: int, type: str, load: str, seed: int, now_ms: int) -> int:
    """What a circuit would draw at a moment, in watts.

    `steady` is always the rated power; `drift` stays between 95 and 100 % of it and moves slowly;
    `cycling` drifts too, and is off for part of each cycle where the type has one.
    """
    if load == "steady":
        return rated_w
    phase, pace = _dice(id, seed)
    if load == "cycling" and type in CYCLES_S:
        on_s, off_s = CYCLES_S[type]
        place_s = (now_ms / 1000 + phase * (on_s + off_s)) % (on_s + off_s)
        if place_s >= on_s:
            return 0
    slow = math.sin(2 * math.pi * (now_ms / 1000 / (240 * pace) + phase))
    quick = math.sin(2 * math.pi * (now_ms / 1000 / (37 * pace) + 2 * phase))
    return round(rated_w * (0.975 + 0.018 * slow + 0.007 * quick))


@lru_cache(maxsize=4096)
def _dice(id: str, seed: int) -> tuple[float, float]:
    """The phase of a circuit's cycle, and the pace of its drift."""
    thrown = sha256(f"{seed}:{id}".encode()).digest()
    return thrown[0] / 256, 1 + thrown[1] / 256
