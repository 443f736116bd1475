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
            "kind": alarm.kind,
            "since": alarm.since_ms / 1000,
            "text": alarm.text,
            "do": KINDS[alarm.kind].do,
            "lasts": KINDS[alarm.kind].lasts,
            "acknowledged_by": alarm.by or None,
            "acknowledged_at": alarm.acknowledged_ms and alarm.acknowledged_ms / 1000,
        }
        for id, alarm in oldest_first(memory.alarms)
    ]
