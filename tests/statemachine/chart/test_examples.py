"""The sample sites and their declared lives, in simulated time: from call to the last return."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from statemachine.state.effects import Ack, Effect, Status
from statemachine.state.triggers import Command, Restarted, Timer, Trigger
from tests.kit.core.sample_sites import PANEL, site
from tests.kit.depth import examples
from tests.kit.harness import Journaled
from tests.kit.paths import ROOT

EXAMPLES = ROOT / "examples"
SITES = {name: site((EXAMPLES / f"{name}.yaml").read_text()) for name in
         ("house", "shop", "building")}  # fmt: skip
NOON_MS = 1_700_049_600_000  # no site has its blackout then, nor in the four hours after
CORE_WORDS = {"achieved", "underperforming", "superseded"}


class Player(Journaled):
    """A sample site with a journal, and all that was ever said of its events."""

    def __init__(self, name: str) -> None:
        super().__init__(SITES[name])
        self.ms = NOON_MS
        self.words: list[tuple[str, str]] = []
        self.hear(Restarted(**self.stamp(), boot="boot-1"))
        self.read()

    def hear(self, trigger: Trigger) -> list[Effect]:
        effects = super().hear(trigger)
        acks = [effect for effect in effects if isinstance(effect, Ack)]
        assert len(acks) == isinstance(trigger, Command), "every command is answered exactly once"
        for effect in effects:
            if isinstance(effect, Status) and effect.body["type"] == "event":
                self.words.append((effect.body["event_id"], effect.body["state"]))
        return effects

    def share(self, *circuits: str, percent: int) -> None:
        """So much of their rated power circuits draw from now on."""
        self.draws(**{id: self.spec.circuits[id].rated * percent // 100 for id in circuits})

    def said(self, id: str) -> list[str]:
        return [word for event, word in self.words if event == id and word not in CORE_WORDS]

    def state(self, id: str) -> str:
        return self.memory.events[id].state

    def crash(self, boot: str = "boot-1") -> None:
        """The program dies and comes back with what the journal kept."""
        self.restart(boot=boot)

    def call(self, id: str = "e1", kw: float = 4, seconds: float = 900, **said: Any) -> str:
        ack = self.ask(op="event", event_id=id, shed_kw=kw, duration_sec=seconds, **said)
        return str(ack["status"])

    def all_back(self) -> bool:
        by_hand = {id for id, c in self.spec.circuits.items() if c.comes_back == "by_hand"}
        off = {id for id, live in self.memory.circuits.items() if not live.enabled}
        return not self.held() and not self.memory.events and off <= by_hand


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("house", ["noticed", "shedding", "coming_back", "done"]),
        ("shop", ["ramping", "full", "restoring", "completed"]),
        ("building", ["started", "delivering", "restoring", "completed"]),
    ],
)
def test_an_event_passes_through_the_declared_life_and_all_load_comes_back(
    name: str, words: list[str]
) -> None:
    player = Player(name)
    assert player.call(kw=4) == "accepted"
    player.wait(600)
    assert sum(player.memory.cuts.values()) >= 4_000 and player.held()
    player.wait(900)
    assert player.said("e1") == words and player.all_back()


def test_half_is_shed_while_ramping_and_all_from_then_on() -> None:
    player = Player("shop")
    player.call(kw=8)
    assert player.state("e1") == "ramping" and sum(player.memory.cuts.values()) == 4_000
    player.wait(119.999)
    assert player.state("e1") == "ramping" and sum(player.memory.cuts.values()) == 4_000
    player.wait(0.001)
    assert player.state("e1") == "full" and sum(player.memory.cuts.values()) > 7_000


def test_nothing_is_shed_during_the_notice_and_the_ack_promises_no_shortfall() -> None:
    player = Player("house")
    ack = player.ask(op="event", event_id="e1", shed_kw=4, duration_sec=600)
    assert (ack["status"], ack["actual_shed_kw"]) == ("accepted", 0) and "shortfall_kw" not in ack
    player.wait(59.999)
    assert player.state("e1") == "noticed" and player.held() == {}
    player.wait(0.001)
    assert player.state("e1") == "shedding" and player.held()


def test_what_the_house_cannot_give_is_said_before_the_notice_is_over() -> None:
    ack = Player("house").ask(op="event", event_id="e1", shed_kw=20, duration_sec=600)
    assert 5 < ack["shortfall_kw"] < 6


def test_who_calls_an_event_at_home_needs_no_notice() -> None:
    player = Player("house")
    command = player.command(op="event", event_id="e1", shed_kw=4, duration_sec=600)
    player.hear(replace(command, source="page"))
    assert player.state("e1") == "shedding"


def test_an_event_shorter_than_its_notice_is_missed() -> None:
    player = Player("house")
    player.call(seconds=30)
    player.wait(60)
    assert player.said("e1") == ["noticed", "missed"] and player.all_back()


def test_new_terms_during_the_notice_do_not_prolong_it() -> None:
    player = Player("house")
    player.call(kw=4)
    player.wait(40)
    assert player.call(kw=2, revision=1) == "accepted" and player.state("e1") == "noticed"
    player.wait(20)
    assert player.state("e1") == "shedding" and player.memory.events["e1"].shed_w == 2_000


@pytest.mark.parametrize("word", ["restore", "cancel"])
def test_an_event_is_called_off_during_its_notice(word: str) -> None:
    player = Player("house")
    player.call()
    player.wait(10)
    assert player.ask(op=word, event_id="e1")["status"] == "success"
    assert player.said("e1") == ["noticed", "called_off"] and player.all_back()
    player.wait(120)
    assert player.held() == {}


def test_an_event_that_ends_while_ramping_never_sheds_all() -> None:
    player = Player("shop")
    player.call(seconds=60)
    player.wait(60)
    assert player.memory.cuts == {}
    player.wait(300)
    assert player.said("e1") == ["ramping", "restoring", "completed"] and player.all_back()


def test_new_terms_while_ramping_begin_the_ramp_anew() -> None:
    player = Player("shop")
    player.call(kw=8)
    player.wait(90)
    player.call(kw=4, revision=1)
    assert player.state("e1") == "ramping" and sum(player.memory.cuts.values()) == 2_000
    player.wait(119)
    assert player.state("e1") == "ramping"
    player.wait(1)
    assert player.state("e1") == "full"


def test_an_event_put_off_while_ramping_gives_its_load_back_and_begins_again() -> None:
    player = Player("shop")
    player.call(kw=4)
    player.wait(60)
    start_s = player.ms // 1000 + 600
    assert player.call(kw=4, revision=1, start_ts=start_s) == "scheduled"
    player.wait(300)
    assert player.held() == {}
    player.wait(300)
    assert player.state("e1") == "ramping" and player.held()


def test_an_event_that_falls_short_says_so_at_its_end() -> None:
    player = Player("building")
    player.call(kw=300, seconds=1_200)
    player.wait(180)
    assert player.state("e1") == "verifying"
    player.wait(300)
    assert player.state("e1") == "short"
    player.wait(1_600)
    assert player.said("e1") == ["started", "verifying", "short", "restoring", "fell_short"]
    assert player.all_back()


def test_an_event_that_delivers_late_is_no_longer_short() -> None:
    player = Player("building")
    idle = [id for id in player.spec.circuits if id.endswith("cooling")]
    player.share(*idle, percent=0)
    player.read()
    player.call(kw=100, seconds=2_400)
    player.wait(500)
    assert player.state("e1") == "short"
    player.share(*idle, percent=100)
    player.wait(400)
    assert player.state("e1") == "delivering"


STATES = [
    (name, state)
    for name, spec in SITES.items()
    for state, declared in spec.event.states.items()
    if not declared.final and state != spec.event.initial
]


def lead(name: str, state: str) -> Player:
    """A player whose event stands in a state, by commands and time alone."""
    player = Player(name)
    player.call(start_ts=player.ms // 1000 + 30)
    if state == "scheduled":
        return player
    player.wait(30)
    big = state in ("verifying", "short", "falling_back")
    if big:
        player.call(kw=290, seconds=3_000, revision=1)
    waits = {"verifying": 181, "short": 481, "falling_back": 481, "delivering": 20, "full": 121,
             "shedding": 61 if name == "house" else 0, "coming_back": 61}  # fmt: skip
    player.wait(waits.get(state, 0))
    if state in ("restoring", "coming_back"):
        player.ask(op="restore", event_id="e1")
    if state == "cancelling":
        player.ask(op="cancel", event_id="e1")
    if state == "falling_back":
        player.wait(3_000 - 481)
    return player


@pytest.mark.parametrize(("name", "state"), STATES)
def test_a_crash_in_any_state_changes_nothing_of_the_life(name: str, state: str) -> None:
    player, other = lead(name, state), lead(name, state)
    assert player.state("e1") == state
    told, held = len(player.words), player.held()
    player.ms += 2_000
    other.ms += 2_000
    player.crash()
    assert player.state("e1") == state and player.held() == held and len(player.words) == told
    assert player.memory.events["e1"].wakes == other.memory.events["e1"].wakes
    player.wait(4_000)
    other.wait(4_000)
    assert player.said("e1") == other.said("e1") and player.all_back() and other.all_back()


LATE = (
    PANEL
    + """
event:
  initial: received
  states:
    received:
    ramping: {for: 2 min, sheds: 50 %}
    full:    {for: 10 min, sheds: 100 %}
    after:
    done:    {final: true}
  transitions:
    - {trigger: dr_event, from: received, to: ramping, do: accept}
    - {trigger: elapsed, from: ramping, to: full}
    - {trigger: elapsed, from: full, to: after}
    - {trigger: restore, from: [ramping, full], to: after}
    - {trigger: cancel, from: [ramping, full], to: after}
    - {trigger: released, from: after, to: done}
"""
)


@pytest.mark.parametrize("seconds", [67, 97.5, 333])
def test_load_is_let_go_to_the_millisecond_in_a_state_that_outlasts_the_event(
    seconds: float,
) -> None:
    desk = Journaled(site(LATE))
    desk.read()
    desk.ask(op="event", event_id="e1", shed_kw=2, duration_sec=seconds)
    end_ms = desk.ms + round(seconds * 1000)
    desk.wait(seconds - 5)
    while (due_ms := desk.memory.due_ms()) is not None and due_ms < end_ms:
        desk.ms = due_ms
        desk.hear(Timer(**desk.stamp()))
    assert due_ms == end_ms and desk.memory.cuts, "it is woken at the end, not by its state"
    desk.ms = end_ms
    desk.hear(Timer(**desk.stamp()))
    assert desk.memory.cuts == {}


class AnyLife(RuleBasedStateMachine):
    """A sample site, and whatever may happen to its events."""

    name = "house"

    def __init__(self) -> None:
        super().__init__()
        self.player = Player(self.name)
        self.ends: dict[str, int] = {}  # until when an event may shed, as a bystander knows it
        self.revision = self.number = 0
        self.boots = 1
        spec = self.player.spec
        self.final = {s.report for s in spec.event.states.values() if s.final}
        self.own = {s.report for s in spec.event.states.values()} - {None}
        self.ms_at_most = 4_000_000

    ids = st.sampled_from(["e1", "e2", "e3"])

    @rule(
        id=ids,
        percent=st.integers(1, 120),
        seconds=st.integers(5, 2_000),
        late=st.none() | st.integers(-300, 900),
    )
    def call(self, id: str, percent: int, seconds: int, late: int | None) -> None:
        player = self.player
        self.revision += 1
        kw = max(1, player.spec.site.service * percent // 400) / 1000
        said: dict[str, Any] = {} if late is None else {"start_ts": player.ms // 1000 + late}
        before = player.memory.events.get(id)
        ack = player.ask(op="event", event_id=id, shed_kw=kw, duration_sec=seconds,
                         revision=self.revision, **said)  # fmt: skip
        if ack["status"] == "rejected":
            assert player.memory.events.get(id) == before, "a refusal changes nothing"
        elif id in player.memory.events:
            self.ends[id] = player.memory.events[id].end_ms

    @rule(id=st.none() | ids)
    def restore(self, id: str | None) -> None:
        player, now_ms = self.player, self.player.ms
        begun = [e.id for e in player.memory.events.values() if e.start_ms <= now_ms]
        self.say(op="restore", **({} if id is None else {"event_id": id}))
        for ended in begun if id is None else [id]:
            self.ends.pop(ended, None)

    @rule(id=ids)
    def cancel(self, id: str) -> None:
        self.say(op="cancel", event_id=id)
        self.ends.pop(id, None)

    def say(self, **said: Any) -> None:
        """A command that is no copy of another."""
        self.number += 1
        self.player.ask(correlationId=f"c{self.number}", **said)

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.player.wait(seconds)

    @rule(seconds=st.integers(1, 50))
    def nobody_reads(self, seconds: int) -> None:
        """Only the wakes that were asked for."""
        player = self.player
        until_ms = player.ms + seconds * 1_000
        while (due_ms := player.memory.due_ms()) is not None and due_ms <= until_ms:
            player.ms = max(player.ms, due_ms)
            player.hear(Timer(**player.stamp()))
            self.nothing_is_shed_after_the_end()
        player.ms = until_ms
        player.hear(Timer(**player.stamp()))

    @rule(percent=st.integers(0, 100), dice=st.integers(0, 10**6))
    def a_load_changes(self, percent: int, dice: int) -> None:
        ids = list(self.player.spec.circuits)
        self.player.share(ids[dice % len(ids)], percent=percent)
        self.player.read()

    @rule(seconds=st.integers(0, 300))
    def crash(self, seconds: int) -> None:
        self.player.ms += seconds * 1_000
        self.player.crash(f"boot-{self.boots}")

    @precondition(lambda self: self.boots < 3)
    @rule()
    def reboot(self) -> None:
        self.boots += 1
        self.player.crash(f"boot-{self.boots}")

    @invariant()
    def nothing_is_shed_after_the_end(self) -> None:
        if not any(end_ms > self.player.ms for end_ms in self.ends.values()):
            assert self.player.memory.cuts == {}

    @invariant()
    def only_declared_words_are_said(self) -> None:
        assert {word for _, word in self.player.words} <= self.own | CORE_WORDS

    @invariant()
    def an_event_in_memory_is_in_a_state_that_is_not_final(self) -> None:
        for event in self.player.memory.events.values():
            assert not self.player.spec.event.states[event.state].final

    def teardown(self) -> None:
        player = self.player
        lasts = [event.end_ms for event in player.memory.events.values()]
        player.wait(max([0, *(end - player.ms for end in lasts)]) / 1000 + 4_000)
        assert player.all_back(), (player.memory.events, player.held())


class HouseLife(AnyLife):
    name = "house"


class ShopLife(AnyLife):
    name = "shop"


class BuildingLife(AnyLife):
    name = "building"


TestHouseLife, TestShopLife = HouseLife.TestCase, ShopLife.TestCase
TestBuildingLife = BuildingLife.TestCase
TestHouseLife.settings = settings(max_examples=examples(12), stateful_step_count=20, deadline=None)
TestShopLife.settings = settings(max_examples=examples(12), stateful_step_count=20, deadline=None)
TestBuildingLife.settings = settings(
    max_examples=examples(4), stateful_step_count=15, deadline=None
)
