"""What a ven.yaml says, once read: pydantic models, frozen, whole numbers inside.

Here is the one table of settings: name, unit, default. What names refer to each other is checked
in `audit.py`, so that all faults of a file can be told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .errors import meant
from .quantity import Millis, Percent, Watts, percent

NEVER = -1
_ID = re.compile(r"[a-zA-Z0-9_-]{1,32}")
_THING = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_UNSEEN = re.compile("[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def _flag(said: object) -> bool:
    if said not in ("true", "false"):
        raise ValueError(f"{said!r} is neither true nor false")
    return said == "true"


def _count(said: object) -> int:
    if not isinstance(said, str) or not re.fullmatch(r"\d{1,9}", said):
        raise ValueError(f"{said!r} is not a whole number")
    return int(said)


def _list(said: object) -> object:
    return said if isinstance(said, list) else [] if said is None else [said]


def _share(said: object) -> int:
    return NEVER if said == "never" else percent(said)


def _name(said: object) -> str:
    if not isinstance(said, str) or not 1 <= len(said) <= 64 or _UNSEEN.search(said):
        raise ValueError(f"{said!r} is not a name: 1 to 64 characters that can be seen")
    return said


def _matching(shape: re.Pattern[str], what: str) -> Callable[[object], str]:
    def check(said: object) -> str:
        if not isinstance(said, str) or not shape.fullmatch(said):
            raise ValueError(f"{said!r} is not {what}: {shape.pattern}")
        return said

    return check


def _one_of(what: str, *known: str) -> Callable[[object], str]:
    def check(said: object) -> str:
        if said not in known:
            raise ValueError(f"no {what} is called {said!r}; {meant(str(said), known)}")
        return str(said)

    return check


def _topic(said: object) -> str | None:
    if said == "off":
        return None
    if not isinstance(said, str) or not said or any(c in said for c in "+#\0") or len(said) > 256:
        raise ValueError(f"{said!r} is not a topic to publish on; no + or #")
    return said


TYPES = ("heater", "water_heater", "lights", "ev", "hvac", "fridge", "motor", "other")
CONTROLS = ("modulating", "relay", "none")
Flag = Annotated[bool, BeforeValidator(_flag)]
Count = Annotated[int, BeforeValidator(_count)]
Words = Annotated[list[str], BeforeValidator(_list)]
Name = Annotated[str, BeforeValidator(_name)]
Topic = Annotated[str | None, BeforeValidator(_topic)]
CircuitId = Annotated[str, BeforeValidator(_matching(_ID, "a circuit's id"))]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, said: Any) -> Any:
        return {} if said is None else said


class Site(Model):
    """The site: `service` is its main breaker, `unmetered` what it draws beside its circuits."""

    id: Annotated[str, BeforeValidator(_matching(_THING, "a thing name"))]
    name: Name | None = None
    timezone: str | None = None
    service: Watts = 24_000
    unmetered: Watts = 0


class Cloud(Model):
    """Where the broker is: the stand-in on this machine, AWS IoT Core, or any MQTT 5 broker."""

    kind: Annotated[
        Literal["local", "aws", "mqtt"], BeforeValidator(_one_of("kind", "local", "aws", "mqtt"))
    ] = "local"
    endpoint: str | None = None
    host: str | None = None
    port: Count | None = None
    cert: str | None = None
    key: str | None = None
    ca: str | None = None
    username: str | None = None
    password: str | None = None


class Circuit(Model):
    """One breaker of the panel. `shed` is the most it gives, as a share of what it draws."""

    name: Name | None = None
    type: Annotated[str, BeforeValidator(_one_of("type", *TYPES))] = "other"
    rated: Watts
    shed: Annotated[int, BeforeValidator(_share)] = 0
    floor: Watts = 0
    critical: Flag = False
    priority: Count | None = None
    enabled: Flag = True
    remote: Annotated[Literal["yes", "no"], BeforeValidator(_one_of("remote", "yes", "no"))] = "yes"
    control: Annotated[str, BeforeValidator(_one_of("control", *CONTROLS))] = "modulating"
    driver: Annotated[str, BeforeValidator(_one_of("driver", "sim"))] = "sim"

    @property
    def locked(self) -> bool:
        """Never shed and never switched from afar: `shed: never`."""
        return self.shed == NEVER

    @property
    def shed_percent(self) -> int:
        """The most this circuit gives, as a share of what it draws; 0 where it gives nothing."""
        return max(0, self.shed) if self.control != "none" else 0


class Limits(Model):
    longest_event: Millis = 4 * 3_600_000


class Sim(Model):
    load: Annotated[str, BeforeValidator(_one_of("load", "steady", "drift", "cycling"))] = "drift"
    seed: Count = 1


class Telemetry(Model):
    every: Millis = 5_000
    shadow_every: Millis = 30_000
    metering: Flag = True


class Commands(Model):
    max_age: Millis = 60_000
    wish_max_age: Millis = 86_400_000


class Return(Model):
    every: Millis = 10_000
    on_stop: Annotated[
        Literal["restore", "keep"], BeforeValidator(_one_of("way to stop", "restore", "keep"))
    ] = "restore"


class Web(Model):
    listen: str = "127.0.0.1:8080"
    hostnames: Words = []


class Topics(Model):
    command: Topic = "ven/cmd/{venId}"
    ack: Topic = "ven/ack/{venId}"
    telemetry: Topic = "ven/telemetry/{venId}"
    metering: Topic = "volttron/metering"
    status: Topic = "ven/status/{venId}"

    def named(self, ven_id: str) -> Topics:
        """These topics, with `{venId}` filled in."""
        said = self.model_dump()
        return Topics(**{k: (v and v.replace("{venId}", ven_id)) or "off" for k, v in said.items()})


class State(Model):
    """A state: how much of the request holds in it, what ends it, what is done on entering."""

    sheds: Percent | None = None
    until: Annotated[
        Literal["start", "end"] | None, BeforeValidator(_one_of("end of a state", "start", "end"))
    ] = None
    for_: Millis | None = Field(default=None, alias="for")
    enter: Words = []
    final: Flag = False
    report: str | None = None


class Row(Model):
    """A transition. Without `to` the state stays; `same` leaves it and enters it again."""

    trigger: str
    from_: Words = Field(alias="from")
    to: str | None = None
    if_: Words = Field(default=[], alias="if")
    unless: Words = []
    do: Words = []


class Table(Model):
    """A declared chart: states, and rows of which the first that fits is taken."""

    initial: str
    states: dict[str, State]
    transitions: list[Row]

    def sources(self, row: Row) -> list[str]:
        """The states a row leaves from; `any` is every one that is not final."""
        if "any" in row.from_:
            return [name for name, state in self.states.items() if not state.final]
        return row.from_


class Spec(Model):
    """A whole site."""

    site: Site
    cloud: Cloud = Cloud()
    circuits: dict[CircuitId, Circuit]
    limits: Limits = Limits()
    sim: Sim = Sim()
    telemetry: Telemetry = Telemetry()
    commands: Commands = Commands()
    restore: Return = Return()
    web: Web = Web()
    topics: Topics = Topics()
    event: Table
    shadow: Table

    def name_of(self, circuit: str) -> str:
        """What people call a circuit."""
        return self.circuits[circuit].name or circuit

    def shed_order(self) -> list[str]:
        """All circuits, first to give way first: class, then priority, then id."""
        places = {id: place for place, id in enumerate(self.circuits, start=1)}

        def place(id: str) -> tuple[bool, int, str]:
            circuit = self.circuits[id]
            own = places[id] if circuit.priority is None else circuit.priority
            return (circuit.critical, own, id)

        return sorted(self.circuits, key=place)
