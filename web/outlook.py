"""What the core expects, for the page: how load returns, and how well events are met."""

from __future__ import annotations

from statemachine.curtail.delivery import deliverable_w, on_target
from statemachine.returns.forecast import forecast_restore
from statemachine.returns.return_order import ReturnForecast
from statemachine.returns.upcoming import upcoming_reports
from statemachine.site.spec import Spec
from statemachine.state.memory import Event, Memory
from statemachine.wire.messages import kw

from .shapes.circuit import ReturnBody
from .shapes.event import ServiceBody
from .shapes.site_state import RestoreOutlookBody


def circuit_return(back: ReturnForecast | None) -> ReturnBody:
    """How one circuit returns, and when: epoch seconds, null if unknown."""
    at_ms = back.at_ms if back else None
    return {
        "back_how": back.how if back else None,
        "back_at": None if at_ms is None else at_ms / 1000,
    }


def event_service(
    spec: Spec, memory: Memory, event: Event, now_ms: int, active: bool
) -> ServiceBody:
    """How well an event is met now, and what its caller is told if it is ended."""
    on = on_target(spec, memory, event, now_ms)
    told = event.source == "operator" and spec.topics.status
    return {
        "on_target": on,
        "possible_kw": kw(deliverable_w(spec, memory, event, now_ms)) if active else None,
        "delivery": _delivery(event, on) if active else None,
        "restore_reports": upcoming_reports(spec, memory, event, "restore") if told else [],
        "cancel_reports": upcoming_reports(spec, memory, event, "cancel") if told else [],
    }


def restore_preview(spec: Spec, memory: Memory) -> RestoreOutlookBody:
    """What restoring all events would do now, and when the last circuit would return."""
    ending = forecast_restore(spec, memory)
    backs = ending.backs
    known = [back.at_ms for back in backs.values() if back.at_ms is not None]
    return {
        "ends": list(ending.ends),
        "back_at": max(known) / 1000 if known else None,
        "by_hand": [id for id, back in backs.items() if back.how == "by_hand"],
        "kept_down": [id for id, back in backs.items() if back.how in ("following", "event")],
        "unknown": [id for id, back in backs.items() if back.how in ("room", "later")],
    }


def _delivery(event: Event, on: bool | None) -> str | None:
    """The delivery that is true now, not only when it was last reported."""
    if "superseded" in event.told:
        return "superseded"
    if on is False and "underperforming" in event.told:
        return "underperforming"
    return "achieved" if on else None
