"""Another file in force while the site runs, and a site that only observes: the pure part.

The bystander notes down what every breaker is really held at, also of circuits that the file no
longer names, and crashes lose what was decided but not yet done.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from statemachine import Ven
from statemachine.state.circuit import CircuitState
from statemachine.state.effects import Effect, Hold, Status, Switch
from statemachine.state.triggers import Held, Readings, Reloaded, Restarted, Timer, Trigger
from statemachine.wire.messages import telemetry
from tests.kit.core.sample_sites import MAPLE, NOW_MS, NOW_S, site
from tests.kit.depth import examples
from tests.kit.harness import Harness, of
from tests.kit.simulated.storing import AtOnce, Disk, life

CALL = {"op": "event", "event_id": "e1", "shed_kw": 2.0, "duration_sec": 600}
WITHOUT_HEATER = MAPLE.replace("  heater1: {name: Heater, rated: 1.5 kW, shed: 100 %}\n", "")
WITH_PUMP = MAPLE + "  pump1: {rated: 2 kW, shed: 100 %, priority: 0}\n"
HALF = MAPLE.replace("shed: 100 %", "shed: 50 %", 1)
OBSERVE = MAPLE + "mode: observe\n"


class Kept:
    """The program over a journal, which outlives it."""

    def __init__(self) -> None:
        self.disk, self.clock = Disk(), Harness(site(MAPLE))
        self.done: list[Effect] = []

    def start(self, text: str) -> None:
        self.done.clear()
        ven = Ven(site(text))
        self.runtime, _ = life(self.disk, ven, lambda one, _: self.done.append(one), AtOnce())
        self.runtime.stop()  # its timers are of another clock
        self.hear(Restarted(**self.clock.stamp(), boot="boot"))

    def hear(self, trigger: Trigger) -> None:
        self.runtime.step(trigger)


async def test_a_circuit_taken_out_while_the_program_was_down_is_let_go_once_and_forgotten() -> (
    None
):
    kept = Kept()
    kept.start(MAPLE)
    rated = {id: one.rated for id, one in site(MAPLE).circuits.items()}
    kept.hear(Readings(**kept.clock.stamp(), drawn_w=rated, unmetered_w=0))
    kept.hear(kept.clock.command(**CALL))
    assert kept.runtime.memory.circuits["heater1"].held_w == 0
    kept.start(WITHOUT_HEATER)
    assert holds(kept.done)["heater1"] is None
    kept.hear(Held(**kept.clock.stamp(), circuit="heater1", watts=None, fault=None))
    kept.start(WITHOUT_HEATER)
    assert not kept.runtime.memory.leaving and "heater1" not in holds(kept.done)
    kept.start(MAPLE)
    fresh = replace(kept.runtime.memory.circuits["heater1"], asked_mono_ms=None)
    assert fresh == CircuitState(enabled=True)


@pytest.fixture
def desk() -> Harness:
    desk = Harness(site(MAPLE))
    desk.read()
    return desk


def holds(effects: list[Effect]) -> dict[str, int | None]:
    return {hold.circuit: hold.watts for hold in of(Hold, effects)}


# -- another file ----------------------------------------------------------------------------------


def test_a_lower_limit_is_kept_at_once_and_the_others_take_over(desk: Harness) -> None:
    desk.ask(**CALL)
    assert desk.held() == {"heater1": 0, "lights1": 120, "misc1": 780}
    effects = desk.reload(HALF)
    assert desk.memory.cuts["heater1"] == 750
    assert sum(desk.memory.cuts.values()) == 2_000
    assert holds(effects)["hvac1"] == 3_130
    desk.wait(60)
    assert desk.held()["heater1"] == 750


def test_a_higher_limit_spares_at_once_who_gave_in_its_place() -> None:
    desk = Harness(site(HALF))
    desk.read()
    desk.ask(**CALL)
    assert "hvac1" in desk.memory.cuts
    desk.reload(MAPLE)
    assert desk.memory.cuts == {"heater1": 1_500, "lights1": 280, "misc1": 220}


def test_a_held_circuit_that_is_gone_is_let_go_and_its_breaker_stays_as_it_was(
    desk: Harness,
) -> None:
    desk.ask(**CALL)
    effects = desk.reload(WITHOUT_HEATER)
    assert holds(effects)["heater1"] is None
    assert "heater1" not in {switch.circuit for switch in of(Switch, effects)}
    assert desk.memory.leaving == {"heater1": "sim"}
    desk.hear(Held(**desk.stamp(), circuit="heater1", watts=None, fault=None))
    assert desk.memory.leaving == {}


def test_a_circuit_that_was_not_held_leaves_without_a_word(desk: Harness) -> None:
    effects = desk.reload(WITHOUT_HEATER)
    assert desk.memory.leaving == {} and "heater1" not in holds(effects)


def test_what_is_to_be_let_go_is_said_again_after_a_crash_and_until_it_is_done(
    desk: Harness,
) -> None:
    desk.ask(**CALL)
    desk.reload(WITHOUT_HEATER)
    assert holds(desk.restart(WITHOUT_HEATER))["heater1"] is None
    desk.wait(41)
    assert holds(desk.effects)["heater1"] is None, "a driver that failed is asked again"
    desk.hear(Held(**desk.stamp(), circuit="heater1", watts=None, fault=None))
    assert "heater1" not in holds(desk.restart(WITHOUT_HEATER))
    desk.wait(41)
    assert "heater1" not in holds(desk.effects)


def test_a_held_circuit_whose_line_went_while_the_program_was_down_is_let_go(desk: Harness) -> None:
    desk.ask(**CALL)
    assert holds(desk.restart(WITHOUT_HEATER))["heater1"] is None


def test_a_circuit_that_comes_back_into_the_file_leaves_no_more(desk: Harness) -> None:
    desk.ask(**CALL)
    desk.reload(WITHOUT_HEATER)
    effects = desk.reload(MAPLE)
    assert desk.memory.leaving == {} and holds(effects)["heater1"] is None


def test_a_new_circuit_starts_as_on_its_first_day_and_gives_once_it_is_read(desk: Harness) -> None:
    desk.ask(**CALL)
    effects = desk.reload(WITH_PUMP)
    assert Switch("pump1", True) in effects
    desk.read()
    assert desk.memory.cuts == {"pump1": 2_000}


def test_enabled_in_the_file_holds_on_the_first_day_only(desk: Harness) -> None:
    desk.ask(op="setLoad", loadId="lights1", enabled=False)
    desk.reload(HALF)
    live = desk.memory.circuits["lights1"]
    assert (live.enabled, live.switched_by, live.switched_ms) == (False, "operator", NOW_MS)


def test_a_new_interval_of_telemetry_is_taken(desk: Harness) -> None:
    desk.hear(Reloaded(**desk.stamp(), said=(), every_ms=7_000))
    assert desk.memory.every_ms == 7_000
    desk.hear(Reloaded(**desk.stamp(), said=(), every_ms=None))
    assert desk.memory.every_ms == 7_000


def test_an_event_whose_state_is_gone_after_a_restart_fails_and_its_load_comes_back(
    desk: Harness,
) -> None:
    desk.ask(**CALL)
    effects = desk.restart(MAPLE + RENAMED)
    assert [status.body["state"] for status in of(Status, effects)] == ["failed"]
    assert desk.memory.events == {} and desk.memory.cuts == {}
    desk.wait(60)
    assert desk.held() == {}


RENAMED = """
event:
  initial: received
  states:
    received:
    curtailed: {until: end, sheds: 100 %, report: started}
    done:      {final: true, report: completed}
  transitions:
    - {trigger: dr_event, from: received, to: curtailed, do: accept}
    - {trigger: ended, from: curtailed, to: done}
    - {trigger: restore, from: curtailed, to: done}
    - {trigger: cancel, from: curtailed, to: done}
"""


# -- observe ---------------------------------------------------------------------------------------


@pytest.fixture
def watcher() -> Harness:
    desk = Harness(site(OBSERVE))
    desk.read()
    return desk


def test_who_only_observes_plans_acks_and_touches_nothing(watcher: Harness) -> None:
    ack = watcher.ask(**CALL)
    assert (ack["status"], ack["mode"]) == ("accepted", "observe")
    assert (ack["actual_shed_kw"], ack["would_shed_kw"]) == (0, 2.0)
    gave = {c["id"]: c["curtailed_kw"] for c in ack["circuits_curtailed"]}
    assert gave == {"heater1": 1.5, "lights1": 0.28, "misc1": 0.22}
    assert "shortfall_kw" not in ack
    effects = watcher.effects
    watcher.wait(700)
    effects += watcher.effects
    assert not of(Hold, effects) and not of(Switch, effects)
    said = [(s.body["state"], s.body["mode"]) for s in of(Status, effects)]
    assert said == [("started", "observe"), ("restoring", "observe"), ("completed", "observe")]


def test_telemetry_of_an_observer_says_what_would_have_been_shed(watcher: Harness) -> None:
    watcher.ask(**CALL)
    said = telemetry(watcher.spec, watcher.memory, 1, watcher.ms)
    assert (said["mode"], said["would_shed_kw"]) == ("observe", 2.0)
    assert (said["shed_kw"], said["power_kw"], said["active_event"]) == (0, 10.0, "e1")


def test_telemetry_and_acks_of_a_site_that_acts_are_as_they_were(desk: Harness) -> None:
    ack = desk.ask(**CALL)
    said = telemetry(desk.spec, desk.memory, 1, desk.ms)
    assert not {"mode", "would_shed_kw"} & (ack.keys() | said.keys())


def test_an_observer_asked_for_too_much_says_how_much_would_be_short(watcher: Harness) -> None:
    ack = watcher.ask(**{**CALL, "shed_kw": 5.0})
    assert ack["actual_shed_kw"] == 0
    assert ack["would_shed_kw"] + ack["shortfall_kw"] == pytest.approx(5.0)


def test_an_observer_switches_nothing_for_anybody(watcher: Harness) -> None:
    ack = watcher.ask(op="setLoad", loadId="heater1", enabled=False)
    assert ack["reason"] == "locked_out" and "observes" in ack["detail"]
    assert not of(Switch, watcher.effects)


def test_an_observer_that_restarts_touches_nothing(watcher: Harness) -> None:
    watcher.ask(**CALL)
    effects = watcher.restart(OBSERVE)
    assert not of(Hold, effects) and not of(Switch, effects)


def test_from_act_to_observe_what_is_held_comes_back_in_steps(desk: Harness) -> None:
    desk.ask(**CALL)
    desk.reload(OBSERVE)
    assert list(desk.held()) == ["heater1", "lights1"]
    desk.wait(10)
    assert list(desk.held()) == ["heater1"]
    desk.wait(10)
    assert desk.held() == {} and desk.memory.cuts
    for id in list(desk.memory.leaving):
        desk.hear(Held(**desk.stamp(), circuit=id, watts=None, fault=None))
    desk.wait(100)
    assert not of(Hold, desk.effects), "from then on nothing is touched"


def test_a_crash_on_the_way_to_observe_leaves_nothing_held(desk: Harness) -> None:
    desk.ask(**CALL)
    desk.reload(OBSERVE)
    assert list(desk.memory.leaving) == ["misc1"], "decided, and lost in the crash"
    effects = desk.restart(OBSERVE)
    assert holds(effects) == {"heater1": 0, "lights1": 120, "misc1": None}


def test_a_compressor_rests_also_on_the_way_to_observe() -> None:
    text = MAPLE.replace("rated: 1.5 kW, shed: 100 %", "rated: 1.5 kW, shed: 100 %, min_off: 5 min")
    desk = Harness(site(text))
    desk.read()
    desk.ask(**CALL)
    desk.reload(text + "mode: observe\n")
    desk.wait(290)
    assert list(desk.held()) == ["heater1"]
    desk.wait(20)
    assert desk.held() == {}


def test_from_observe_to_act_a_live_event_sheds_at_once(watcher: Harness) -> None:
    watcher.ask(**CALL)
    effects = watcher.reload(MAPLE)
    assert holds(effects) == {
        **dict.fromkeys(watcher.spec.circuits),
        **{"heater1": 0, "lights1": 120, "misc1": 780},
    }


# -- any edit, any crash ---------------------------------------------------------------------------

FILES = [MAPLE, WITHOUT_HEATER, WITH_PUMP, HALF, OBSERVE, WITHOUT_HEATER + "mode: observe\n"]
files = st.sampled_from(FILES)


class AllAnswer(Harness):
    """Circuits that leave for good are let go at once, too."""

    def obeys(self, circuit: str) -> bool:
        return True


class Editing(RuleBasedStateMachine):
    """Files come and go under events and crashes; breakers only do as they are told."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = AllAnswer(site(MAPLE))
        self.calls = 0
        self.desk.hear(Restarted(**self.desk.stamp(), boot=""))
        self.desk.read()

    @rule(kw=st.sampled_from([0.5, 2.0, 4.0]), seconds=st.sampled_from([20, 600]))
    def call(self, kw: float, seconds: int) -> None:
        self.calls += 1
        said = {"op": "event", "event_id": f"e{self.calls}", "shed_kw": kw, "duration_sec": seconds}
        self.desk.hear(self.desk.command(**said))

    @rule()
    def restore(self) -> None:
        self.desk.hear(self.desk.command("cli", op="restore", confirm_operator=True))

    @rule(seconds=st.sampled_from([1, 10, 45]))
    def wait(self, seconds: int) -> None:
        self.desk.ms += seconds * 1_000
        self.desk.hear(Timer(**self.desk.stamp()))
        self.desk.read()

    @rule(text=files)
    def edit(self, text: str) -> None:
        self.desk.reload(text)
        self.desk.read()

    @rule(text=files, done=st.integers(0, 20))
    def edit_and_crash(self, text: str, done: int) -> None:
        """The decision is in the journal; `done` of its effects were carried out."""
        self.desk.take(site(text))
        effects = self.desk.decide(Reloaded(**self.desk.stamp(), said=(), every_ms=None))
        for effect in effects[:done]:
            self.desk.do(effect)
        self.restart(text)

    @rule(text=files)
    def restart(self, text: str) -> None:
        self.desk.restart(text)
        self.desk.read()

    @invariant()
    def breakers_are_as_memory_has_them(self) -> None:
        lives = self.desk.memory.circuits
        for id, breaker in self.desk.panel.all.items():
            known = lives[id].held_w if id in lives else None
            assert breaker.hold_w == known, f"{id} is held at {breaker.hold_w}, not at {known}"

    @invariant()
    def who_observes_commands_nothing_new(self) -> None:
        if self.desk.spec.observes:
            assert self.desk.memory.coming.due_ms is not None or not self.held()

    def teardown(self) -> None:
        self.restore()
        for _ in range(12):
            self.wait(45)
        assert self.held() == set(), "all comes back in the end"

    def held(self) -> set[str]:
        return {id for id, one in self.desk.panel.all.items() if one.hold_w is not None}


class TestEditing(Editing.TestCase):
    settings = settings(max_examples=examples(20), stateful_step_count=25, deadline=None)


def test_events_of_an_edited_site_keep_their_clock(desk: Harness) -> None:
    desk.ask(**CALL, start_ts=NOW_S + 100)
    desk.reload(HALF)
    desk.wait(100)
    assert desk.memory.cuts["heater1"] == 750


def test_an_opted_out_circuit_stays_out_through_an_edit(desk: Harness) -> None:
    desk.ask(**CALL)
    event = replace(desk.memory.events["e1"], opted_out=("heater1",))
    desk.memory = replace(desk.memory, events={"e1": event})
    desk.reload(HALF)
    assert "heater1" not in desk.memory.cuts
