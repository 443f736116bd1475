"""Circuits to be given back for good: gone from the file, or of a site that only observes now.

Nobody restates their holds, so they are kept in mind, with the driver they had, until that driver
says that it is done: also over a crash between the decision and the deed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..site.spec import Spec
from .circuit import CircuitState


@dataclass(frozen=True)
class StuckCircuit:
    """What keeps a circuit from leaving that is gone from the file."""

    fault: str
    """What its driver says."""
    since_ms: int
    """Since when, in UTC."""


def pending_releases(
    spec: Spec, before: Mapping[str, str], lives: Mapping[str, CircuitState]
) -> dict[str, str]:
    """Circuit and driver of each, for the site `spec`, out of those that were leaving before it
    and of what was remembered of each circuit.

    In a site that acts a circuit of the file leaves no more: its holds are restated anyway.
    """
    items = lives.items()
    held = {id: live.driver for id, live in items if live.held_w is not None}
    owed = {id: live.driver for id, live in items if _owed(live)}
    gone = {id: at for id, at in {**before, **held, **owed}.items() if id not in spec.circuits}
    return {**before, **owed, **gone} if spec.observes else gone


def stuck_circuits(
    spec: Spec,
    leaves: Mapping[str, str],
    before: Mapping[str, StuckCircuit],
    lives: Mapping[str, CircuitState],
    at_ms: int,
) -> dict[str, StuckCircuit]:
    """What keeps those of `leaves` that are in the file no more, as far as it is known at `at_ms`
    from `before` and from what was remembered of each circuit.
    """
    faults = {id: live.hold_fault for id, live in lives.items()}
    causes = {id: StuckCircuit(fault, at_ms) for id, fault in faults.items() if fault} | {**before}
    return {id: stuck for id, stuck in causes.items() if id in leaves and id not in spec.circuits}


def _owed(live: CircuitState) -> bool:
    """It was given back, and its driver has not said that it is done."""
    return live.held_w is None and not live.sure
