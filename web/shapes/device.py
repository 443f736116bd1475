"""The devices of circuits, their links and the main meter, as the API answers them."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypeAliasType, TypedDict

from .base import shape, words

Lease = TypeAliasType("Lease", Annotated[str, words("free", "failsafe")])
Grade = TypeAliasType("Grade", Annotated[str, words("ok", "unproved", "warning", "failed")])


@shape
class MeterBody(TypedDict):
    """A device that measures."""

    kind: str
    """The name of its template, as in ven.yaml."""
    title: str
    """What it is, for people."""
    address: str
    """Where it is: its address, or its unit, topic or name on a link."""
    link: str | None
    """The id of its link in `device_links`; null: the link cannot be opened."""
    fault: str | None
    """Why it could not be read the last time, in words."""


@shape
class MainMeterBody(MeterBody):
    """The main meter."""

    power_kw: float | None
    """What it reads; null: not known."""
    read_at: float | None
    """When it was last read."""


@shape
class LastCommandBody(TypedDict):
    """A command to a device."""

    what: str
    """What it was told to be, in words."""
    at: float
    """When."""
    read_back: bool | None
    """It was seen so; false: it was not; null: it is being looked at."""


@shape
class LastTestBody(TypedDict):
    """The last `venctl circuits test` of a circuit."""

    at: float
    """When."""
    grade: Grade
    """How it went; unproved: nothing failed, but its power could not be seen to follow."""
    findings: list[str]
    """What it found, in sentences."""
    model: str | None
    """What the device calls itself."""
    firmware: str | None
    """Its firmware at the time."""


@shape
class DeviceBody(MeterBody):
    """What switches a circuit, or only measures it."""

    switches: bool
    """It can be switched or limited; false: it only measures."""
    lease: Lease | None
    """free: without venctl it gives the circuit back; failsafe: it limits it; null: neither."""
    lease_s: float | None
    """After how many seconds at most."""
    last_command: LastCommandBody | None
    """The last command since the program started."""
    meter: MeterBody | None
    """Another device that measures the circuit; null: itself, or nothing."""
    test: LastTestBody | None
    """Its last test; null: none, or it is wired differently since."""


@shape
class DeviceLinkBody(TypedDict):
    """A connection to devices."""

    id: str
    """Its name in ven.yaml, or where it leads."""
    what: str
    """Its protocol and where it leads."""
    up: bool | None
    """The other end answers; null: it was not used yet."""
    since: float
    """Since when."""
    pace_s: float
    """The least time between two requests, in seconds."""
    errors: int
    """How many requests failed since the program started."""
    fault: str | None
    """The last failure, also if it is over, in words."""
    circuits: list[str]
    """The circuits that use it."""
    main_meter: bool
    """The main meter uses it."""
