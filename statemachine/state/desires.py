"""What the cloud may desire of a site: a circuit on or off, and how often telemetry is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wish:
    """The cloud wants a circuit on or off; `stamp_s` is the shadow's own time of asking, or 0."""

    circuit: str
    enabled: bool
    stamp_s: int


@dataclass(frozen=True)
class Interval:
    """The cloud wants telemetry every `every_ms`; None where it said something that cannot be."""

    every_ms: int | None
    stamp_s: int
