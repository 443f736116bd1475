"""What an event would do if it were called now, as the API answers it."""

from __future__ import annotations

from typing_extensions import TypedDict

from .base import Mode, Reason, shape


@shape
class RefusalBody(TypedDict):
    """Why the event would be refused."""

    reason: Reason
    """For programs."""
    detail: str
    """For people."""


@shape
class PreviewCircuitBody(TypedDict):
    """What one circuit would shed."""

    id: str
    """Its id in ven.yaml."""
    name: str
    """Its name for people."""
    critical: bool
    """It is curtailed only after every circuit that is not critical."""
    free_kw: float
    """What it would draw without curtailment."""
    shed_kw: float
    """What it would shed."""
    more_kw: float
    """What it would shed because of this event."""
    left_kw: float
    """What it would still draw."""
    rated_kw: float
    """The most it draws."""
    reason: str
    """Why it would shed that, in words."""
    lasts_s: float | None
    """Seconds it can be curtailed, if shorter than the event; null: all of it."""
    estimated: bool
    """It has no meter: planned with its typical power."""


@shape
class OtherAmountBody(TypedDict):
    """What another request would do instead."""

    asked_kw: float
    """The reduction requested."""
    shed_kw: float
    """What would be shed."""
    shortfall_kw: float
    """The part that could not be shed."""
    circuits: list[str]
    """The circuits that would be curtailed."""
    critical: list[str]
    """Those of them that are critical."""


@shape
class PreviewBody(TypedDict):
    """What an event would do, together with the live ones."""

    rev: str
    """The plan as text; send it as `plan_rev` with the event."""
    mode: Mode
    """observe: nothing would be switched."""
    asked_kw: float
    """The reduction requested."""
    duration_s: float
    """Its duration in seconds."""
    starts_at: float | None
    """When it would start; null: at once."""
    ends_at: float
    """When it would end."""
    shed_kw: float
    """What the site would shed for all events together."""
    more_kw: float
    """What it would shed because of this event."""
    running_kw: float
    """What it sheds without this event."""
    covered_until: float | None
    """Until when another event requests as much; null: none does."""
    shortfall_kw: float
    """The part of the request that could not be shed."""
    max_kw: float
    """The largest reduction possible."""
    power_before_kw: float | None
    """What the site would draw without it; null: not known."""
    power_after_kw: float | None
    """What it would draw with it; null: not known."""
    touches_critical: bool
    """It would curtail critical circuits: the event needs `confirm_critical`."""
    refusal: RefusalBody | None
    """Why the event would be refused; null: it would be accepted."""
    circuits: list[PreviewCircuitBody]
    """All circuits, in shed order."""
    others: list[OtherAmountBody]
    """What other requests would do."""
