"""What the circuits of a site come to together, in watts: drawn, shed, planned."""

from __future__ import annotations

from ..site.spec import Spec
from .memory import Memory


def power_w(memory: Memory) -> int:
    """What the site draws, measured: circuits plus what no circuit meters."""
    return memory.unmetered_w + sum(live.drawn_w or 0 for live in memory.circuits.values())


def known_power_w(memory: Memory) -> int | None:
    """The same; None while the main meter cannot be read."""
    return None if memory.main_lost_ms is not None else power_w(memory)


def shed_w(memory: Memory) -> int:
    """What is not drawn because an event took it: held counterfactual less measured.

    Of the reading that `power_w` is of: what was commanded since has moved neither yet.
    """
    return sum(live.taken_w for live in memory.circuits.values())


def commanded_w(spec: Spec, memory: Memory) -> int:
    """What all circuits together are made to give; nothing where the site only observes."""
    return 0 if spec.observes else planned_w(memory)


def planned_w(memory: Memory) -> int:
    """What the plan in force takes, or would take, from all circuits together."""
    return sum(memory.cuts.values())


def taken_w(memory: Memory, id: str) -> int:
    """What one circuit does not draw because it gives, in watts, as of its last reading."""
    return memory.circuits[id].taken_w
