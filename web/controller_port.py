"""The controller's interface to the web server, and all that the server may use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from statemachine.site.spec import Spec
from statemachine.state.memory import Memory, Transition
from statemachine.state.triggers import Command


@dataclass(frozen=True, slots=True)
class LinkView:
    """The link to the cloud for the page; times in epoch seconds."""

    state: str
    kind: str
    broker: str
    since: float
    waiting: int
    last_sent: float | None
    detail: str | None
    denied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One point of the power chart, in watts."""

    at_ms: int
    power_w: int
    base_w: int
    target_w: int | None


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """The result of a reload in words: what changed, what waits, and what needs a restart."""

    file: str
    taken: tuple[str, ...]
    waits: tuple[str, ...]
    restart: tuple[str, ...]
    lines: tuple[str, ...]


class ControllerPort(Protocol):
    """Takes commands and shows the present state."""

    @property
    def spec(self) -> Spec:
        """The site as ven.yaml declares it."""

    @property
    def memory(self) -> Memory:
        """The present state."""

    @property
    def blind(self) -> bool:
        """Whether the stored state cannot be read now; unknown events may then be live."""

    @property
    def rev(self) -> int:
        """A counter of decisions, which tells two views apart."""

    @property
    def link(self) -> LinkView:
        """The state of the link."""

    @property
    def recent(self) -> list[ChartPoint]:
        """The last 15 minutes, oldest first, a point every few seconds."""

    def clocks(self) -> tuple[int, int]:
        """UTC and monotonic milliseconds, for the timestamp of a command."""

    @property
    def waits(self) -> tuple[str, ...]:
        """Changes of an edited ven.yaml that wait until no event is live, in words."""

    async def reload(self) -> ReloadResult:
        """Load ven.yaml again. Raises SpecError or OSError, with nothing changed."""

    async def submit(self, command: Command) -> Mapping[str, Any]:
        """Submit a command (its `reply` is ignored); returns its ack once it is stored and done."""

    def watch(self) -> AsyncIterator[Transition | None]:
        """Yields a transition of an event, or None for another change; at least once a second."""
