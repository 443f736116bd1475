"""What is known of one object, and what its answers mean. Whatever they are, nothing is raised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

POWER_UNITS = {"watts": 1.0, "kilowatts": 1000.0}
PERSON_UP_TO = 16


@dataclass(slots=True)
class Facts:
    """What does not change: the unit, and whether its values can be taken back."""

    unit: str | None = None
    relinquishes: bool = False
    flags: bool = True
    """Whether it has status flags."""


def value_of(said: Any) -> float | str | None:
    """A present value: a number, or the word of a binary one; None: no reading."""
    if isinstance(said, float):
        return float(said) if math.isfinite(said) else None
    word = str(said) if isinstance(said, int) else ""  # the library's enumerations are numbers
    return word if word in ("active", "inactive") else None


def watts_of(value: float | str | None, unit: str | None) -> float | None:
    """A power in watts; None: it is none."""
    scale = POWER_UNITS.get(unit or "")
    return None if scale is None or not isinstance(value, float) else value * scale


def filled(array: Any) -> dict[int, str] | None:
    """The priorities at which a value is written; None: this is no priority array."""
    if not isinstance(array, Sequence) or len(array) != PERSON_UP_TO:
        return None
    choices = [getattr(slot, "_choice", None) for slot in array]
    return {at + 1: str(kind) for at, kind in enumerate(choices) if kind not in (None, "null")}


def by_of(slots: dict[int, str], priority: int) -> str:
    """Whose value holds: us, a person (or the building's own controller), or nobody's."""
    if not slots:
        return "device"
    return "us" if min(slots) == priority else "person"
