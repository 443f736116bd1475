"""Quantities as typed on the command line, and names for the sources of commands."""

from __future__ import annotations

BY = {
    "page": "the page",
    "operator": "the grid operator",
    "cloud": "the cloud",
    "cli": "the command line",
    "device": "a person at the device",
    "event": "an event",
}


def watts_of(text: str) -> int:
    """Parse a power: `2 kW` is 2000 (W). Raises ValueError."""
    from statemachine.kit.quantity import watts

    return watts(text)


def millis_of(text: str) -> int:
    """Parse a duration: `5 min` is 300000 (ms). Raises ValueError."""
    from statemachine.kit.quantity import millis

    return millis(text)
