"""The power in what a charger reports of its meter. Whatever is in it, nothing is raised."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from .profile import utc_ms_of

POWER = "Power.Active.Import"
SCALES = {"W": 1.0, "kW": 1000.0}
PHASES = ("L1", "L2", "L3"), ("L1-N", "L2-N", "L3-N")
OUTSIDE = ("Inlet", "Body", "EV", "Cable")
MOST_VALUES = 200


def power_of(meter_value: Any) -> tuple[int, int | None] | None:
    """The newest power in watts, and the charger's time for it in UTC ms; None: no power in it.

    The total, or the sum of the phases where there is none.
    """
    found = None
    for sample in meter_value[:MOST_VALUES] if isinstance(meter_value, list) else ():
        if not isinstance(sample, Mapping):
            continue
        watts = _watts(dict(_powers(sample.get("sampled_value"))))
        at_ms = utc_ms_of(sample.get("timestamp"))
        if watts is not None and (found is None or (at_ms or 0) >= (found[1] or 0)):
            found = watts, at_ms
    return found


def _powers(values: Any) -> Iterator[tuple[str, float]]:
    """Each power with its phase; "" is the total."""
    for value in values[:MOST_VALUES] if isinstance(values, list) else ():
        if not isinstance(value, Mapping) or value.get("measurand") != POWER:
            continue
        scale, number = SCALES.get(str(value.get("unit") or "W")), _number(value.get("value"))
        if scale is None or number is None or value.get("location") in OUTSIDE:
            continue
        yield str(value.get("phase") or ""), number * scale


def _watts(powers: Mapping[str, float]) -> int | None:
    if "" in powers:
        return round(powers[""])
    for phases in PHASES:
        if found := [powers[phase] for phase in phases if phase in powers]:
            return round(sum(found))
    return None


def _number(said: Any) -> float | None:
    """Texts as the standard has it, and numbers as some chargers do."""
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return None
    if isinstance(said, str) and len(said) > 30:
        return None
    try:
        number = float(said)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < 1e9 else None
