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


Query: TypeAlias = HttpRequest | Listen | ReadRegisters
Order: TypeAlias = HttpRequest | Publish | WriteRegisters


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device answered to a `Query`: text of at most 64 KiB, or registers.

    `age_ms` is how old it is; None: not known, as of a retained message.
    """

    raw: str | tuple[int, ...]
    age_ms: int | None = 0


Parameters: TypeAlias = dict[str, Any]
