"""A ven.yaml once read: frozen pydantic models with whole numbers.

With `panel.py` and `tables.py` this is the one table of settings: name, unit, default, meaning.
The audit checks what names refer to, so that all mistakes of a file are reported at once.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field

from ..kit.quantity import Millis, Percent, Watts
from .cloud import Cloud
from .devices import MainMeterText
from .fields import (
    CircuitId,
    Count,
    Flag,
    Hours,
    LinkId,
    Model,
    Name,
    OneOf,
    ThingName,
    Topic,
    Words,
)
from .links import DeclaredLink
from .panel import Circuit, Tier
from .tables import Table

EVERY_MS = (1_000, 900_000)  # the shortest and the longest interval of telemetry


class Site(Model):
    """The site."""

    id: ThingName = Field(
        description="unique id of this VEN: thing name in AWS, MQTT client id, {venId} in topics"
    )
    name: Name | None = Field(default=None, description="name shown to people; default: the id")
    timezone: str | None = Field(
        default=None,
        description="time zone for times of day, like Europe/Berlin; default: this machine's",
    )
    service: Watts = Field(
        default=24_000, description="what the main breaker carries; returning load stays below it"
    )
    unmetered: Watts = Field(default=0, description="load that is in no circuit; never shed")


class Limits(Model):
    """Limits for events. All except `longest_event` apply only to the grid operator's events."""

    longest_event: Millis = Field(
        default=4 * 3_600_000,
        description="a longer event is refused; time before a revision counts too",
    )
    events_per_day: Count | None = Field(
        default=None, description="more events in one day are refused"
    )
    hours_per_month: Count | None = Field(
        default=None, description="more hours of events in one month are refused"
    )
    min_gap: Millis = Field(default=0, description="minimum time between two events")
    blackout: list[Hours] = Field(
        default=[], description="hours of the day in which no event can run"
    )


class Curtail(Model):
    """How the plan is made."""

    policy: Annotated[str, OneOf("policy", "at_least", "closest", "at_most")] = Field(
        default="at_least",
        description="if no choice of relays sheds exactly the target: more, the closest, or less",
    )
    overlap: Annotated[str, OneOf("overlap", "max", "sum")] = Field(
        default="max", description="events at the same time: shed for the largest, or for their sum"
    )


class Sim(Model):
    """How simulated circuits draw power."""

    load: Annotated[str, OneOf("load", "steady", "drift", "cycling")] = Field(
        default="drift",
        description="steady: rated power; drift: 95 to 100 % of it; cycling: on and off by type",
    )
    seed: Count = Field(
        default=1, description="seed of the simulation; another seed gives another day"
    )


class Telemetry(Model):
    """What is published, and how often."""

    every: Millis = Field(default=5_000, description="interval of telemetry, 1 s to 15 min")
    shadow_every: Millis = Field(
        default=30_000, description="how often the shadow is updated without a change"
    )
    metering: Flag = Field(
        default=True, description="also publish telemetry on topics.metering, which all VENs share"
    )


class Commands(Model):
    """Which commands are accepted."""

    max_age: Millis = Field(
        default=60_000, description="a command to act now is refused if it is older than this"
    )
    wish_max_age: Millis = Field(
        default=86_400_000,
        description="a desired state in the shadow is refused if it is older than this",
    )


class Return(Model):
    """How load comes back."""

    every: Millis = Field(
        default=10_000, description="interval at which circuits come back, one at a time"
    )
    spread: Millis = Field(
        default=0, description="random delay of the return, after an operator's event"
    )
    ramp: Watts | None = Field(
        default=None, description="most load that comes back in one step; default: no limit"
    )
    bridge: Millis = Field(
        default=60_000,
        description="if an event starts within this time, what it will shed is not restored before",
    )
    on_stop: Annotated[str, OneOf("on_stop", "restore", "keep")] = Field(
        default="restore", description="when the program stops: restore the load, or keep it shed"
    )


class Web(Model):
    """The page."""

    listen: str = Field(
        default="127.0.0.1:8080",
        description="address and port of the page; other than loopback it needs a token",
    )
    hostnames: Words = Field(
        default=[], description="further host names under which the page is reached"
    )


class Topics(Model):
    """The MQTT topics; {venId} is site.id."""

    command: Topic = Field(default="ven/cmd/{venId}", description="commands to this VEN")
    ack: Topic = Field(default="ven/ack/{venId}", description="one answer to each command")
    telemetry: Topic = Field(
        default="ven/telemetry/{venId}", description="telemetry, every telemetry.every"
    )
    metering: Topic = Field(
        default="volttron/metering",
        description="the same telemetry, on a topic that all VENs share",
    )
    status: Topic = Field(
        default="ven/status/{venId}",
        description="state of events and faults; off: not published",
    )

    def named(self, ven_id: str) -> Topics:
        """These topics with `{venId}` replaced."""
        topics = self.model_dump().items()
        return Topics(**{k: (v and v.replace("{venId}", ven_id)) or "off" for k, v in topics})


class Never(Model):
    """A rule of this site: what must never happen."""

    circuit: CircuitId = Field(description="the circuit that the rule is about")
    off_for: Millis | None = Field(
        default=None, description="an event keeps it off for longer than this"
    )
    shed_for: Millis | None = Field(
        default=None, description="it sheds for longer than this at a time"
    )
    shed_above: Watts | None = Field(default=None, description="it sheds more than this")
    shed_percent: Percent | None = Field(
        default=None, description="it sheds more than this share of what it draws"
    )


class Always(Model):
    """A rule of this site: what must always hold."""

    site_below: Watts | None = Field(default=None, description="the site draws less than this")
    shed_below: Watts | None = Field(
        default=None, description="the site sheds less than this in all"
    )


class Spec(Model):
    """A whole site."""

    site: Site = Field(description="the site as a whole")
    mode: Annotated[str, OneOf("mode", "act", "observe")] = Field(
        default="act", description="observe: decide, answer and report, but switch nothing"
    )
    cloud: Cloud = Field(default=Cloud(), description="the MQTT broker")
    links: dict[LinkId, DeclaredLink] = Field(
        default={}, description="connections that devices share, by a name of your own"
    )
    meter: MainMeterText | None = Field(
        default=None,
        description="the main meter, a device; what it shows beyond the circuits is unmetered load",
    )
    circuits: dict[CircuitId, Circuit] = Field(
        description="the circuits of the panel; the first one sheds first"
    )
    limits: Limits = Field(default=Limits(), description="limits for events")
    curtail: Curtail = Field(default=Curtail(), description="how the plan is made")
    sim: Sim = Field(default=Sim(), description="how simulated circuits draw power")
    telemetry: Telemetry = Field(
        default=Telemetry(), description="what is published, and how often"
    )
    commands: Commands = Field(default=Commands(), description="which commands are accepted")
    restore: Return = Field(default=Return(), description="how load comes back after an event")
    web: Web = Field(default=Web(), description="the web page")
    topics: Topics = Field(default=Topics(), description="MQTT topics; {venId} is site.id")
    never: list[Never] = Field(
        default=[], description="rules: what must never happen; an alarm tells if it does"
    )
    always: list[Always] = Field(
        default=[], description="rules: what must always hold; an alarm tells if it does not"
    )
    event: Table = Field(description="state chart of an event")
    shadow: Table = Field(
        description="state chart of the shadow: how desired and reported state are reconciled"
    )

    @cached_property
    def observes(self) -> bool:
        """Nothing is switched; what would be shed is only reported."""
        return self.mode == "observe"

    def name_of(self, circuit: str) -> str:
        """The name of a circuit for people: its name, or else its id."""
        return self.circuits[circuit].name or circuit

    def shed_order(self) -> list[str]:
        """All circuit ids in shed order: critical ones last, then by priority, then by id."""
        return list(self.tiers)

    @cached_property
    def tiers(self) -> dict[str, Tier]:
        """Class and priority of every circuit, in shed order; without `shed`, its position."""
        tiers = {}
        for position, (id, circuit) in enumerate(self.circuits.items(), start=1):
            priority = circuit.priority if circuit.shed_percent else None
            tiers[id] = (circuit.critical, position if priority is None else priority)
        return dict(sorted(tiers.items(), key=lambda item: (item[1], item[0])))
