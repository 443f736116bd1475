"""Events, as the API answers them: those that live, and those that were taken on before."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .base import shape, words


@shape
class ServiceBody(TypedDict):
    """How well an event is delivered now, and what its caller is told if it is ended."""

    on_target: bool | None
    """Whether the requested reduction is measured; null if unknown or not active."""
    possible_kw: float | None
    """What the site can deliver for it now; null while it is not active."""
    delivery: Annotated[str, words("achieved", "underperforming", "superseded")] | None
    """The state of its delivery; null if unknown."""
    restore_reports: list[str]
    """The status messages its caller gets, in this order, if it is restored."""
    cancel_reports: list[str]
    """The same, if it is cancelled."""


@shape
class EventBody(ServiceBody):
    """A live event."""

    id: str
    """Its id, from its caller or made by the site."""
    state: str
    """Its state in the chart of events."""
    label: str
    """That state as a word for people."""
    active: bool
    """It requests a reduction now."""
    source: str
    """Who called it: operator, page or cli."""
    theirs: bool
    """The grid operator called it; ending it at the site needs `confirm_operator`."""
    requested_kw: float
    """The reduction it requests."""
    required_kw: float
    """The reduction it requires now."""
    commanded_kw: float
    """The reduction commanded of circuits; 0 while it is not active."""
    would_shed_kw: float | None
    """What the site would shed if it did not only observe; null in mode act."""
    measured_kw: float | None
    """The measured reduction."""
    by_person_kw: float
    """What people switched off while it ran."""
    start: float
    """When it starts."""
    end: float
    """When it ends."""
    entered: float
    """Since when it is in its state."""
    scheduled: bool
    """It has not started."""
    short_since: float | None
    """Since when too little is delivered; null: enough is."""
    opted_out: list[str]
    """The circuits that the occupant keeps out of it."""
    next: str | None
    """What happens to it next by itself."""
    next_at: float | None
    """When that is."""


@shape
class PastEventBody(TypedDict):
    """An event that was accepted."""

    id: str
    """Its id."""
    source: str
    """Who called it: operator, page or cli."""
    start: float
    """When it started or will start."""
    end: float
    """When it ended or will end."""
    live: bool
    """It has not ended."""


@shape
class EventsBody(TypedDict):
    """The live events, and all events on record."""

    events: list[EventBody]
    """Active ones first, the largest request first; then the others by start."""
    past: list[PastEventBody]
    """All accepted events, newest first."""
