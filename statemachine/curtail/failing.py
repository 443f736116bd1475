"""Which circuits stay told to give although their drivers fail, and what is held beyond the plan.

A circuit that fails for long counts for what it really gives, and others give in its place. It is
told the same all the while, so that nothing flaps when it obeys again; yet only for as long as the
plan would take it if it did. What no event would take is given back: the newest wish counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..site.spec import Spec
from ..state.memory import Memory
from .capacity import loads
from .plan import plan_shed


def still_asked(spec: Spec, memory: Memory) -> Mapping[str, int]:
    """The held circuits that fail, each with the watts the plan would take if this one obeyed.

    What is ahead of one of these in the plan is held as well, so its estimates stand still, and
    with them this answer.
    """
    asked: dict[str, int] = {}
    for id, live in memory.circuits.items():
        if live.held_w is None or live.deaf_w is None or not live.hold_fault:
            continue
        every = loads(spec, memory.circuit(id, deaf_w=None))
        plan = plan_shed(every, memory.basis.required_w, memory.cuts, spec.curtail.policy)
        if id in plan.cuts:
            asked[id] = plan.cuts[id]
    return asked


def held_back(spec: Spec, memory: Memory) -> list[str]:
    """The circuits that gave, and that nothing asks for any more: they are still to come back."""
    held = [
        id
        for id, live in memory.circuits.items()
        if live.giving and live.enabled and live.held_w is not None and id not in memory.cuts
    ]
    asked = still_asked(spec, memory) if held else {}
    return [id for id in held if id not in asked]
