"""Which circuits stay held although their drivers fail, and what is held beyond the plan.

A circuit that fails for long counts with what it really sheds, and others shed in its place. Its
hold stays the same, so that nothing flaps when it works again, but only as long as the plan would
use it if it worked. A circuit that no event would use is released.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..site.spec import Spec
from ..state.memory import Memory
from .capacity import loads
from .plan import plan_cuts


def failing_holds(spec: Spec, memory: Memory) -> Mapping[str, int]:
    """The held circuits that fail, with the watts that the plan would shed if each worked.

    Circuits before it in the plan are held too, so their estimates and this result do not change.
    """
    shed_w: dict[str, int] = {}
    for id, live in memory.circuits.items():
        if live.held_w is None or live.deaf_w is None or not live.hold_fault:
            continue
        all_loads = loads(spec, memory.circuit(id, deaf_w=None))
        cuts = plan_cuts(all_loads, memory.basis.required_w, memory.cuts, spec.curtail.policy)
        if id in cuts:
            shed_w[id] = cuts[id]
    return shed_w


def awaiting_return(spec: Spec, memory: Memory) -> list[str]:
    """The circuits that are still held although nothing requires them: they are to come back."""
    held = [
        id
        for id, live in memory.circuits.items()
        if live.giving and live.enabled and live.held_w is not None and id not in memory.cuts
    ]
    failing = failing_holds(spec, memory) if held else {}
    return [id for id in held if id not in failing]
