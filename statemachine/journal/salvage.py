"""The parts of a damaged journal that can still be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..site.spec import Spec
from ..state.memory import blank
from ..state.parts import to_parts
from .integrity import fault_of

Parts = Mapping[str, Any]


def salvaged(spec: Spec, parts: Parts) -> dict[str, Any]:
    """The parts that are valid by themselves; a missing part `site` is as on the first day.

    The caller checks whether they fit together. Empty if no part is valid.
    """
    sound = {name: value for name, value in parts.items() if fault_of(name, value) is None}
    return {"site": to_parts(blank(spec))["site"], **sound} if sound else {}
