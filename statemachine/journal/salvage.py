"""What of a damaged journal can still be memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..site.spec import Spec
from ..state.memory import blank
from ..state.parts import to_parts
from .integrity import fault_of

Parts = Mapping[str, Any]


def salvaged(spec: Spec, parts: Parts) -> dict[str, Any]:
    """The parts that are sound each by itself; what is missing of the site is as on the first day.

    Whether they fit together is for whoever makes memory of them. Empty where none is sound.
    """
    sound = {name: value for name, value in parts.items() if fault_of(name, value) is None}
    return {"site": to_parts(blank(spec))["site"], **sound} if sound else {}
