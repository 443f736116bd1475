"""All that the controller remembers between triggers, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kit.frozen import changed
from ..kit.last_answer import cache_last
from ..site.named_shadows import circuits_by_shadow
from ..site.spec import Spec
from .alarm import Alarm
from .circuit import CircuitState
from .past import PastEvent
from .pending_release import StuckCircuit
from .pending_switch import PendingSwitch
from .shadow import ShadowState


@dataclass(frozen=True, kw_only=True)
class Event:
    """One live event: its terms, where it stands in its chart, and what was said of it."""

    # its terms
    id: str
    """Unique at this site for as long as the event is remembered."""
    source: str
    """The door it came by: operator, page, cli ..."""
    shed_w: int
    """What it asks for, in watts."""
    start_ms: int
    """Its start, in UTC, with its random delay."""
    end_ms: int
    """Its end, in UTC."""
    scheduled: bool
    """It has a date, so that it does not move with the clock."""
    revision: int
    """The revision of these terms."""
    randomize_ms: int = 0
    """Within how long after the start called for it may start, as a length."""
    issued_ms: int | None = None
    """When these terms were issued, in UTC, where they say so."""

    # its chart
    state: str
    """The state of its chart."""
    entered_ms: int
    """Since when, in UTC."""
    wakes: Mapping[str, int] = field(default_factory=dict)
    """The triggers that come by themselves, and when, in UTC milliseconds."""

    # its delivery
    short_ms: int | None = None
    """Since when it delivers less than it asks for, in UTC."""
    told: tuple[str, ...] = ()
    """What was said of its delivery."""

    # people
    opted_out: tuple[str, ...] = ()
    """The circuits that the occupant keeps out of it."""
    last_command: str = ""
    """The key of the last command about it."""
    ended_by: str = ""
    """The door of whoever ended it before its time."""
    ended_why: str = ""
    """The reason they gave."""


@dataclass(frozen=True)
class Transition:
    """A transition as it was seen: for the page and for `graph`."""

    event_id: str
    """The event that made it."""
    source: str
    """The state it left."""
    target: str
    """The state it reached."""
    trigger: str
    """The trigger that led there."""
    at_ms: int
    """When, in UTC."""


@dataclass(frozen=True)
class PlanBasis:
    """What the plan in force was made for, and since when it delivers too little or too much."""

    required_w: int = 0
    """What circuits had to give."""
    events: tuple[str, ...] = ()
    """The events that asked for it."""
    usable: tuple[str, ...] = ()
    """The circuits that could give, and how."""
    short_mono_ms: int | None = None
    """Since when it delivers too little, monotonic."""
    over_mono_ms: int | None = None
    """Since when it delivers too much, monotonic."""


@dataclass(frozen=True)
class Returning:
    """How load comes back."""

    due_ms: int | None = None
    """When the next step is due by the site's own pace, in UTC; None: nothing is to come back."""
    last_ms: int = 0
    """When the last step was, in UTC."""
    not_before_ms: int = 0
    """The random start of the return, or the end of a pause after a reboot, in UTC; 0: neither."""
    done: int = 0
    """How many circuits are back since the return began."""
    blocked_ms: int | None = None
    """Since when nothing has room below the main breaker, in UTC."""
    bridged: bool = False
    """The step is due, and what is left waits for an event to start, which wakes."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Everything that is remembered from one trigger to the next."""

    # what lives
    shadows: Mapping[str, ShadowState]
    """Every device shadow by its name; "" is the classic one."""
    circuits: Mapping[str, CircuitState]
    """Every circuit of the file, by its id."""
    events: Mapping[str, Event] = field(default_factory=dict)
    """Every live event, by its id."""
    past: Mapping[str, PastEvent] = field(default_factory=dict)
    """The events that were taken on, for the limits of the site."""
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    """The alarms that stand, by their ids."""

    # the plan and the return
    cuts: Mapping[str, int] = field(default_factory=dict)
    """The plan in force: watts taken from each circuit that gives."""
    basis: PlanBasis = PlanBasis()
    """What that plan was made for."""
    coming: Returning = Returning()
    """How load comes back."""
    renew_ms: int | None = None
    """When the holds are renewed, in UTC."""
    look_ms: int | None = None
    """When a protection or a requirement next changes by itself, in UTC."""

    # the site
    unmetered_w: int = 0
    """What the site draws beside its circuits, at the last reading."""
    main_lost_ms: int | None = None
    """Since when its main meter cannot be read, in UTC; None: it can, or the site has none."""
    read_ms: int | None = None
    """When the circuits were last read, in UTC."""
    every_ms: int
    """How often telemetry is sent, as a length."""
    every_mono_ms: int | None = None
    """When that was last changed, monotonic."""

    # people and circuits that wait
    opted_out: tuple[str, ...] = ()
    """The events that the occupant keeps the whole site out of."""
    shut_ms: int = 0
    """Until when only people at the site may call events, in UTC; 0: anybody may."""
    leaving: Mapping[str, str] = field(default_factory=dict)
    """The circuits to be given back for good, with their drivers, until a driver has done it."""
    stuck: Mapping[str, StuckCircuit] = field(default_factory=dict)
    """What keeps those from it that are gone from the file."""
    pending: tuple[PendingSwitch, ...] = ()
    """The switches of people that wait for the answer of a driver."""

    # the clocks and the link
    at_ms: int = 0
    """The time of the last trigger, in UTC."""
    mono_ms: int = 0
    """The same on the monotonic clock."""
    boot: str = ""
    """The id of this boot of the machine."""
    server_mono_ms: int | None = None
    """The shadow service's clock less the monotonic one."""
    lost_ms: int | None = None
    """Since when the link is away, in UTC; None: it is up."""
    draining: tuple[int, int] | None = None
    """Until when a broker may still send what it kept for us, if it is quiet, and at the latest."""
    aged: bool = True
    """What a broker kept may be too old by now."""
    last_call: str = ""
    """The key of the last event, or of the last restore of all."""
    last_config: str = ""
    """The key of the last command about telemetry."""
    last: Transition | None = None
    """The last transition of an event."""

    @property
    def shadow(self) -> ShadowState:
        """The classic shadow."""
        return self.shadows[""]

    def circuit(self, id: str, **news: Any) -> Memory:
        """This memory, with fields of one circuit replaced."""
        return changed(self, circuits={**self.circuits, id: changed(self.circuits[id], **news)})

    def event(self, id: str, **news: Any) -> Memory:
        """This memory, with fields of one live event replaced."""
        return changed(self, events={**self.events, id: changed(self.events[id], **news)})

    def due_ms(self) -> int | None:
        """When something remembered wants a look next; None: never."""
        first, coming = first_wake(self.events), self.coming
        dues = [] if first is None else [first[0]]
        if self.pending:
            dues += [switch.due_ms for switch in self.pending]
        if coming.due_ms is not None and not coming.bridged:
            dues.append(coming.due_ms)
        if self.renew_ms is not None:
            dues.append(self.renew_ms)
        if self.look_ms is not None:
            dues.append(self.look_ms)
        for shadow in self.shadows.values():
            if shadow.look_ms is not None:
                dues.append(shadow.look_ms)
            if shadow.wakes:
                dues += shadow.wakes.values()
        return min(dues) if dues else None


@cache_last
def first_wake(events: Mapping[str, Event]) -> tuple[int, str, str] | None:
    """What is due first of all that events wait for: when, whose, and the wake's name."""
    return min(
        ((at, id, name) for id, event in events.items() for name, at in event.wakes.items()),
        default=None,
    )


def initial_memory(spec: Spec) -> Memory:
    """What a site knows before anything has happened."""
    return Memory(
        shadows={key: ShadowState(state=spec.shadow.initial) for key in circuits_by_shadow(spec)},
        circuits={
            id: CircuitState(enabled=circuit.enabled, driver=circuit.kept_driver)
            for id, circuit in spec.circuits.items()
        },
        every_ms=spec.telemetry.every,
    )
