"""What the cloud may desire of a site: a circuit on or off, and how often telemetry is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wish:
    """The cloud wants a circuit on or off."""

    circuit: str
    """The circuit."""
    enabled: bool
    """On or off."""
    stamp_s: int
    """When it was asked, in epoch seconds of the service; 0: not known."""


@dataclass(frozen=True)
class Interval:
    """The cloud wants telemetry in this interval."""

    every_ms: int | None
    """The interval, as a length; None where it said something that cannot be."""
    stamp_s: int
    """When it was asked, in epoch seconds of the service; 0: not known."""
