"""All that the controller remembers between triggers, frozen, and its way to JSON and back.

Every circuit, event and shadow is a part of its own, so that the journal writes only what a
decision changed. None of the classes has slots: `vars` is their way to JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kit.frozen import changed
from ..kit.last_answer import once
from ..site.named_shadows import shards
from ..site.spec import Spec
from .alarm import Alarm
from .circuit import Live
from .past import Past, past_of
from .pending_release import Stuck, leaving, stuck
from .pending_switch import Pending
from .shadow import Shadow, from_plain


@dataclass(frozen=True, kw_only=True)
class Event:
    """One live event: its terms, where it stands in its chart, and when it is to be woken.

    `short_ms` is since when it delivers less than asked; `told` what was said of its delivery;
    `opted_out` the circuits that the occupant keeps out of it; `last_command` the key of the last
    command about it, `issued_ms` when its terms were issued, where they say so; `ended_by` who
    ended it before its time, by the door, and `ended_why` the reason given.
    """

    id: str
    source: str
    shed_w: int
    start_ms: int
    end_ms: int
    scheduled: bool
    revision: int
    state: str
    entered_ms: int
    randomize_ms: int = 0
    wakes: Mapping[str, int] = field(default_factory=dict)
    short_ms: int | None = None
    told: tuple[str, ...] = ()
    opted_out: tuple[str, ...] = ()
    last_command: str = ""
    issued_ms: int | None = None
    ended_by: str = ""
    ended_why: str = ""


@dataclass(frozen=True)
class Passed:
    """A transition as it was seen: for the page and for `graph`."""

    event_id: str
    source: str
    target: str
    trigger: str
    at_ms: int


@dataclass(frozen=True)
class Basis:
    """What the plan in force was made for, and since when it delivers too little or too much."""

    required_w: int = 0
    events: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()
    short_mono_ms: int | None = None
    over_mono_ms: int | None = None


@dataclass(frozen=True)
class Coming:
    """How load comes back: the next step, the last one, and how many circuits are back.

    `due_ms` is the site's own pace; `bridged`: it has come, and what is left waits for an event
    to start, which wakes. `not_before_ms` is a random start of the return, or a pause after a
    reboot; `blocked_ms` since when nothing has room.
    """

    due_ms: int | None = None
    last_ms: int = 0
    not_before_ms: int = 0
    done: int = 0
    blocked_ms: int | None = None
    bridged: bool = False


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Everything. `cuts` is the plan in force: watts taken from each circuit that gives.

    `at_ms` and `mono_ms` are the clocks of the last trigger; `lost_ms` is since when the link was
    away, `draining` the span in which what a broker kept for us still comes in, `aged`
    that it may be too old by now; `last_call` is the key of the last command about all events, an
    event or a restore of all, `last_config` that of the last about telemetry;
    `server_mono_ms` the shadow service's clock less this machine's monotonic one; `leaving` the
    circuits to be given back for good, with their drivers, until a driver says that it is done;
    `stuck` what keeps those from it that are gone from the file; `pending` the switches of people
    that wait for the answer of a driver; `shut_ms`, until when no event is taken on that nobody at
    the site calls; `alarms` those that stand, by their ids.
    """

    shadows: Mapping[str, Shadow]
    circuits: Mapping[str, Live]
    events: Mapping[str, Event] = field(default_factory=dict)
    cuts: Mapping[str, int] = field(default_factory=dict)
    past: Mapping[str, Past] = field(default_factory=dict)
    opted_out: tuple[str, ...] = ()
    leaving: Mapping[str, str] = field(default_factory=dict)
    stuck: Mapping[str, Stuck] = field(default_factory=dict)
    pending: tuple[Pending, ...] = ()
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    basis: Basis = Basis()
    coming: Coming = Coming()
    unmetered_w: int = 0
    read_ms: int | None = None
    every_ms: int
    every_mono_ms: int | None = None
    server_mono_ms: int | None = None
    renew_ms: int | None = None
    look_ms: int | None = None
    at_ms: int = 0
    mono_ms: int = 0
    lost_ms: int | None = None
    shut_ms: int = 0
    draining: tuple[int, int] | None = None
    aged: bool = True
    last_call: str = ""
    last_config: str = ""
    boot: str = ""
    last: Passed | None = None

    @property
    def shadow(self) -> Shadow:
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
            dues += [asked.due_ms for asked in self.pending]
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


@once
def first_wake(events: Mapping[str, Event]) -> tuple[int, str, str] | None:
    """What is due first of all that events wait for: when, whose, and the wake's name."""
    return min(
        ((at, id, name) for id, event in events.items() for name, at in event.wakes.items()),
        default=None,
    )


def blank(spec: Spec) -> Memory:
    """What a site knows before anything has happened."""
    return Memory(
        shadows={key: Shadow(state=spec.shadow.initial) for key in shards(spec)},
        circuits={
            id: Live(enabled=circuit.enabled, driver=circuit.driver)
            for id, circuit in spec.circuits.items()
        },
        every_ms=spec.telemetry.every,
    )


FORMAT = 5  # raised whenever what is kept changes its shape
SHELVES = ("shadows", "circuits", "events", "past")  # a part for each of their entries
_SITE = tuple(name for name in Memory.__dataclass_fields__ if name not in SHELVES)


def to_parts(memory: Memory) -> dict[str, Any]:
    """Memory as JSON values, a part for each thing that changes by itself."""
    parts = changed_parts(None, memory)
    return {name: json.loads(text) for name, text in parts.items() if text is not None}


def changed_parts(before: Memory | None, after: Memory) -> dict[str, str | None]:
    """The parts of `after`, as JSON, that differ from what was kept; None: it is no more.

    All there are where nothing was kept.
    """
    texts: dict[str, str | None] = {}
    for shelf in SHELVES:
        entries = getattr(after, shelf)
        known = getattr(before, shelf) if before is not None else {}
        if entries is known:
            continue
        for key, entry in entries.items():
            if (was := known.get(key)) is not entry and was != entry:
                texts[f"{shelf}/{key}"] = _JSON.encode(entry)
        texts.update((f"{shelf}/{key}", None) for key in known.keys() - entries.keys())
    return {**texts, "site": _JSON.encode({name: getattr(after, name) for name in _SITE})}


_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=vars)


def from_parts(spec: Spec, parts: Mapping[str, Any]) -> Memory:
    """Memory out of what the journal kept, fitted to the circuits of `spec`.

    A circuit that is new starts as on the first day; one that is gone is forgotten once it is let
    go. Events keep their states, also such as the chart no longer has: `ven.py` ends those.
    """
    first = blank(spec)
    if not parts:
        return first
    site, shelves = dict(parts["site"]), _shelves(parts)
    lives = {id: live for id, live in shelves["circuits"].items() if id in first.circuits}
    kept = {id: _live(spec, id, live) for id, live in lives.items()}
    site["leaving"] = leaving(spec, site["leaving"], shelves["circuits"])
    known = {id: Stuck(**one) for id, one in site.get("stuck", {}).items()}
    at_ms, mono_ms = site.get("at_ms", 0), site.get("mono_ms", 0)
    site["stuck"] = stuck(spec, site["leaving"], known, shelves["circuits"], at_ms)
    site["basis"], site["coming"] = _basis(site["basis"]), Coming(**site["coming"])
    site["opted_out"] = tuple(site["opted_out"])
    site["alarms"] = {id: Alarm(**one) for id, one in site.get("alarms", {}).items()}
    site["pending"] = tuple(Pending(**asked) for asked in site.get("pending", ()))
    site["draining"] = site["draining"] and tuple(site["draining"])
    site["cuts"] = {id: cut for id, cut in site["cuts"].items() if id in first.circuits}
    site["last"] = site["last"] and Passed(**site["last"])
    return Memory(
        shadows=_shadows(spec, shelves["shadows"]),
        circuits={**_back(first.circuits, known, mono_ms), **kept},
        events={id: _event(event) for id, event in shelves["events"].items()},
        past={id: past_of(*past) for id, past in shelves["past"].items()},
        **site,
    )


def _back(
    fresh: Mapping[str, Live], known: Mapping[str, Stuck], mono_ms: int
) -> Mapping[str, Live]:
    """A circuit that comes back into the file has the fault that kept it from leaving."""
    return {
        id: changed(live, hold_fault=known[id].fault, hold_fault_mono_ms=mono_ms)
        if id in known
        else live
        for id, live in fresh.items()
    }


def _shelves(parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {shelf: {} for shelf in SHELVES}
    for name, value in parts.items():
        shelf, _, key = name.partition("/")
        if shelf in found:
            found[shelf][key] = value
    return found


def _live(spec: Spec, id: str, kept: Mapping[str, Any]) -> Live:
    many = {name: tuple(kept.get(name, ())) for name in ("by_person_in", "joined")}
    return Live(**{**kept, **many, "driver": spec.circuits[id].driver})


def _event(kept: Mapping[str, Any]) -> Event:
    lists = {name: tuple(kept[name]) for name in ("told", "opted_out")}
    return Event(**{**kept, **lists})


def _basis(kept: Mapping[str, Any]) -> Basis:
    return Basis(**{**kept, "events": tuple(kept["events"]), "usable": tuple(kept["usable"])})


def _shadows(spec: Spec, kept: Mapping[str, Any]) -> dict[str, Shadow]:
    first = blank(spec).shadows
    fit = {
        key: from_plain(shadow, spec.circuits)
        for key, shadow in kept.items()
        if key in first and shadow["state"] in spec.shadow.states
    }
    return {**first, **fit}
