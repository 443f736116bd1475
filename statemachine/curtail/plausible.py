"""Which meter readings are believed.

A reading must be a finite number of watts that a circuit of its rating can draw. Anything else is
ignored, and that circuit has a fault until it has a valid reading.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from reprlib import repr as shortened

from ..kit.quantity import watts_text
from ..site.panel import Circuit

LEAST_PERCENT, MOST_PERCENT = -5, 200


def plausible_readings(
    circuits: Mapping[str, Circuit], answers: Mapping[str, object]
) -> tuple[dict[str, int], dict[str, str]]:
    """The watts of circuits with a valid reading, and the faults of the others.

    Slightly negative readings count as 0. Circuits that are not in `circuits` are left out.
    """
    drawn_w: dict[str, int] = {}
    odd: dict[str, str] = {}
    for id, answer in answers.items():
        if (circuit := circuits.get(id)) is None:
            continue
        watts = whole_watts(answer)
        if watts is None:
            odd[id] = f"its meter reports {shortened(answer)}, which is not a number of watts"
        elif not _can_be(circuit, watts):
            odd[id] = f"its meter reports {_text(watts)}, {_doubt(circuit, watts)}"
        else:
            drawn_w[id] = max(0, watts)
    return drawn_w, odd


def whole_watts(answer: object) -> int | None:
    """An answer in whole watts; None if it is not a finite number."""
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return None
    return round(answer) if isinstance(answer, int) or math.isfinite(answer) else None


def plausible_unmetered_w(service_w: int, answer: object) -> int | None:
    """The unmetered load of a site, in watts; None: more than its main breaker can carry.

    It can be negative with solar power. `service_w` 0: the limit is not known.
    """
    watts = whole_watts(answer)
    most_w = service_w * MOST_PERCENT // 100 or 10**9
    return watts if watts is not None and -most_w <= watts <= most_w else None


def _doubt(circuit: Circuit, watts: int) -> str:
    if watts < 0:
        return "less than nothing; is the meter reversed?"
    return f"but it is rated at {watts_text(circuit.rated)}"


def _text(watts: int) -> str:
    if abs(watts) < 10**9:
        return watts_text(watts)
    return "less than -1 GW" if watts < 0 else "more than 1 GW"


def _can_be(circuit: Circuit, watts: int) -> bool:
    percent = watts * 100
    return circuit.rated * LEAST_PERCENT <= percent <= circuit.rated * MOST_PERCENT
