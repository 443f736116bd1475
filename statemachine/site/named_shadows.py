"""Which shadow reports which circuits: one for up to 40, else named shadows of 40 each.

A shadow holds 8 KB. With more than 40 circuits the classic shadow, named "", reports power, event
and settings, and `circuits-0`, `circuits-1`, ... report the circuits in file order.
"""

from __future__ import annotations

from .spec import Spec

MOST = 40


def circuits_by_shadow(spec: Spec) -> dict[str, tuple[str, ...]]:
    """The circuits that each shadow of a site reports, by its name; the classic one first."""
    ids = tuple(spec.circuits)
    if len(ids) <= MOST:
        return {"": ids}
    parts = [ids[first : first + MOST] for first in range(0, len(ids), MOST)]
    return {"": (), **{f"circuits-{index}": part for index, part in enumerate(parts)}}
