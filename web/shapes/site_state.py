"""The whole state of a site, as the API and the stream tell it."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from .base import Mode, shape, words
from .circuit import CircuitBody
from .device import DeviceLinkBody, MainMeterBody
from .event import EventBody
from .shadow import ShadowSummaryBody


@shape
class SiteBody(TypedDict):
    """The site."""

    id: str
    """The id of the VEN."""
    name: str
    """Its name for people."""
    timezone: str
    """The time zone of the site, like Europe/Berlin."""
    service_kw: float
    """The power its main breaker carries."""
    longest_event_s: float
    """The longest event it accepts, in seconds."""
    simulated: bool
    """At least one of its circuits is simulated."""


@shape
class LinkBody(TypedDict):
    """The link to the cloud."""

    state: Annotated[str, words("connecting", "connected", "disconnected")]
    """Whether it is up."""
    kind: Annotated[str, words("local", "aws", "mqtt")]
    """The kind of broker: the stand-in, AWS IoT Core, or any other."""
    broker: str
    """The broker's address."""
    since: float
    """Since when it is in that state."""
    waiting: int
    """How many messages wait to be sent."""
    last_sent: float | None
    """When the last message was sent."""
    detail: str | None
    """Why it is not connected, in words."""
    denied: list[str]
    """What the broker does not allow."""


@shape
class RestoringBody(TypedDict):
    """How far load has returned."""

    done: int
    """How many circuits have returned."""
    of: int
    """Of how many."""
    next: str | None
    """The circuit that returns next; null: unknown."""
    next_name: str | None
    """Its name for people."""
    next_at: float | None
    """When it returns."""


@shape
class RestoreOutlookBody(TypedDict):
    """What a restore of all events would do now."""

    ends: list[str]
    """The events that it would end."""
    back_at: float | None
    """When the last circuit would have returned; null: unknown."""
    by_hand: list[str]
    """Circuits that stay off until a person switches them on."""
    kept_down: list[str]
    """Circuits that another event keeps curtailed."""
    unknown: list[str]
    """Circuits that return at an unknown time."""


@shape
class AlarmBody(TypedDict):
    """An active alarm."""

    id: str
    """Its kind, and its subject if there can be several of one kind."""
    kind: str
    """What is wrong, for programs."""
    since: float
    """Since when."""
    text: str
    """What is wrong, in words."""
    do: str
    """What to do about it, in words."""
    lasts: bool
    """It stays active until it is acknowledged."""
    acknowledged_by: str | None
    """Who acknowledged it; null: nobody."""
    acknowledged_at: float | None
    """When."""


@shape
class AlarmsBody(TypedDict):
    """The active alarms."""

    alarms: list[AlarmBody]
    """The oldest first."""


@shape
class BreachBody(TypedDict):
    """A rule of the site that is broken now."""

    rule: str
    """The rule, as in ven.yaml."""
    found: str
    """What was found, in words."""


@shape
class StateBody(TypedDict):
    """The state of a site. Power is kW, times are epoch seconds, null is unknown or none."""

    t: float
    """The time of this state, by the site's clock."""
    rev: int
    """The number of this state: a higher one is newer, until the program restarts."""
    version: str
    """The version of venctl."""
    mode: Mode
    """observe: nothing is switched."""
    site: SiteBody
    """The site."""
    power_kw: float | None
    """What the site draws; null while its main meter cannot be read."""
    shed_kw: float | None
    """How much less it draws because circuits are curtailed."""
    by_person_kw: float
    """What people switched off while events ran."""
    base_power_kw: float | None
    """What it would draw: power_kw plus shed_kw."""
    unmetered_kw: float | None
    """What it draws apart from its circuits."""
    reading_at: float | None
    """When that was read."""
    required_kw: float
    """The reduction the events require now."""
    commanded_kw: float
    """The reduction commanded of circuits."""
    planned_kw: float
    """The reduction in the plan in force."""
    achievable_kw: float
    """The largest reduction possible now."""
    link: LinkBody
    """The link to the cloud."""
    shadow: ShadowSummaryBody
    """The device shadows, in short."""
    circuits: list[CircuitBody]
    """In shed order."""
    device_links: list[DeviceLinkBody]
    """The connections to the devices of circuits."""
    main_meter: MainMeterBody | None
    """The main meter; null: the site has none."""
    events: list[EventBody]
    """Active ones first, the largest request first; then the others by start."""
    binding: str | None
    """The active event with the largest request."""
    restoring: RestoringBody | None
    """How far load has returned; null: none is returning."""
    restore: RestoreOutlookBody | None
    """What a restore would do; null: no event is active."""
    waits: list[str]
    """Changes of ven.yaml that wait until no event is live, in words."""
    shut_until: float | None
    """Until when only people at the site can call events."""
    alarms: list[AlarmBody]
    """The active alarms, the oldest first."""
    breaches: list[BreachBody]
    """Rules of the site that are broken now."""


@shape
class SeriesBody(TypedDict):
    """Columns of a chart over time, in kW."""

    power: list[float | None]
    """What the site drew; null: not known."""
    base: list[float | None]
    """What it would have drawn; null: not known."""
    target: list[float | None]
    """The most it was to draw; null: no limit."""


@shape
class RecentBody(TypedDict):
    """Power over the last 15 minutes."""

    t: list[float]
    """The times of the points, oldest first."""
    series: SeriesBody
    """The columns, each as long as `t`."""


@shape
class LiveBody(TypedDict):
    """The program runs."""

    status: Literal["live"]
    """Always so."""


@shape
class ReadyBody(TypedDict):
    """The program knows its loads."""

    status: Literal["ready"]
    """Always so."""
