"""What is asked of a device over its link, filled in; a link carries it out and returns answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Table = Literal["coil", "discrete", "holding", "input"]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A GET, POST or DELETE of `path` on the link's host; `json` is the body, None: no body."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    body: str | None = None
    """The body as JSON text, so that requests can be compared."""


@dataclass(frozen=True, slots=True)
class Listen:
    """The newest message on `topic`. `ask` is published to make the device report; None: it
    reports by itself.
    """

    topic: str
    ask: Publish | None = None


@dataclass(frozen=True, slots=True)
class Publish:
    """A message to publish, never retained."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """`count` registers (or coils) of a table, from `register` on, of the unit behind the link."""

    unit: int
    table: Table
    register: int
    count: int


@dataclass(frozen=True, slots=True)
class WriteRegisters:
    """Registers to write, or one coil (0 or 1). `function` is 5, 6 or 16."""

    unit: int
    table: Literal["coil", "holding"]
    register: int
    words: tuple[int, ...]
    function: Literal[5, 6, 16]


@dataclass(frozen=True, slots=True)
class Connector:
    """An outlet of a charger that connects to this program.

    `password` is where the charger's own is kept, `env:NAME` or `file:NAME`; "": it has none.
    """

    charger: str
    number: int
    password: str = ""


@dataclass(frozen=True, slots=True)
class ReadCharger:
    """What a charger says of an outlet, or of itself."""

    connector: Connector
    what: Literal["power", "limit", "state", "settings"]


@dataclass(frozen=True, slots=True)
class LimitCharger:
    """At most `amps` on each phase, `watts` in all, for `lease_ms`; `amps` 0: not at all."""

    connector: Connector
    amps: int
    watts: int
    lease_ms: int


@dataclass(frozen=True, slots=True)
class FreeCharger:
    """No limit of ours any more. `amps` and `watts` are all that the circuit may draw."""

    connector: Connector
    amps: int
    watts: int


@dataclass(frozen=True, slots=True)
class ReadObject:
    """The present value of an object, as `analog-input,1`, of the BACnet device at `device`."""

    device: str
    object: str
    priority: int


@dataclass(frozen=True, slots=True)
class WriteObject:
    """A present value at a priority; None: nothing of ours any more (Null)."""

    device: str
    object: str
    value: str | None
    priority: int


Query: TypeAlias = HttpRequest | Listen | ReadRegisters | ReadCharger | ReadObject
Order: TypeAlias = HttpRequest | Publish | WriteRegisters | LimitCharger | FreeCharger | WriteObject


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """What a device answered to a `Query`: text of at most 64 KiB, or registers.

    `age_ms` is how old it is; None: not known, as of a retained message.
    """

    raw: str | tuple[int, ...]
    age_ms: int | None = 0


Parameters: TypeAlias = dict[str, Any]
