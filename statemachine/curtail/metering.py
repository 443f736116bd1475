"""Telemetry for the topic that all VENs share, without event ids that its readers do not know.

A backend stores samples by the events that it requested. It would drop a whole sample with the id
of an event that somebody at the site started.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..state.memory import Memory
from ..state.triggers import OPERATOR


def metering(memory: Memory, body: Mapping[str, Any]) -> dict[str, Any]:
    """The telemetry `body`, without the id of an event that did not come from the operator."""
    event = memory.events.get(body["eventId"] or "")
    known = event is not None and event.source == OPERATOR
    return {**body, "eventId": body["eventId"] if known else None}
