"""What a simulated circuit would draw at a moment: steady, drifting, or cycling by its type.

Pure in circuit, seed and time, so that a kill does not show and a simulated day repeats.
"""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import sha256

# Seconds on and off of each type's thermostat or timer, as `load: cycling` plays them.
CYCLES_S = {
    "heater": (600, 300),
    "water_heater": (900, 1800),
    "hvac": (720, 480),
    "fridge": (900, 1500),
    "motor": (300, 900),
}


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
    """Where in its cycle a circuit stands, and how fast it drifts."""
    thrown = sha256(f"{seed}:{id}".encode()).digest()
    return thrown[0] / 256, 1 + thrown[1] / 256
