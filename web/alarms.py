"""The current alarms, for the page and `venctl alarms`."""

from __future__ import annotations

from statemachine.state.alarm import KINDS, oldest_first
from statemachine.state.memory import Memory

from .shapes.site_state import AlarmBody


def alarm_list(memory: Memory) -> list[AlarmBody]:
    """Every current alarm, oldest first; times in epoch seconds."""
    return [
        {
            "id": id,
            "kind": one.kind,
            "since": one.since_ms / 1000,
            "text": one.text,
            "do": KINDS[one.kind].do,
            "lasts": KINDS[one.kind].lasts,
            "acknowledged_by": one.by or None,
            "acknowledged_at": one.acknowledged_ms and one.acknowledged_ms / 1000,
        }
        for id, one in oldest_first(memory.alarms)
    ]
