"""What a circuit's own protection, its budgets and its kind of control make of an event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.curtail.capacity import loads
from statemachine.curtail.plan import Load, as_relay, plan_shed
from statemachine.state.effects import Hold, Switch
from statemachine.state.triggers import Readings, Restarted, Timer
from tests.kit.core.sample_sites import NOW_S, site
from tests.kit.harness import Harness

CALL = {"op": "event", "shed_kw": 9.0}


def panel(*circuits: str, more: str = "") -> Harness:
    lines = "".join(f"  c{n}: {{{said}}}\n" for n, said in enumerate(circuits))
    text = f"site: {{id: v, service: 24 kW}}\n{more}\nrestore: {{bridge: 0 s}}\ncircuits:\n{lines}"
    desk = Harness(site(text))
    desk.read()
    return desk


def why(desk: Harness, id: str = "c0") -> str:
    return next(load.why_not for load in loads(desk.spec, desk.memory) if load.circuit == id)


def call(desk: Harness, seconds: int, **said: Any) -> dict[str, Any]:
    return desk.ask(**{**CALL, "duration_sec": seconds, **said})


# -- dwell times ----------------------------------------------------------------------------------


def test_a_compressor_switched_on_again_waits_for_its_rest_and_then_runs() -> None:
    desk = panel("rated: 2 kW, type: fridge, shed: 100 %")
    desk.wait(400)
    desk.ask(op="setLoad", loadId="c0", enabled=False)
    desk.wait(60)
    desk.ask(op="setLoad", loadId="c0", enabled=True)
    assert desk.held() == {"c0": 0}
    desk.wait(239)
    assert desk.held() == {"c0": 0}
    desk.wait(1)
    assert desk.held() == {}


def test_a_compressor_that_came_on_is_not_taken_off_before_its_time() -> None:
    desk = panel("rated: 2 kW, type: hvac, shed: 100 %, control: relay", "rated: 1 kW, shed: 100 %")
    desk.ask(op="setLoad", loadId="c0", enabled=False)
    desk.wait(400)
    desk.ask(op="setLoad", loadId="c0", enabled=True)
    desk.read()
    call(desk, 1200)
    assert desk.held() == {"c1": 0} and why(desk).startswith("came on, must run for another 5:00")
    desk.wait(299)
    assert desk.held() == {"c1": 0}
    desk.wait(1)
    assert desk.held() == {"c0": 0, "c1": 0}


def test_a_person_may_always_switch_off() -> None:
    desk = panel("rated: 2 kW, type: hvac, shed: 100 %")
    desk.ask(op="setLoad", loadId="c0", enabled=False)
    desk.wait(400)
    desk.ask(op="setLoad", loadId="c0", enabled=True)
    desk.wait(5)
    assert desk.ask(op="setLoad", loadId="c0", enabled=False)["status"] == "success"
    assert Switch("c0", False) in desk.effects


def test_load_that_rests_after_an_event_holds_up_neither_the_others_nor_forgets_its_event() -> None:
    desk = panel("rated: 2 kW, shed: 100 %", "rated: 2 kW, type: fridge, shed: 100 %")
    call(desk, 100, event_id="e")
    desk.wait(120)
    assert desk.held() == {"c1": 0} and desk.memory.events["e"].state == "restoring"
    desk.wait(190)
    assert desk.held() == {} and desk.memory.events == {}


def test_an_event_keeps_a_fridge_off_for_half_an_hour_at_most_and_then_others_give() -> None:
    desk = panel(
        "rated: 2 kW, type: fridge, shed: 100 %, control: relay", "rated: 2 kW, shed: 100 %"
    )
    call(desk, 7200, shed_kw=2.0)
    assert desk.held() == {"c0": 0}
    desk.wait(1800)
    assert desk.held() == {"c0": 0, "c1": 0} or desk.held() == {"c1": 0}
    desk.wait(10)
    assert desk.held() == {"c1": 0}


def test_what_was_off_for_the_most_it_may_runs_before_it_is_taken_off_again() -> None:
    desk = panel("rated: 2 kW, shed: 100 %, max_off: 10 min, control: relay")
    call(desk, 3_600, shed_kw=2.0)
    desk.wait(599)
    assert desk.held() == {"c0": 0}
    desk.wait(2)
    assert desk.held() == {} and why(desk) == "came on, must run for another 4:59"
    desk.wait(297)
    assert desk.held() == {}
    desk.wait(4)
    assert desk.held() == {"c0": 0}


def test_a_circuit_that_was_given_back_recovers_before_it_gives_again() -> None:
    desk = panel("rated: 2 kW, shed: 50 %, min_release: 10 min")
    call(desk, 60)
    desk.wait(100)
    desk.read()
    call(desk, 3600)
    assert desk.held() == {} and why(desk).startswith("was shed before, recovers for another")
    desk.wait(600)
    assert desk.held() == {"c0": 1_000}


@pytest.mark.parametrize("step_s", [-7_200, 7_200])
def test_no_step_of_the_wall_clock_shortens_a_rest(step_s: int) -> None:
    desk = panel("rated: 2 kW, type: fridge, shed: 100 %")
    desk.ask(op="setLoad", loadId="c0", enabled=False)
    desk.ask(op="setLoad", loadId="c0", enabled=True)
    mono_ms = desk.ms
    desk.ms += step_s * 1000
    for elapsed_s, held in ((299, {"c0": 0}), (300, {})):
        at_ms, later_ms = desk.ms + elapsed_s * 1000, mono_ms + elapsed_s * 1000
        drawn = {id: 2_000 if live.held_w is None else 0 for id, live in _lives(desk)}
        said = Readings(at_ms=at_ms, mono_ms=later_ms, drawn_w=drawn, unmetered_w=0)
        desk.hear(said)
        desk.hear(Timer(at_ms=at_ms, mono_ms=later_ms))
        assert desk.held() == held


def _lives(desk: Harness) -> Any:
    return desk.memory.circuits.items()


def test_after_a_reboot_rests_begin_anew_and_load_returns_minutes_later() -> None:
    desk = panel("rated: 2 kW, shed: 100 %")
    call(desk, 60)
    desk.hear(Restarted(at_ms=desk.ms, mono_ms=desk.ms, boot="one"))
    late = desk.ms + 3_600_000
    desk.hear(Restarted(at_ms=late, mono_ms=500, boot="two"))
    assert desk.memory.cuts == {} and desk.held() == {"c0": 0}
    due_ms = desk.memory.coming.due_ms
    assert due_ms is not None and 60_000 <= due_ms - late <= 300_000


def test_a_reboot_in_the_middle_of_a_return_makes_what_is_left_wait_minutes_too() -> None:
    desk = panel(*["rated: 2 kW, shed: 100 %"] * 3)
    desk.hear(Restarted(at_ms=desk.ms, mono_ms=desk.ms, boot="one"))
    call(desk, 60, shed_kw=6.0)
    desk.wait(60)
    assert desk.held() == {"c0": 0, "c1": 0}
    desk.hear(Restarted(at_ms=desk.ms, mono_ms=500, boot="two"))
    desk.hear(Restarted(at_ms=desk.ms + 1_000, mono_ms=1_500, boot="two"))
    due_ms = desk.memory.coming.due_ms
    assert due_ms is not None and 60_000 <= due_ms - desk.ms <= 300_000
    assert desk.held() == {"c0": 0, "c1": 0}


# -- budgets --------------------------------------------------------------------------------------


def test_a_circuit_gives_so_often_a_day_and_again_on_the_next() -> None:
    desk = panel("rated: 2 kW, shed: 100 %, max_events_per_day: 2")
    for _ in range(2):
        call(desk, 60)
        assert desk.held() == {"c0": 0}
        desk.wait(100)
    call(desk, 60, event_id="third")
    assert desk.held() == {} and why(desk) == "was shed 2 times today, its maximum"
    desk.wait(100)
    desk.wait(24 * 3600)
    call(desk, 60, event_id="tomorrow")
    assert desk.held() == {"c0": 0}


def test_a_circuit_gives_so_long_a_day_and_others_take_over() -> None:
    desk = panel("rated: 2 kW, shed: 100 %, max_shed_per_day: 10 min", "rated: 2 kW, shed: 100 %")
    call(desk, 3600, shed_kw=2.0)
    assert desk.held() == {"c0": 0}
    desk.wait(599)
    assert desk.held() == {"c0": 0}
    desk.wait(12)
    assert desk.held() == {"c1": 0} and why(desk) == "was shed for its maximum time today"


# -- meters ---------------------------------------------------------------------------------------


def test_a_meter_that_falls_silent_takes_its_circuit_out_of_the_plan() -> None:
    desk = panel("rated: 2 kW, shed: 100 %", "rated: 2 kW, shed: 100 %")
    call(desk, 3600, shed_kw=2.0)
    for _ in range(6):
        desk.ms += 10_000
        desk.hear(Readings(**desk.stamp(), drawn_w={"c1": 2_000}, unmetered_w=0))
    assert desk.memory.cuts == {"c1": 2_000} and why(desk) == "no reading for 60 s"


def test_a_circuit_without_a_meter_is_planned_on_what_it_draws_as_a_rule() -> None:
    desk = panel("rated: 2 kW, shed: 100 %, meter: none")
    ack = call(desk, 60)
    assert ack["actual_shed_kw"] == 1.4
    found = plan_shed(loads(desk.spec, desk.memory), 1_400, desk.memory.cuts)
    assert found.reasons["c0"] == "sheds 1.40 kW, all it can; estimated, because it has no meter"


def test_a_circuit_that_obeys_no_hold_counts_for_what_it_gives_and_others_make_up() -> None:
    desk = panel("rated: 2 kW, shed: 100 %", "rated: 2 kW, shed: 100 %")
    call(desk, 3600, shed_kw=2.0)
    for _ in range(6):
        desk.ms += 10_000
        held_w = desk.held().get("c1", 2_000)
        desk.hear(Readings(**desk.stamp(), drawn_w={"c0": 2_000, "c1": held_w}, unmetered_w=0))
    assert desk.memory.cuts == {"c1": 2_000} and why(desk) == "does not follow its commands"


# -- kinds of control -----------------------------------------------------------------------------


def test_a_charging_car_goes_down_by_whole_amperes_and_comes_back_at_six_first() -> None:
    desk = panel("rated: 7.2 kW, type: ev, control: ev_pilot, shed: 100 %")
    call(desk, 60, shed_kw=1.0)
    assert desk.held() == {"c0": 6_000}  # 25 A x 240 V: five amperes less
    call(desk, 100, shed_kw=6.5, event_id="more")
    assert desk.held() == {"c0": 0}  # between 6 A and nothing there is nothing
    desk.wait(100)
    assert desk.held() == {"c0": 1_440}
    desk.wait(10)
    assert desk.held() == {}


@settings(max_examples=200, deadline=None)
@given(load_w=st.integers(0, 12_000), limit=st.integers(1, 100), ask_w=st.integers(1, 12_000))
def test_a_charging_car_draws_nothing_or_at_least_its_six_amperes(
    load_w: int, limit: int, ask_w: int
) -> None:
    desk = panel(f"rated: 12 kW, type: ev, control: ev_pilot, shed: {limit} %, volts: 230")
    desk.ms += 20_000
    desk.hear(Readings(**desk.stamp(), drawn_w={"c0": load_w}, unmetered_w=0))
    plan = plan_shed(every := loads(desk.spec, desk.memory), ask_w, {})
    if cut_w := plan.cuts.get("c0", 0):
        left_w = every[0].load_w - cut_w
        assert left_w == 0 or (left_w >= 6 * 230 and left_w % 230 == 0)
        assert cut_w <= every[0].load_w * limit // 100


def test_an_average_is_said_to_be_one() -> None:
    desk = panel("rated: 2 kW, shed: 50 %, control: duty_cycle")
    plan = plan_shed(loads(desk.spec, desk.memory), 500, {})
    assert (
        plan.reasons["c0"]
        == "sheds 0.50 kW, the rest of the target; an average over its duty cycle"
    )


def test_what_nothing_controls_is_only_measured() -> None:
    desk = panel("rated: 2 kW, control: none")
    assert call(desk, 60)["actual_shed_kw"] == 0.0
    assert why(desk) == "measured only, nothing controls it"


# -- policies and turns ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "ask_w", "total_w"),
    [
        ("at_least", 1_100, 1_500),
        ("at_most", 1_100, 1_000),
        ("closest", 1_100, 1_000),
        ("closest", 1_300, 1_500),
        ("closest", 1_250, 1_500),
        ("at_most", 400, 0),
        ("at_least", 9_000, 3_000),
        ("at_most", 9_000, 3_000),
    ],
)
def test_relays_are_chosen_as_the_policy_says(policy: str, ask_w: int, total_w: int) -> None:
    tier = [
        as_relay(Load(id, (False, 1), w, w)) for id, w in (("a", 500), ("b", 1_000), ("c", 1_500))
    ]
    assert plan_shed(tier, ask_w, {}, policy).total_w == total_w


def test_the_policy_of_the_file_makes_the_plan() -> None:
    desk = panel(
        "rated: 1 kW, shed: 100 %, control: relay, priority: 1",
        "rated: 3 kW, shed: 100 %, control: relay, priority: 1",
        more="curtail: {policy: at_most}",
    )
    assert call(desk, 60, shed_kw=2.0)["actual_shed_kw"] == 1.0


@pytest.mark.parametrize("kind", ["relay", "modulating"])
def test_equal_circuits_take_turns(kind: str) -> None:
    desk = panel(*[f"rated: 1 kW, shed: 100 %, control: {kind}, priority: 1"] * 4)
    counts = dict.fromkeys(desk.spec.circuits, 0)
    for n in range(10):
        call(desk, 30, shed_kw=1.0, event_id=f"e{n}")
        for id in desk.memory.cuts:
            counts[id] += 1
        desk.wait(60)
        assert max(counts.values()) - min(counts.values()) <= 1


# -- a plan stands --------------------------------------------------------------------------------


def test_loads_that_move_a_little_move_no_relay() -> None:
    desk = panel(*[f"rated: {900 + 100 * n} W, shed: 100 %, control: relay" for n in range(4)])
    call(desk, 3600, shed_kw=1.5)
    first = dict(desk.memory.cuts)
    for n in range(60):
        desk.ms += 10_000
        drawn = dict.fromkeys(desk.spec.circuits, 800 + 37 * n % 400)
        drawn |= dict.fromkeys(desk.held(), 0)
        effects = desk.hear(Readings(**desk.stamp(), drawn_w=drawn, unmetered_w=0))
        moved = [x for x in effects if isinstance(x, Hold) and x.circuit not in first]
        assert not moved and desk.memory.cuts == first


def test_a_plan_that_gives_far_too_much_for_a_minute_is_made_anew() -> None:
    one = "shed: 100 %, control: relay, priority: 1"
    desk = panel(f"rated: 1 kW, {one}", f"rated: 3 kW, {one}")
    desk.ms += 10_000
    desk.hear(Readings(**desk.stamp(), drawn_w={"c0": 400, "c1": 3_000}, unmetered_w=0))
    call(desk, 3600, shed_kw=1.0)
    assert desk.memory.cuts == {"c1": 3_000}
    for seconds in range(0, 70, 10):
        assert desk.memory.cuts == {"c1": 3_000}, seconds
        desk.ms += 10_000
        desk.hear(Readings(**desk.stamp(), drawn_w={"c0": 1_000, "c1": 0}, unmetered_w=0))
    assert desk.memory.cuts == {"c0": 1_000}


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=9))
def test_a_circuit_that_is_not_held_would_draw_what_it_draws_now(readings: list[int]) -> None:
    desk = panel("rated: 2 kW, shed: 100 %")
    for drawn_w in readings:
        desk.ms += 1_000
        desk.hear(Readings(**desk.stamp(), drawn_w={"c0": drawn_w}, unmetered_w=0))
        assert desk.memory.circuits["c0"].free_w == drawn_w


def test_a_day_is_the_sites_own() -> None:
    desk = Harness(
        site(
            "site: {id: v, timezone: America/Los_Angeles}\nrestore: {bridge: 0 s}\n"
            "circuits: {c0: {rated: 2 kW, shed: 100 %, max_events_per_day: 1}}\n"
        )
    )
    desk.ms = (NOW_S - NOW_S % 86_400 + 7 * 3600 + 1800) * 1000  # 23:30 there, in winter
    desk.read()
    call(desk, 60)
    desk.wait(100)
    call(desk, 60, event_id="late")
    assert desk.held() == {}
    desk.wait(1800)
    call(desk, 60, event_id="after midnight")
    assert desk.held() == {"c0": 0}
