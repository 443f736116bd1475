"""The ack of a command, the same over HTTP as over MQTT."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypeAliasType, TypedDict

from .base import Mode, Reason, shape, words

Status = TypeAliasType(
    "Status", Annotated[str, words("accepted", "scheduled", "success", "duplicate", "rejected")]
)


@shape
class CurtailedCircuitBody(TypedDict):
    """What one circuit sheds."""

    id: str
    """Its id in ven.yaml."""
    name: str
    """Its name for people."""
    breaker_amps: int
    """Its rated power in whole amperes."""
    original_kw: float
    """What it would draw without curtailment."""
    curtailed_kw: float
    """What it sheds."""
    final_kw: float
    """What it still draws."""
    critical: bool
    """It is curtailed only after every circuit that is not critical."""


@shape
class MeasuredBody(TypedDict):
    """The answer to `get` with `what: status`."""

    power_kw: float
    """What the site draws."""
    shed_kw: float
    """How much less it draws because circuits are curtailed."""
    base_power_kw: float
    """power_kw plus shed_kw."""
    active_event: str | None
    """The active event with the largest request."""


@shape
class LoadBody(TypedDict):
    """One circuit in the answer to `get` with `what: loads`."""

    id: str
    """Its id in ven.yaml."""
    loadId: str
    """The same."""
    name: str
    """Its name for people."""
    type: str
    """The kind of load, as ven.yaml says it."""
    capacityKw: float
    """The most it draws."""
    currentPowerKw: float
    """What it draws now."""
    shedCapabilityKw: float
    """What it could shed beyond what it sheds now."""
    enabled: bool
    """It is switched on."""
    priority: int
    """Its place in the shed order, 1 first."""
    estimated: NotRequired[bool]
    """true: it has no meter."""


@shape
class ConfigBody(TypedDict):
    """The answer to `get` with `what: config`."""

    venId: str
    """The id of the VEN."""
    report_interval_seconds: float
    """The interval of telemetry."""
    longest_event_s: int
    """The longest event the site accepts, in seconds."""
    service_kw: float
    """The power its main breaker carries."""


@shape
class EventTermsBody(TypedDict):
    """One live event in the answer to `get` with `what: events`."""

    event_id: str
    """The event."""
    requested_shed_kw: float
    """The reduction it requests."""
    start_ts: int
    """When it starts."""
    end_ts: int
    """When it ends."""
    revision: int
    """The revision in force."""
    source: str
    """Who called it: operator, page or cli."""
    state: str
    """Its state in the chart of events."""


@shape
class EventListBody(TypedDict):
    """The answer to `get` with `what: events`."""

    events: list[EventTermsBody]
    """At most 200."""
    more: NotRequired[int]
    """How many others there are."""


@shape
class LoadSwitchedBody(TypedDict):
    """What `setLoad` did."""

    loadId: str
    """The circuit."""
    enabled: bool
    """Whether it is on now."""


@shape
class LoadLockedBody(TypedDict):
    """What `setLock` did."""

    loadId: str
    """The circuit."""
    locked: bool
    """Whether it is locked now."""


@shape
class IntervalSetBody(TypedDict):
    """What `setConfig` did."""

    report_interval_seconds: float
    """The interval of telemetry from now on."""


Data = (
    MeasuredBody
    | list[LoadBody]
    | ConfigBody
    | EventListBody
    | LoadSwitchedBody
    | LoadLockedBody
    | IntervalSetBody
)


@shape
class AckBody(TypedDict):
    """The answer to a command. Its fields depend on `op` and `status`."""

    op: str
    """The op that was sent; `unknown` if none was readable."""
    status: Status
    """duplicate: this is the first ack once more; rejected: nothing was done."""
    ok: bool
    """false: rejected."""
    venId: str
    """The id of the VEN."""
    ts: int
    """When it was decided."""
    correlationId: NotRequired[str]
    """As it was sent."""
    event_id: NotRequired[str]
    """The event."""
    revision: NotRequired[int]
    """The revision that was sent."""
    loadId: NotRequired[str]
    """The circuit."""
    reason: NotRequired[Reason]
    """Why it was rejected, for programs."""
    detail: NotRequired[str]
    """Why it was rejected, for people."""
    requested_shed_kw: NotRequired[float]
    """The reduction the event requests."""
    actual_shed_kw: NotRequired[float]
    """The reduction commanded now, if the event has started."""
    shortfall_kw: NotRequired[float]
    """The part that cannot be shed; absent if there is none."""
    circuits_curtailed: NotRequired[list[CurtailedCircuitBody]]
    """What each curtailed circuit sheds."""
    start_ts: NotRequired[int]
    """When a later event starts."""
    end_ts: NotRequired[int]
    """When a later event ends."""
    mode: NotRequired[Mode]
    """observe: nothing was switched."""
    would_shed_kw: NotRequired[float]
    """In mode observe: what the site would shed."""
    pong: NotRequired[bool]
    """The answer to `ping`."""
    data: NotRequired[Data]
    """The answer to `get`, or the new value."""
    stored: NotRequired[bool]
    """false: done, but not stored on disk, so a crash may forget it."""
