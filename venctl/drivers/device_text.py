"""What is said of a device: its power, where it stands, what was not seen."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.device.control import Position, SeenState
from statemachine.device.form import Template

from .measured import Measured


@dataclass(frozen=True, slots=True)
class LastCommand:
    """A write: what the device should do, and when it was told (UTC, in ms).

    `seen`: it was read back so; False: it was not; None: it is being read back.
    """

    position: str
    at_ms: int
    seen: bool | None = None


def measured_by(template: Template, seen: SeenState) -> Measured | None:
    """The power that a device measures itself.

    0 while it is off, if its meter then keeps its last value.
    """
    if seen.on is False and template.still_when_off:
        return None if seen.age_ms is None else Measured(0, seen.age_ms)
    if seen.power_w is None or seen.power_age_ms is None:
        return None
    return Measured(seen.power_w, seen.power_age_ms)


def position_text(position: Position) -> str:
    words = {"free": "free", "off": "switched off", "off_for": "switched off for a while"}
    return words.get(position.kind) or f"limited to {position.watts} W"


def unseen_text(position: Position, stood: bool | None, seen_ms: int) -> str:
    if stood is None:
        return f"told to be {position_text(position)}, but it cannot be read back"
    return f"told to be {position_text(position)}, but not seen so within {seen_ms / 1000:g} s"


def too_soon_text(wait_ms: int) -> str:
    return f"it was given more a moment ago and gets more again in {-(-wait_ms // 1000)} s"
