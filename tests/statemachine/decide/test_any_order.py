"""Any life a site can lead: triggers in any order, and what a bystander finds after each.

The bystander keeps an account of its own: what every circuit would draw, what it is held at and
until when, who switched it last, which events were taken on, what the cloud desires. It uses
neither the harness nor the modelled panel, so that a fault in those cannot hide one in the core.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from statemachine import Ven
from statemachine.curtail.plan import Load, as_relay
from statemachine.decide.copies import with_earlier_answer
from statemachine.state.clock import STEP_MS
from statemachine.state.cloud_triggers import Answered, Delta, Document, Refused
from statemachine.state.desires import Wish
from statemachine.state.effects import Ack, Effect, GetShadow, Hold, Report, Status, Switch, Wake
from statemachine.state.memory import Memory
from statemachine.state.parts import changed_parts, from_parts, to_parts
from statemachine.state.triggers import (
    Command,
    Connected,
    Disconnected,
    EarlierAnswer,
    Held,
    Readings,
    Restarted,
    Switched,
    Timer,
    Toggle,
    Trigger,
)
from statemachine.verify.rules.properties import best_total_w
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import NOW_MS, PANEL, site
from tests.kit.depth import examples

SITE = site(PANEL)
IDS = list(SITE.circuits)
SHEDDABLE = [id for id in SITE.shed_order() if SITE.circuits[id].shed > 0]
EVERY_MS = SITE.restore.every
WAKES = {"scheduled": {"started"}, "shedding": {"ended"}}
circuits = st.sampled_from(IDS)
event_ids = st.sampled_from(["e1", "e2", "e3"])


@dataclass
class Called:
    """An event that was taken on, as the bystander wrote it down."""

    shed_w: int
    start_ms: int
    end_ms: int
    dated: bool
    revision: int
    over: bool = False
    begun: bool = False  # a clock set back does not undo it


@dataclass
class Lease:
    watts: int
    until_ms: int


def enough_w(target_w: int) -> int:
    """With so much of a target nobody is asked for the rest."""
    return target_w - min(max(0, target_w) * 2 // 100, 50)


class Life(RuleBasedStateMachine):
    """A site, a clock, a cloud, and the circuits as a bystander would note them down."""

    def __init__(self) -> None:
        super().__init__()
        self.ven = Ven(SITE)
        self.memory = self.ven.start()
        self.kept: Memory | None = None
        self.parts: dict[str, str] = {}  # as a journal keeps them, one decision after the other
        self.now, self.mono, self.boots = NOW_MS, 1_000, 1
        self.booted = 0  # true time when the monotonic clock began to count
        self.free = dict.fromkeys(IDS, 0)  # what each would draw if it were let be
        self.seen: dict[str, int] = {}  # what the meter last showed that each would draw
        self.drawn: dict[str, int] = {}
        self.settled = dict.fromkeys(IDS, 0)  # from when on each draws what its hold lets it
        self.saved: dict[str, tuple[int, set[str]]] = {}  # by whose switching, for which events
        self.faults: set[str] = set()
        self.read_mono: int | None = None
        self.planned: Any = None  # what the plan in force was made for, and its cuts
        self.lost: int | None = None
        self.drain: tuple[int, int] | None = None
        self.on = dict.fromkeys(IDS, True)
        self.held: dict[str, Lease] = {}
        self.wake: int | None = None
        self.events: dict[str, Called] = {}
        self.journal: dict[str, EarlierAnswer] = {}
        self.sent: list[Command] = []
        self.told: list[tuple[str, str]] = []
        self.idle_since: int | None = self.now
        self.last_ms = self.now
        self.slow_ms = 0  # after a reboot load returns up to five minutes later
        self.returned_ms = -(10**15)
        self.online = False
        self.version = 0
        self.desired: dict[str, Wish] = {}
        self.sound = False
        self.toggled: dict[str, int] = {}  # when a person last switched each, in true time
        self.locked: set[str] = set()
        self.pending: list[GetShadow | Report] = []
        self.carried: set[Wish] = set()
        self.executed: dict[str, Wish] = {}  # the last one of each circuit
        self.switching: list[Switch] = []
        self.open: dict[str, Command] = {}
        self.replies = 0

    # -- the bystander ------------------------------------------------------------------------

    def stamps(self) -> dict[str, Any]:
        return {"at_ms": self.now, "mono_ms": self.mono}

    def server_s(self) -> int:
        """The shadow service's clock, which is right, while the site's may be wrong."""
        return 1_000_000 + (self.booted + self.mono) // 1000

    def keep(self) -> None:
        for name, text in changed_parts(self.kept, self.memory).items():
            if text is None:
                del self.parts[name]
            else:
                self.parts[name] = text
        self.kept = self.memory

    def remembered(self) -> Memory:
        return from_parts(SITE, {name: json.loads(text) for name, text in self.parts.items()})

    def send(self, trigger: Trigger) -> dict[str, Any]:
        before, self.sound = dict(self.held), False
        self.note_drain(trigger)
        self.memory, effects = self.ven.decide(self.memory, trigger)
        self.keep()
        acks = [effect for effect in effects if isinstance(effect, Ack)]
        mine = self.note_acks(trigger, acks)
        self.last_ms = self.now
        if isinstance(trigger, Command) and mine and mine["status"] != "rejected":
            self.take(trigger, mine)
        elif isinstance(trigger, Toggle) and not mine:
            self.switched(trigger.circuit, trigger.enabled)
            self.toggled[trigger.circuit] = self.server_s()
        wishes = set(self.desired.values()) & self.carried
        for effect in effects:
            self.note(effect, trigger, wishes)
        self.check_returns(before, effects)
        for ack in acks:
            if ack.key:
                self.journal[ack.key] = EarlierAnswer(ack.revision, ack.digest, ack.body)
        if required := self.required():
            self.idle_since = None
        elif self.idle_since is None:
            self.idle_since = self.now
        self.check_plan(required)
        for hold in [effect for effect in effects if isinstance(effect, Hold)]:
            said: dict[str, Any] = {"circuit": hold.circuit, "watts": hold.watts, "fault": None}
            self.send(Held(**self.stamps(), **said))
        self.sound = True
        return mine

    def note_acks(self, trigger: Trigger, acks: list[Ack]) -> dict[str, Any]:
        """Everybody is answered once, and at once but for a switch; the answer to `trigger`."""
        if isinstance(trigger, Command):
            assert trigger.reply not in self.open
            self.open[trigger.reply] = trigger
        mine: dict[str, Any] = {}
        for ack in acks:
            asked = self.open.pop(ack.reply)
            mine = dict(ack.body) if asked is trigger else mine
            if asked is not trigger:
                self.check_late(asked, ack.body)
        assert all(isinstance(asked, Toggle) for asked in self.open.values())
        return mine

    def check_late(self, asked: Command, body: Mapping[str, Any]) -> None:
        """A person's switch is answered by its relay, or once 5 s have passed."""
        assert isinstance(asked, Toggle)
        if body.get("reason") == "conflict":
            assert self.memory.circuits[asked.circuit].enabled != asked.enabled
        elif body["status"] == "rejected":
            late_ms = self.mono - asked.mono_ms  # a step of the clock up to 1 s is none
            assert body["reason"] == "device" and late_ms >= 5_000 - STEP_MS

    def note(self, effect: Effect, trigger: Trigger, wishes: set[Wish]) -> None:
        match effect:
            case Hold(circuit, int(watts), until_ms):
                assert until_ms > self.now, "a lease ends in the future"
                assert self.on[circuit] or isinstance(trigger, Restarted), "only what is on is held"
                floor_w = min(SITE.circuits[circuit].floor, self.seen[circuit])
                known = self.held.get(circuit)
                again = known and (isinstance(trigger, Restarted) or known.watts == watts)
                most_w = max(self.seen[circuit], known.watts if known and again else 0)
                assert max(0, floor_w) <= watts <= most_w, "no more than it drew; or as before"
                assert circuit in SHEDDABLE
                was = self.held.get(circuit)
                if was is None or was.watts != watts:
                    eased = was is not None and was.watts < watts
                    self.settled[circuit] = self.mono + (120_000 if eased else 10_000)
                self.held[circuit] = Lease(watts, until_ms)
            case Hold(circuit, None, _):
                self.held.pop(circuit, None)
            case Switch():
                self.note_switch(effect, trigger, wishes)
                self.switching.append(effect)
            case Wake(at_ms):
                self.wake = at_ms
            case GetShadow() | Report():
                assert self.online, "nothing is asked of a cloud that is not there"
                self.pending.append(effect)
            case Status(body):
                if body["type"] != "event":
                    return
                said = (body["event_id"], body["state"])
                if said[1] in ("achieved", "underperforming", "superseded"):
                    return
                assert said not in self.told or self.events[said[0]].revision, "said once"
                self.told.append(said)

    def note_switch(self, effect: Switch, trigger: Trigger, wishes: set[Wish]) -> None:
        id, enabled = effect.circuit, effect.enabled
        if isinstance(trigger, Restarted):
            assert enabled == self.on[id], "a restart restates what people wanted"
        elif not isinstance(trigger, Command):
            named = [w for w in wishes if w.circuit == id and w.enabled == enabled]
            assert named, f"nobody wished {id} {enabled}"
            assert named[0] != self.executed.get(id), "a wish is carried out once"
            assert SITE.circuits[id].remote == "yes" and SITE.circuits[id].shed != -1
            assert id not in self.locked, "a locked circuit is left alone"
            self.executed[id] = named[0]
            self.switched(id, enabled)

    def switched(self, id: str, enabled: bool) -> None:
        """Somebody switches a circuit: what it drew is saved for every event that has begun."""
        live = [(name, e) for name, e in self.events.items() if not e.over and e.begun]
        names = {name for name, e in live if self.now < e.end_ms}
        if enabled:
            self.saved.pop(id, None)
        elif self.on[id] and names and id in self.seen:
            self.saved[id] = (self.seen[id], names)
        self.on[id] = enabled

    def saved_w(self, name: str) -> int:
        """What people took off while an event ran; what fails to go off saves nothing."""
        saved = [(id, watts) for id, (watts, names) in self.saved.items() if name in names]
        still = {id: self.drawn[id] if id in self.faults else 0 for id, _ in saved}
        return sum(max(0, watts - still[id]) for id, watts in saved)

    def take(self, trigger: Trigger, ack: dict[str, Any]) -> None:
        """A command was taken on: what that means, in the bystander's own words."""
        if ack["status"] == "duplicate":
            return
        match trigger:
            case Command(op="event"):
                self.take_event(trigger, ack)
            case Command(op="restore"):
                named = trigger.event_id  # type: ignore[attr-defined]
                for id, event in self.events.items():
                    if id == named or (named is None and event.begun):
                        event.over = True
            case Command(op="cancel"):
                self.events[trigger.event_id].over = True  # type: ignore[attr-defined]
            case Command(op="setLock"):
                self.locked ^= {trigger.circuit}  # type: ignore[attr-defined]

    def take_event(self, asked: Any, ack: dict[str, Any]) -> None:
        known = self.events.get(asked.event_id)
        kept = known is not None and not known.over and asked.start_ms is None
        start_ms = known.start_ms if kept and known else asked.start_ms or self.now
        assert ack["status"] == ("scheduled" if start_ms > self.now else "accepted")
        dated = asked.start_ms is not None or bool(kept and known and known.dated)
        end_ms = start_ms + asked.duration_ms
        called = Called(asked.shed_w, start_ms, end_ms, dated, asked.revision)
        self.events[asked.event_id] = called
        if ack["status"] == "accepted" and end_ms > self.now:
            able_w = sum(self.cap(id) for id in SHEDDABLE)
            saved_w = self.saved_w(asked.event_id)
            actual_w = round(ack["actual_shed_kw"] * 1000)
            assert actual_w >= min(enough_w(asked.shed_w - saved_w), able_w)
            short_w = asked.shed_w - actual_w - saved_w
            told_w = short_w if asked.shed_w - short_w < enough_w(asked.shed_w) else 0
            assert round(ack.get("shortfall_kw", 0) * 1000) == told_w

    def required(self) -> int:
        for event in self.events.values():
            event.begun |= event.start_ms <= self.now
            event.over |= event.end_ms <= self.now  # for good, also when the clock is set back
        every = self.events.items()
        live = [(name, e) for name, e in every if not e.over and e.begun and self.now < e.end_ms]
        return max((max(0, event.shed_w - self.saved_w(name)) for name, event in live), default=0)

    def note_drain(self, trigger: Trigger) -> None:
        """The operator's commands keep the queue draining; 5 s of quiet, or 30 s, end that."""
        if isinstance(trigger, Command) and trigger.key and self.drain is not None:
            until, last = self.drain
            self.drain = (min(self.now + 5_000, last), last) if self.now < until else None
        if isinstance(trigger, Disconnected) and self.lost is None:
            self.lost, self.drain = self.now, None
        if isinstance(trigger, Connected):
            if self.away:
                self.drain = (self.now + 5_000, self.now + 30_000)
            self.lost = None

    @property
    def away(self) -> bool:
        return self.lost is not None and self.now - self.lost > 60_000

    def cap(self, id: str) -> int:
        circuit, free_w = SITE.circuits[id], self.seen.get(id, 0)
        stale = self.read_mono is None or self.mono - self.read_mono >= 60_000
        if not self.on[id] or stale or id in self.locked:
            return 0
        return max(0, min(free_w * circuit.shed // 100, free_w - circuit.floor))

    def taken(self, id: str) -> int:
        lease = self.held.get(id)
        return max(0, self.seen[id] - lease.watts) if lease and self.on[id] else 0

    def check_plan(self, required_w: int) -> None:
        caps = {id: self.cap(id) for id in SHEDDABLE}
        taken = {id: self.taken(id) for id in SHEDDABLE}
        self.check_new_plan(required_w, caps, taken)
        for id, cut_w in self.memory.cuts.items():
            assert taken[id] >= cut_w, "what is planned is held at once"
            assert cut_w <= caps[id]
            if SITE.circuits[id].control == "relay":
                assert cut_w == caps[id], "a relay gives all or nothing"
        if self.memory.coming.due_ms is None:
            assert {id: w for id, w in taken.items() if w} == dict(self.memory.cuts)

    def check_new_plan(self, required_w: int, caps: dict[str, int], taken: dict[str, int]) -> None:
        """A plan stands until what it was made for changes; a new one is the best there is."""
        events = sorted(id for id, e in self.events.items() if e.begun and not e.over)
        made_for = (required_w, events, [id for id in SHEDDABLE if caps[id]])
        cuts = dict(self.memory.cuts)
        if self.planned == (made_for, cuts):
            return
        self.planned = (made_for, cuts)
        least_w = min(enough_w(required_w), sum(caps.values()))
        assert sum(taken.values()) >= least_w, "what is asked, or all"
        assert sum(cuts.values()) == self.least(caps, required_w), "and no more"
        for id in cuts:
            if SITE.circuits[id].critical:
                saturated = all(taken[x] >= caps[x] for x in SHEDDABLE[: SHEDDABLE.index(id)])
                assert saturated, "critical circuits give when all others have given all"

    def least(self, caps: dict[str, int], required_w: int) -> int:
        every = []
        for id, cap_w in caps.items():
            circuit = SITE.circuits[id]
            own = IDS.index(id) + 1 if circuit.priority is None else circuit.priority
            tier = (circuit.critical, own)
            load = Load(id, tier, self.seen.get(id, 0), cap_w)
            every.append(as_relay(load) if circuit.control == "relay" else load)
        found = best_total_w(every, required_w, "at_least")
        assert found is not None
        return found

    def check_returns(self, before: dict[str, Lease], effects: list[Effect]) -> None:
        """One circuit at a time, the last to give first, never before its time."""
        returned = []
        for effect in effects:
            if isinstance(effect, Hold) and (old := before.get(effect.circuit)):
                more = effect.watts is None or effect.watts > old.watts
                if more and self.on[effect.circuit] and effect.circuit not in self.locked:
                    returned.append(effect)
        assert len(returned) <= 1, "load comes back one circuit at a time"
        for effect in returned:
            assert self.now >= self.returned_ms + EVERY_MS, "and with a pause between"
            self.returned_ms = self.now
            if not self.required():
                later = SHEDDABLE[SHEDDABLE.index(effect.circuit) + 1 :]
                assert not set(later) & set(self.held), "the last to give returns first"

    # -- what may happen ----------------------------------------------------------------------

    @initialize(share=st.lists(st.integers(0, 100), min_size=len(IDS), max_size=len(IDS)))
    def first_readings(self, share: list[int]) -> None:
        self.send(Restarted(**self.stamps(), boot="boot-1"))
        for id, percent in zip(IDS, share, strict=True):
            self.free[id] = SITE.circuits[id].rated * percent // 100
        self.read()
        self.read()

    def read(self) -> None:
        drawn = {}
        for id, free_w in self.free.items():
            lease = self.held.get(id)
            drawn[id] = 0 if not self.on[id] else min(free_w, lease.watts if lease else free_w)
            if self.on[id]:
                self.seen[id] = self.shown(id, lease, drawn[id])
        self.read_mono, self.drawn = self.mono, drawn
        self.send(Readings(**self.stamps(), drawn_w=drawn, unmetered_w=500))

    def shown(self, id: str, lease: Lease | None, drawn_w: int) -> int:
        """What the meter shows that a circuit would draw: a loose hold takes nothing."""
        if lease is None:
            return drawn_w
        both_w = max(drawn_w, self.drawn.get(id, 0))
        loose = lease.watts - both_w > max(50, lease.watts * 5 // 100)
        if loose and self.mono >= self.settled[id]:
            return min(self.seen[id], both_w)
        return max(self.seen[id], drawn_w)

    @rule(circuit=circuits, percent=st.integers(0, 100))
    def a_load_changes_and_is_read(self, circuit: str, percent: int) -> None:
        self.free[circuit] = SITE.circuits[circuit].rated * percent // 100
        self.read()

    def reply(self) -> str:
        self.replies += 1
        return f"r{self.replies}"

    def command(self, **said: Any) -> dict[str, Any]:
        door = Origin("operator", self.reply(), self.now, self.mono)
        command = command_from(said, "ven-test", door)
        command = with_earlier_answer(command, self.journal.get(command.key), self.memory, False)
        ack = self.send(command)
        self.sent.append(command)
        return ack

    @rule(
        id=event_ids,
        shed_w=st.integers(1, 9_000),
        length_s=st.integers(1, 200),
        start_s=st.none() | st.integers(-100, 100),
        fresh=st.booleans(),
        revision=st.integers(0, 2),
    )
    def event(
        self, id: str, shed_w: int, length_s: int, start_s: int | None, fresh: bool, revision: int
    ) -> None:
        id = f"{id}-{len(self.sent)}" if fresh else id
        start = {} if start_s is None else {"start_ts": (self.now + start_s * 1000) / 1000}
        terms = {"shed_kw": shed_w / 1000, "duration_sec": length_s, "revision": revision}
        known = self.journal.get(f"event:{id}")
        ack = self.command(op="event", event_id=id, **terms, **start)
        too_old = start_s is None and (self.away or self.drain is not None)
        if known is None and (start_s is None or start_s + length_s > 0):
            assert (ack["status"] in ("accepted", "scheduled")) != too_old
        if too_old and ack["status"] == "rejected":
            assert ack["reason"] in ("expired", "stale_revision", "conflict")
        if known is not None and revision < known.revision:
            assert ack["reason"] == "stale_revision"

    @rule()
    def restore(self) -> None:
        assert self.command(op="restore", correlationId=f"r{len(self.sent)}")["status"] == "success"

    @rule(id=event_ids, cancel=st.booleans())
    def end_one(self, id: str, cancel: bool) -> None:
        correlation = f"x{len(self.sent)}"
        if cancel:
            self.command(op="cancel", event_id=id, correlationId=correlation)
        else:
            self.command(op="restore", event_id=id, correlationId=correlation)

    @rule(circuit=circuits, enabled=st.booleans())
    def toggle(self, circuit: str, enabled: bool) -> None:
        correlation = f"t{len(self.sent)}"
        ack = self.command(op="setLoad", loadId=circuit, enabled=enabled, correlationId=correlation)
        refused = SITE.circuits[circuit].shed == -1 or SITE.circuits[circuit].remote == "no"
        refused |= circuit in self.locked or self.away or self.drain is not None
        assert ack.get("status") == ("rejected" if refused else None), "its relay answers"

    @rule(circuit=circuits)
    def lock_or_unlock(self, circuit: str) -> None:
        said = {"op": "setLock", "loadId": circuit, "locked": circuit not in self.locked}
        door = Origin("page", self.reply(), self.now, self.mono)
        ack = self.send(command_from(said, "ven-test", door))
        assert ack["status"] == "success" and circuit not in self.locked & set(self.held)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def a_command_comes_again(self, data: st.DataObject) -> None:
        self.lose_the_link()
        self.connect()
        command = data.draw(st.sampled_from(self.sent))
        earlier = self.journal.get(command.key)
        command = replace(command, **self.stamps(), reply=self.reply())
        command = with_earlier_answer(command, earlier, self.memory, False)
        before = self.all_but_the_queue()
        ack = self.send(command)
        copy = getattr(command, "revision", 0) <= getattr(command.earlier, "revision", -1)
        if copy:  # a revision that was refused when it came first may be taken on now
            assert ack["status"] in ("duplicate", "rejected")
            assert self.all_but_the_queue() == before, "a copy changes nothing"

    def all_but_the_queue(self) -> dict[str, Any]:
        """A copy too says that the operator's queue is not empty yet."""
        return to_parts(replace(self.memory, draining=None))

    @rule(seconds=st.sampled_from([1, 9, 10, 11, 41, 130, 600]))
    def time_passes(self, seconds: int) -> None:
        """The loop wakes the controller exactly when it asked for it."""
        self.pass_to(self.now + seconds * 1000)

    def pass_to(self, until_ms: int) -> None:
        for _ in range(20_000):  # a clock that is set back by hours is waited for, too
            due_ms = self.memory.due_ms()
            assert self.wake == due_ms, "a Wake says when something is due"
            look_ms = self.now + 30_000
            if look_ms < min(until_ms, due_ms or until_ms):
                self.mono, self.now = self.mono + 30_000, look_ms
                self.read()
                continue
            if due_ms is None or due_ms > until_ms:
                break
            self.mono += max(0, due_ms - self.now)
            self.now = max(self.now, due_ms)
            self.leases_hold()
            self.send(Timer(**self.stamps()))
            assert self.wake is None or self.wake > self.now, "no wake twice for one moment"
        else:
            raise AssertionError("the controller wakes for ever")
        self.mono += until_ms - self.now
        self.now = until_ms
        self.leases_hold()
        self.send(Timer(**self.stamps()))

    @rule(seconds=st.integers(1, 2_000))
    def the_machine_sleeps(self, seconds: int) -> None:
        self.now += seconds * 1000
        self.mono += seconds * 1000
        self.send(Timer(**self.stamps()))

    @rule(seconds=st.sampled_from([-7_200, -61, -2, 2, 61, 7_200]))
    def the_clock_is_set(self, seconds: int) -> None:
        step_ms = seconds * 1000
        self.now += step_ms
        for event in self.events.values():
            if not event.dated:
                event.start_ms += step_ms
                event.end_ms += step_ms
        self.returned_ms += step_ms
        self.lost = self.lost and self.lost + step_ms
        self.drain = self.drain and (self.drain[0] + step_ms, self.drain[1] + step_ms)
        self.idle_since = None
        self.send(Timer(**self.stamps()))

    @rule(down_s=st.integers(0, 100), reboot=st.booleans(), clock_s=st.sampled_from([0, -3_600]))
    def crash(self, down_s: int, reboot: bool, clock_s: int) -> None:
        self.memory = self.remembered()
        self.now += down_s * 1000
        self.mono += down_s * 1000
        if reboot:
            self.booted += self.mono
            self.boots, self.mono = self.boots + 1, 0
            self.now += clock_s * 1000  # a machine without a battery, before its clock is set
        self.pending, self.online, self.switching, self.open = [], False, [], {}
        drains = self.drain is not None and self.drain[0] > self.last_ms
        self.drain = None
        if drains:
            self.lost = self.now - 60_001
        elif self.lost is None:
            self.lost = min(self.last_ms, self.now)
        self.read_mono = self.mono if self.read_mono is not None else None
        if reboot:
            self.settled = dict.fromkeys(IDS, self.mono)
        self.returned_ms = min(self.returned_ms, self.now)
        self.idle_since = None
        self.slow_ms = 300_000 if reboot else self.slow_ms
        self.send(Restarted(**self.stamps(), boot=f"boot-{self.boots}"))

    # -- the cloud ----------------------------------------------------------------------------

    @precondition(lambda self: not self.online)
    @rule()
    def connect(self) -> None:
        self.online = True
        self.send(Connected(**self.stamps()))

    @precondition(lambda self: self.online)
    @rule()
    def lose_the_link(self) -> None:
        self.online, self.pending = False, []
        self.send(Disconnected(**self.stamps()))

    @rule(circuit=st.sampled_from([*IDS, "nobody"]), enabled=st.booleans(), heard=st.booleans())
    def somebody_wishes(self, circuit: str, enabled: bool, heard: bool) -> None:
        self.version += 1
        self.desired = {**self.desired, circuit: Wish(circuit, enabled, self.server_s())}
        if heard and self.online:
            self.send(self.delta())

    @rule(heard=st.booleans())
    def somebody_writes_something_else(self, heard: bool) -> None:
        self.version += 1
        if heard and self.online:
            self.send(self.delta())

    @precondition(lambda self: self.online and self.version)
    @rule()
    def a_delta_comes_twice(self) -> None:
        self.send(self.delta())
        self.send(self.delta())

    def delta(self) -> Delta:
        self.carried |= set(self.desired.values())
        wishes = tuple(self.desired.values()) or None
        said: dict[str, Any] = {"version": self.version, "server_s": self.server_s()}
        return Delta(**self.stamps(), **said, wishes=wishes)

    @precondition(lambda self: self.pending)
    @rule(accept=st.integers(0, 4))
    def the_cloud_answers(self, accept: int) -> None:
        asked = self.pending.pop(0)
        if not accept:
            self.send(Refused(**self.stamps(), token=asked.token, code=504, message="silence"))
        elif isinstance(asked, GetShadow):
            self.carried |= set(self.desired.values())
            wishes = tuple(self.desired.values()) or None
            said: dict[str, Any] = {"token": asked.token, "version": self.version}
            server_s = self.server_s()
            self.send(Document(**self.stamps(), **said, wishes=wishes, server_s=server_s))
        elif asked.version not in (None, self.version):
            self.send(Refused(**self.stamps(), token=asked.token, code=409, message="conflict"))
        else:
            self.accept(asked)

    def accept(self, report: Report) -> None:
        self.version += 1
        if report.settles:
            for wish in self.desired.values():
                assert wish in self.carried, "no wish is taken out unseen"
                self.check_settled(wish)
            self.desired = {}
        said: dict[str, Any] = {
            "token": report.token,
            "settles": report.settles,
            "version": self.version,
        }
        self.send(Answered(**self.stamps(), **said, server_s=self.server_s()))

    def check_settled(self, wish: Wish) -> None:
        circuit = SITE.circuits.get(wish.circuit)
        if circuit is None or circuit.remote == "no" or circuit.shed == -1:
            assert self.executed.get(wish.circuit) != wish
        else:
            decision = self.memory.shadow.decided[wish.circuit]
            assert decision.about(wish), "a wish is taken out when it is decided"
            assert decision.code != 202, "and when it has come to its end"
            if decision.code == 409:
                assert self.toggled[wish.circuit] >= wish.stamp_s, "a person came later"

    @precondition(lambda self: self.switching)
    @rule(fault=st.sampled_from([None, None, None, "stuck"]))
    def a_driver_answers(self, fault: str | None) -> None:
        done = self.switching.pop(0)
        said: dict[str, Any] = {"circuit": done.circuit, "enabled": done.enabled, "fault": fault}
        if self.on[done.circuit] == done.enabled:
            self.faults = self.faults - {done.circuit} | ({done.circuit} if fault else set())
        self.send(Switched(**self.stamps(), **said))

    # -- what must hold at every moment -------------------------------------------------------

    @invariant()
    def memory_and_world_agree(self) -> None:
        lives = self.memory.circuits.items()
        held = {id: live.held_w for id, live in lives if live.held_w is not None}
        assert {id: lease.watts for id, lease in self.held.items()} == held
        assert {id: live.enabled for id, live in lives} == self.on

    @invariant()
    def leases_hold(self) -> None:
        for id, lease in self.held.items():
            assert lease.until_ms > self.now, f"the lease of {id} ran out"

    @invariant()
    def every_state_has_its_wakes(self) -> None:
        for event in self.memory.events.values():
            assert set(event.wakes) == WAKES.get(event.state, set())
        shadow = self.memory.shadow
        assert set(shadow.wakes) == ({"elapsed"} if shadow.state != "offline" else set())

    @invariant()
    def memory_survives_its_own_spelling(self) -> None:
        if self.kept is not None:
            assert self.remembered() == self.memory

    @invariant()
    def load_returns_in_time_when_nothing_is_asked(self) -> None:
        if self.idle_since is None:
            return
        assert self.memory.cuts == {}, "an event that is over sheds nothing"
        if self.now > self.idle_since + (len(SHEDDABLE) + 1) * EVERY_MS + 40_000 + self.slow_ms:
            assert not self.overdue or not self.held, "all load is back"

    @property
    def overdue(self) -> bool:
        """The last wake was told; after a sleep the steps still lie ahead."""
        return self.memory.coming.due_ms is None

    def teardown(self) -> None:
        """Left alone, everything comes to rest: no event, no hold, no wish left open."""
        if not self.sound:
            return
        self.pass_to(max([self.now, *(event.end_ms for event in self.events.values())]))
        self.pass_to(self.now + (len(SHEDDABLE) + 1) * EVERY_MS + self.slow_ms)
        assert self.held == {} and self.memory.events == {}
        if not self.online:
            self.connect()
        for _ in range(60):
            while self.pending or self.switching:
                if self.switching:
                    self.a_driver_answers(None)
                if self.pending:
                    self.the_cloud_answers(1)
            if not self.desired and self.memory.shadow.state == "in_sync":
                break
            self.pass_to(self.now + 121_000)
        assert not self.desired and self.memory.shadow.state == "in_sync"


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=examples(50), stateful_step_count=30, deadline=None)
