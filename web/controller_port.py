"""The controller's interface to the web server, and all that the server may use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
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
class LastCommandView:
    """The last command to a device, and when; `seen`: whether it was read back, None: not yet."""

    what: str
    at: float
    seen: bool | None


@dataclass(frozen=True, slots=True)
class LastTestView:
    """What the last `venctl circuits test` of a circuit showed, as long as it is wired so."""

    at: float
    grade: str
    findings: tuple[str, ...]
    model: str | None
    firmware: str | None


@dataclass(frozen=True, slots=True)
class MeterView:
    """A device that measures. `link` is the id of a `DeviceLinkView`; None: it could not be opened.

    `fault` says why it could not be read the last time.
    """

    kind: str
    title: str
    address: str
    link: str | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class MainMeterView(MeterView):
    """The main meter of the site. `power_w` None: not known."""

    power_w: int | None
    read_at: float | None


@dataclass(frozen=True, slots=True)
class DeviceView(MeterView):
    """The device of a circuit; one with `switches` false only measures it.

    `lease`: free, if it gives the circuit back by itself within `lease_s`; failsafe, if it then
    limits it; None: it stays as it was told. `meter` is another device that measures the circuit.
    """

    switches: bool = False
    lease: str | None = None
    lease_s: float | None = None
    last_command: LastCommandView | None = None
    meter: MeterView | None = None
    test: LastTestView | None = None


@dataclass(frozen=True, slots=True)
class DeviceLinkView:
    """A connection over which devices are asked and told. `up` is None before its first use.

    `fault` is the last one, also if it is over. `circuits` are the ids of those that use it.
    """

    id: str
    what: str
    up: bool | None
    since: float
    pace_s: float
    errors: int
    fault: str | None
    circuits: tuple[str, ...]
    main_meter: bool


@dataclass(frozen=True, slots=True)
class DevicesView:
    """The devices of circuits by the circuit's id, their links, and the main meter."""

    circuits: Mapping[str, DeviceView] = field(default_factory=dict)
    links: tuple[DeviceLinkView, ...] = ()
    main_meter: MainMeterView | None = None


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One point of the power chart, in watts; None: not known."""

    at_ms: int
    power_w: int | None
    base_w: int | None
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

    def devices(self) -> DevicesView:
        """The devices of circuits, and how they and their links do."""

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
