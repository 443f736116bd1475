"""Which shadow reports which circuits: one for all up to forty, else named ones of forty each.

A shadow holds 8 KB. The classic one, named "", then keeps power, event and settings, and the
circuits go into `circuits-0`, `circuits-1`, ... in the order in which they are declared.
"""

from __future__ import annotations

from .spec import Spec

MOST = 40


def shards(spec: Spec) -> dict[str, tuple[str, ...]]:
    """The circuits that each shadow of a site reports, the classic one first."""
    ids = tuple(spec.circuits)
    if len(ids) <= MOST:
        return {"": ids}
    parts = [ids[first : first + MOST] for first in range(0, len(ids), MOST)]
    return {"": (), **{f"circuits-{place}": part for place, part in enumerate(parts)}}
