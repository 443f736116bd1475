"""What the topic that all VENs share is told: the telemetry, less what its readers cannot know.

A backend keeps samples by the events it called itself. One of an event that somebody at the site
called would be dropped whole, with all that was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..state.memory import Memory
from ..state.triggers import OPERATOR


def metering(memory: Memory, said: Mapping[str, Any]) -> dict[str, Any]:
    """The telemetry `said`, without the id of an event that did not come over the command topic."""
    event = memory.events.get(said["eventId"] or "")
    known = event is not None and event.source == OPERATOR
    return {**said, "eventId": said["eventId"] if known else None}
