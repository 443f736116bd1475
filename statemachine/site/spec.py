"""What a ven.yaml says, once read: pydantic models, frozen, whole numbers inside.

With `panel.py` and `charts.py` the one table of settings: name, unit, default, meaning. What names
refer to each other is checked in `audit.py`, so that all faults of a file can be told at once.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field

from ..kit.quantity import Millis, Percent, Watts
from .fields import CircuitId, Count, Flag, Hours, Model, Name, OneOf, ThingName, Topic, Words
from .panel import Circuit, Tier
from .tables import Table

EVERY_MS = (1_000, 900_000)  # the shortest and the longest interval of telemetry


class Site(Model):
    """The site."""

    id: ThingName = Field(description="AWS thing name, MQTT client id, {venId} in every topic")
    name: Name | None = Field(default=None, description="what people call it")
    timezone: str | None = Field(
        default=None, description="what 18:00 means; default: this machine's"
    )
    service: Watts = Field(
        default=24_000, description="main breaker; returning load stays below it"
    )
    unmetered: Watts = Field(default=0, description="what is drawn beside the circuits; never shed")


class Cloud(Model):
    """Where the broker is: the stand-in on this machine, AWS IoT Core, or any MQTT 5 broker.

    A broker of kind `mqtt` keeps no shadow; with `shadow: serve` this program keeps it there.
    `password` is the word itself or `env:NAME`.
    """

    kind: Annotated[str, OneOf("kind", "local", "aws", "mqtt")] = Field(
        default="local",
        description="local: a stand-in on this machine; aws: AWS IoT Core; mqtt: any other",
    )
    endpoint: str | None = Field(
        default=None, description="with aws: xxx-ats.iot.REGION.amazonaws.com"
    )
    host: str | None = Field(default=None, description="with mqtt: the broker's name or address")
    port: Count | None = Field(default=None, description="default 8883 with TLS, else 1883")
    cert: str | None = Field(default=None, description="client certificate, beside ven.yaml")
    key: str | None = Field(default=None, description="its key, readable by its owner only")
    ca: str | None = Field(default=None, description="the CA to trust; default: this machine's")
    username: str | None = Field(default=None, description="with mqtt")
    password: str | None = Field(
        default=None, repr=False, description="with mqtt: the word, or env:NAME"
    )
    password_file: str | None = Field(
        default=None, description="with mqtt: holds the password, readable by its owner only"
    )
    shadow: Annotated[str, OneOf("shadow of kind mqtt", "off", "serve")] | None = Field(
        default=None, description="with mqtt: off, or serve: this program keeps it; default: off"
    )
    policy: str | None = Field(
        default=None, description="with local: AWS IoT policy documents to hold the VEN to, as JSON"
    )
    tls: Flag | None = Field(
        default=None, description="with local: client certificates and https, of its own making"
    )

    @property
    def has_shadow(self) -> bool:
        """Whether anybody answers for the site's shadow."""
        return self.kind != "mqtt" or self.shadow == "serve"


class Limits(Model):
    """What the site takes on. All but `longest_event` bind events of the grid operator."""

    longest_event: Millis = Field(
        default=4 * 3_600_000,
        description="a longer one is refused, with all that it ran before a revision moved it",
    )
    events_per_day: Count | None = Field(default=None, description="more in one day are refused")
    hours_per_month: Count | None = Field(default=None, description="more in one month are refused")
    min_gap: Millis = Field(default=0, description="rest between two events")
    blackout: list[Hours] = Field(default=[], description="hours in which no event may run")


class Curtail(Model):
    """How the plan is made."""

    policy: Annotated[str, OneOf("policy", "at_least", "closest", "at_most")] = Field(
        default="at_least",
        description="which choice of relays: meet the target, come closest, stay below",
    )
    overlap: Annotated[str, OneOf("overlap", "max", "sum")] = Field(
        default="max", description="several events at once: the greatest counts, or their sum"
    )


class Sim(Model):
    """How simulated circuits draw."""

    load: Annotated[str, OneOf("load", "steady", "drift", "cycling")] = Field(
        default="drift",
        description="steady: the rated power; drift: 95 to 100 % of it; cycling: by type",
    )
    seed: Count = Field(default=1, description="another seed, another day")


class Telemetry(Model):
    """What is published, and how often."""

    every: Millis = Field(default=5_000, description="telemetry, 1 s to 15 min")
    shadow_every: Millis = Field(default=30_000, description="the shadow where nothing changed")
    metering: Flag = Field(default=True, description="also on the topic all VENs share")


class Commands(Model):
    """What is taken from the wire."""

    max_age: Millis = Field(
        default=60_000, description="an immediate command older than this is refused"
    )
    wish_max_age: Millis = Field(
        default=86_400_000, description="an older wish in the shadow is refused"
    )


class Return(Model):
    """How load comes back."""

    every: Millis = Field(default=10_000, description="one circuit returns each time")
    spread: Millis = Field(
        default=0, description="random start of the return, after an operator's event"
    )
    ramp: Watts | None = Field(
        default=None, description="most that returns in one step; default: no limit"
    )
    bridge: Millis = Field(
        default=60_000, description="an event that starts so soon keeps down what it will take"
    )
    on_stop: Annotated[str, OneOf("way to stop", "restore", "keep")] = Field(
        default="restore", description="when the program stops: give load back, or keep it down"
    )


class Web(Model):
    """The page."""

    listen: str = Field(default="127.0.0.1:8080", description="off loopback it asks for a token")
    hostnames: Words = Field(default=[], description="other names the page is reached by")


class Topics(Model):
    """The names on the wire; {venId} is site.id."""

    command: Topic = Field(default="ven/cmd/{venId}", description="commands come in here")
    ack: Topic = Field(default="ven/ack/{venId}", description="one ack for each")
    telemetry: Topic = Field(default="ven/telemetry/{venId}", description="every telemetry.every")
    metering: Topic = Field(default="volttron/metering", description="the same, shared by all VENs")
    status: Topic = Field(
        default="ven/status/{venId}",
        description="events and faults; `off` for none",
    )

    def named(self, ven_id: str) -> Topics:
        """These topics, with `{venId}` filled in."""
        said = self.model_dump()
        return Topics(**{k: (v and v.replace("{venId}", ven_id)) or "off" for k, v in said.items()})


class Never(Model):
    """What must never be: a rule of this site's own."""

    circuit: CircuitId = Field(description="the circuit it is about")
    off_for: Millis | None = Field(
        default=None, description="an event keeps it off for longer than this"
    )
    shed_for: Millis | None = Field(
        default=None, description="it gives for longer than this at a time"
    )
    shed_above: Watts | None = Field(default=None, description="it gives more than this")
    shed_percent: Percent | None = Field(default=None, description="it gives more than this share")


class Always(Model):
    """What must always be: a rule of this site's own."""

    site_below: Watts | None = Field(
        default=None, description="what the site draws stays below this"
    )
    shed_below: Watts | None = Field(
        default=None, description="what is shed in all stays below this"
    )


class Spec(Model):
    """A whole site."""

    site: Site = Field(description="the site")
    mode: Annotated[str, OneOf("mode", "act", "observe")] = Field(
        default="act", description="observe: decide, ack and report, but switch nothing"
    )
    cloud: Cloud = Field(default=Cloud(), description="where the broker is")
    circuits: dict[CircuitId, Circuit] = Field(description="the panel; first to give way on top")
    limits: Limits = Field(default=Limits(), description="what the site takes on")
    curtail: Curtail = Field(default=Curtail(), description="how the plan is made")
    sim: Sim = Field(default=Sim(), description="how simulated circuits draw")
    telemetry: Telemetry = Field(
        default=Telemetry(), description="what is published, and how often"
    )
    commands: Commands = Field(default=Commands(), description="what is taken from the wire")
    restore: Return = Field(default=Return(), description="how load comes back")
    web: Web = Field(default=Web(), description="the page")
    topics: Topics = Field(default=Topics(), description="the names on the wire")
    never: list[Never] = Field(
        default=[], description="own rules: checked by verify, watched at run time"
    )
    always: list[Always] = Field(
        default=[], description="own rules: checked by verify, watched at run time"
    )
    event: Table = Field(description="the life of an event")
    shadow: Table = Field(description="how desired and reported are reconciled")

    @cached_property
    def observes(self) -> bool:
        """Nothing is switched: what would have been shed is only said."""
        return self.mode == "observe"

    def name_of(self, circuit: str) -> str:
        """What people call a circuit."""
        return self.circuits[circuit].name or circuit

    def shed_order(self) -> list[str]:
        """All circuits, first to give way first: class, then priority, then id."""
        return list(self.tiers)

    @cached_property
    def tiers(self) -> dict[str, Tier]:
        """Class and priority of every circuit, in shed order; one that gives nothing has none."""
        tiers = {}
        for place, (id, circuit) in enumerate(self.circuits.items(), start=1):
            said = circuit.priority if circuit.shed_percent else None
            tiers[id] = (circuit.critical, place if said is None else said)
        return dict(sorted(tiers.items(), key=lambda item: (item[1], item[0])))
