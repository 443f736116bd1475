"""What the web server needs of the controller, and all it may touch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from statemachine.site.spec import Spec
from statemachine.state.memory import Memory, Passed
from statemachine.state.triggers import Command


@dataclass(frozen=True, slots=True)
class LinkView:
    """The link to the cloud as the page shows it; times in epoch seconds."""

    state: str
    kind: str
    broker: str
    since: float
    waiting: int
    last_sent: float | None
    detail: str | None
    denied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of the power chart, in watts."""

    at_ms: int
    power_w: int
    base_w: int
    target_w: int | None


@dataclass(frozen=True, slots=True)
class Edit:
    """What another reading of ven.yaml brought, in words; what waits, and what needs a restart."""

    file: str
    taken: tuple[str, ...]
    waits: tuple[str, ...]
    restart: tuple[str, ...]
    lines: tuple[str, ...]


class Desk(Protocol):
    """Where commands are handed in and the present state is on show."""

    @property
    def spec(self) -> Spec:
        """The site in force."""

    @property
    def memory(self) -> Memory:
        """What is known now."""

    @property
    def blind(self) -> bool:
        """What was remembered cannot be read now: events may be live that nobody knows of."""

    @property
    def rev(self) -> int:
        """Counts decisions, so that two views can be told apart."""

    @property
    def link(self) -> LinkView:
        """The link as it stands."""

    @property
    def recent(self) -> list[Sample]:
        """The last 15 minutes, oldest first, a point every few seconds."""

    def clocks(self) -> tuple[int, int]:
        """UTC and monotonic milliseconds, to stamp a command with."""

    @property
    def waits(self) -> tuple[str, ...]:
        """What of an edited ven.yaml waits until no event is live, in words."""

    async def reload(self) -> Edit:
        """Read ven.yaml anew and take it. Raises SpecError or OSError, with nothing changed."""

    async def submit(self, command: Command) -> Mapping[str, Any]:
        """Hand in a command (its `reply` is ignored) and wait for its ack, journaled and done."""

    def watch(self) -> AsyncIterator[Passed | None]:
        """A transition of an event, or None for any other change; at least once a second."""
