"""Circuits to be given back for good: gone from the file, or of a site that only observes now.

Nobody restates their holds, so they are kept in mind, with the driver they had, until that driver
says that it is done: also over a crash between the decision and the deed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .spec import Spec


def leaving(
    spec: Spec, before: Mapping[str, str], lives: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Circuit and driver of each, for the site `spec`, out of those that were leaving before it
    and of what was remembered of each circuit.

    In a site that acts a circuit of the file leaves no more: its holds are restated anyway.
    """
    items = lives.items()
    held = {id: str(live["driver"]) for id, live in items if live["held_w"] is not None}
    owed = {id: str(live["driver"]) for id, live in items if _owed(live)}
    gone = {id: at for id, at in {**before, **held, **owed}.items() if id not in spec.circuits}
    return {**before, **owed, **gone} if spec.observes else gone


def _owed(live: Mapping[str, Any]) -> bool:
    """It was given back, and its driver has not said that it is done."""
    answered = live.get("asked_mono_ms") is None and live.get("hold_fault") is None
    return live["held_w"] is None and not answered
