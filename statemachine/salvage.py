"""What of a damaged journal can still be memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kept import fault_of
from .memory import blank, from_parts, to_parts
from .spec import Spec

Parts = Mapping[str, Any]


def salvaged(spec: Spec, parts: Parts) -> dict[str, Any]:
    """The parts that are sound each by itself; what is missing of the site is as on the first day.

    Empty where they fit no memory together.
    """
    sound = {name: value for name, value in parts.items() if fault_of(name, value) is None}
    if not sound:
        return {}
    whole = {"site": to_parts(blank(spec))["site"], **sound}
    try:
        from_parts(spec, whole)
    except Exception:  # each is sound and they contradict each other: nobody knows which is true
        return {}
    return whole
