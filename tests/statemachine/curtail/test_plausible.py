"""A reading that cannot be is no reading: it costs its own circuit a fault, and nobody else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.curtail.plausible import plausible_readings, plausible_unmetered_w
from statemachine.state.effects import Effect, Status
from statemachine.state.triggers import Readings
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.panel import ODD
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.harness import Harness

CIRCUITS = site(MAPLE).circuits  # heater1 is rated 1.5 kW
ODDITIES = [
    *ODD, -math.inf, 1e30, 3_001, -76, False, [1_000], {}, b"1", "1 kW", 10**400, 10**5_000, 65_535,
]  # fmt: skip
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(),
    st.lists(st.integers()), st.sampled_from(ODDITIES[:-1]),
)  # fmt: skip


class Broken:
    """What a driver of somebody else's may answer."""

    def __repr__(self) -> str:
        raise RuntimeError("not even this")


@pytest.mark.parametrize(
    "watts, drawn_w", [(0, 0), (1_499.6, 1_500), (3_000, 3_000), (-75, 0), (-0.0, 0), (-75.4, 0)]
)
def test_what_a_circuit_can_draw_is_believed(watts: float, drawn_w: int) -> None:
    assert plausible_readings(CIRCUITS, {"heater1": watts}) == ({"heater1": drawn_w}, {})


@pytest.mark.parametrize("answer", [*ODDITIES, Broken()], ids=lambda one: type(one).__name__)
def test_what_no_circuit_can_draw_is_told_in_a_sentence(answer: Any) -> None:
    drawn_w, odd = plausible_readings(CIRCUITS, {"heater1": answer, "lights1": 100})
    assert drawn_w == {"lights1": 100} and list(odd) == ["heater1"]
    assert odd["heater1"].startswith("its meter reports ") and len(odd["heater1"]) < 120


@given(answers=st.dictionaries(st.sampled_from([*CIRCUITS, "nobody"]), ANYTHING))
def test_each_answer_is_believed_or_told_and_none_touches_another(
    answers: Mapping[str, object],
) -> None:
    drawn_w, odd = plausible_readings(CIRCUITS, answers)
    assert drawn_w.keys() | odd.keys() == answers.keys() - {"nobody"}
    assert drawn_w.keys().isdisjoint(odd)
    assert all(0 <= watts <= 2 * CIRCUITS[id].rated for id, watts in drawn_w.items())
    for id, answer in answers.items():
        alone = plausible_readings(CIRCUITS, {id: answer})
        assert alone[0].items() <= drawn_w.items() and alone[1].items() <= odd.items()


@given(answer=ANYTHING)
def test_a_site_draws_no_more_beside_its_circuits_than_its_main_breaker_carries(
    answer: object,
) -> None:
    watts = plausible_unmetered_w(24_000, answer)
    assert watts is None or -48_000 <= watts <= 48_000
    assert plausible_unmetered_w(24_000, -3_000) == -3_000, "the sun shines"


@pytest.mark.parametrize("answer", ODD, ids=lambda one: type(one).__name__)
def test_an_odd_meter_keeps_nothing_held_and_is_told_once(answer: object) -> None:
    desk, said = Harness(site(MAPLE)), list[Any]()

    def note(effects: list[Effect]) -> None:
        said.extend(one.body for one in effects if isinstance(one, Status))

    def look(answers: Mapping[str, object]) -> None:
        desk.ms += 1_000
        drawn_w, odd = plausible_readings(desk.spec.circuits, answers)
        note(desk.hear(Readings(**desk.stamp(), drawn_w=drawn_w, unmetered_w=0, odd=odd)))

    look(well := {id: circuit.rated for id, circuit in desk.spec.circuits.items()})
    desk.ask(op="event", event_id="e1", shed_kw=2.0, duration_sec=60)
    for _ in range(300):
        held = {id: min(well[id], desk.held().get(id, well[id])) for id in well}
        look({**held, "heater1": answer})
    assert desk.held() == {}
    told = [(one["state"], one["fault"]) for one in said if one.get("id") == "heater1"]
    assert len(told) == 1 and told[0][0] == "fault" and "its meter reports" in told[0][1]
    look(well)
    assert [one["state"] for one in said if one.get("id") == "heater1"] == ["fault", "well"]


@pytest.mark.parametrize("id", CIRCUITS)
def test_a_day_with_an_odd_meter_breaks_no_rule_and_leaves_nothing_held(id: str) -> None:
    steps = [
        {"at": "0:10:00", "fault": {"circuit": id, "kind": "odd"}},
        {"at": "0:20:00", "event": {"id": "e1", "shed": "2 kW", "for": "20 min"}},
        {"at": "0:25:00", "event": {"id": "e2", "shed": "4 kW", "for": "5 min"}},
        {"at": "0:35:00", "fault": {"circuit": id, "kind": "none"}},
        {"at": "0:36:00", "fault": {"circuit": id, "kind": "odd"}},
    ]
    play = Play(site(MAPLE), Scenario.model_validate({"look": "1 s", "steps": steps}))
    assert [str(one) for one in violations_of(play)] == []
    assert all(breaker.hold_w is None for breaker in play.breakers.all.values())
    assert play.memory.circuits[id].read_fault is not None
