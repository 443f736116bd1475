"""What the API takes: the fields of each body, with their limits."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from statemachine.wire.commands import MAX_REASON, OPS, WHATS

from .base import open_shape, shape, words

Kw = Annotated[float, Field(gt=0, le=1000)]
Seconds = Annotated[float, Field(ge=1, le=2_678_400)]
Id = Annotated[str, Field(min_length=1, max_length=128)]
Why = Annotated[str, Field(max_length=MAX_REASON)]


@shape
class NothingBody(TypedDict):
    """An empty object."""


@shape
class TokenBody(TypedDict):
    """The token, to sign in."""

    token: str
    """The token of this controller."""


@shape
class PreviewOfBody(TypedDict):
    """The event that a preview is for."""

    shed_kw: Kw
    """The reduction to request, in kW."""
    duration_s: NotRequired[Seconds]
    """The duration in seconds; default 3600."""
    start_at: NotRequired[str]
    """The start in the time zone of the site, like 2026-11-24T18:00; default: now."""


@shape
class EventCallBody(PreviewOfBody):
    """An event, called by a person at the site."""

    id: NotRequired[Id]
    """Its id; default: made by the site."""
    plan_rev: NotRequired[str]
    """The `rev` of a preview; the event is refused if loads have changed since."""
    confirm_critical: NotRequired[bool]
    """true: it may curtail critical circuits."""
    confirm_operator: NotRequired[bool]
    """true: it may change an event of the grid operator."""


@shape
class CircuitChangeBody(TypedDict):
    """On or off."""

    enabled: bool
    """Whether the circuit is to be on."""
    confirm_critical: NotRequired[bool]
    """true: a critical circuit may be switched off."""


@shape
class CircuitLockBody(TypedDict):
    """Locked out or not."""

    locked: bool
    """true: nothing and nobody switches or sheds the circuit."""


@shape
class EndBody(TypedDict):
    """Ends an event before its time."""

    confirm_operator: NotRequired[bool]
    """true: also an event that the grid operator called."""
    reason: NotRequired[Why]
    """Why, for the record."""


@shape
class OptOutBody(EndBody):
    """Keeps the site, or one circuit, out of an event."""

    circuit: NotRequired[str]
    """The circuit; default: the whole site."""
    out: NotRequired[bool]
    """false: the circuit may be shed again."""


@open_shape
class AnyEndBody(EndBody):
    """Ends every event that has started. Unknown fields are ignored."""


@shape
class LegacyCircuitChangeBody(TypedDict):
    """On or off, for older callers."""

    circuit_id: NotRequired[str]
    """The circuit."""
    id: NotRequired[str]
    """The same."""
    enabled: NotRequired[bool]
    """Whether it is to be on; default: the opposite of what it is."""
    confirm_critical: NotRequired[bool]
    """true: a critical circuit may be switched off."""


@shape
class LegacyEventCallBody(TypedDict):
    """An event, for older callers."""

    shed_kw: Kw
    """The reduction to request, in kW."""
    duration_sec: NotRequired[Seconds]
    """The duration in seconds; default 3600."""
    event_id: NotRequired[Id]
    """Its id; default: made by the site."""


class _Fields(TypedDict):
    correlationId: NotRequired[Id]
    """Comes back in the ack."""
    corr_id: NotRequired[Id]
    """The same."""
    venId: NotRequired[str]
    """The VEN it is for; another one is refused."""
    event_id: NotRequired[Id]
    """The event."""
    eventId: NotRequired[Id]
    """The same."""
    revision: NotRequired[Annotated[int, Field(ge=0)]]
    """A higher one changes the event in place."""
    shed_kw: NotRequired[Kw]
    """`event`: the reduction to request, in kW."""
    requestedReductionKw: NotRequired[Kw]
    """The same."""
    duration_sec: NotRequired[Seconds]
    """For how many seconds."""
    duration_s: NotRequired[Seconds]
    """The same."""
    durationS: NotRequired[Seconds]
    """The same."""
    start_ts: NotRequired[float | str]
    """When it starts: epoch seconds, or RFC 3339 text with its offset."""
    startTime: NotRequired[float | str]
    """The same."""
    end_ts: NotRequired[float | str]
    """When it ends."""
    endTime: NotRequired[float | str]
    """The same."""
    randomize_sec: NotRequired[Annotated[float, Field(ge=0, le=3600)]]
    """The start is delayed by a random time of up to this many seconds."""
    issued_at: NotRequired[float | str]
    """When the command was sent."""
    loadId: NotRequired[Id]
    """A circuit."""
    id: NotRequired[Id]
    """The same."""
    enabled: NotRequired[bool]
    """`setLoad`: on or off."""
    locked: NotRequired[bool]
    """`setLock`: locked or not."""
    confirm_critical: NotRequired[bool]
    """true: also a critical circuit."""
    confirm_operator: NotRequired[bool]
    """true: also an event of the grid operator."""
    reason: NotRequired[Why]
    """Why an event is ended, for the record."""
    out: NotRequired[bool]
    """`optOut`; false: the circuit may be shed again."""
    alarm: NotRequired[str]
    """`acknowledge`: the id of an alarm."""
    what: NotRequired[Annotated[str, words(*WHATS)]]
    """`get`: what to tell."""
    report_interval_seconds: NotRequired[Annotated[float, Field(ge=1, le=900)]]
    """`setConfig`: the interval of telemetry."""


@open_shape
class CommandDataBody(_Fields):
    """The fields of a command that are not beside `op`."""


@open_shape
class CommandBody(_Fields):
    """A command as over MQTT. Unknown fields are ignored."""

    op: Annotated[str, words(*OPS)]
    """What to do."""
    data: NotRequired[CommandDataBody]
    """The other fields; a field beside `op` takes precedence."""
