"""The parts of a damaged journal that can still be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..site.spec import Spec
from ..state.memory import initial_memory
from ..state.parts import to_parts
from .integrity import part_fault

Parts = Mapping[str, Any]


def salvage_parts(spec: Spec, parts: Parts) -> dict[str, Any]:
    """The parts that are valid by themselves; a missing part `site` is as on the first day.

    The caller checks whether they fit together. Empty if no part is valid.
    """
    sound = {name: value for name, value in parts.items() if part_fault(name, value) is None}
    return {"site": to_parts(initial_memory(spec))["site"], **sound} if sound else {}
