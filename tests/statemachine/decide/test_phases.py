"""A decision: one list of phases, one writer, one order of effects, one verdict on a delta."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.decide import phases
from statemachine.decide.phases import PHASES, in_order
from statemachine.shadow import reconcile
from statemachine.state.cloud_triggers import Delta, Document
from statemachine.state.effects import Ack, Effect, GetShadow, Hold, Status, Switch, Wake
from statemachine.state.triggers import Connected
from statemachine.state.turn import Reach
from tests.kit.core.sample_sites import MAPLE, NOW_S, site, wish
from tests.kit.harness import Harness
from tests.kit.paths import ROOT

CORE = ROOT / "statemachine"
CIRCUITS = st.sampled_from("abc")
EFFECTS: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Hold, CIRCUITS, st.none() | st.integers(0, 9), st.just(0)),
    st.builds(Switch, CIRCUITS, st.booleans()),
    st.builds(Ack, st.text(max_size=2), st.just({}), st.just(""), st.just(0), st.just("")),
    st.builds(Status, st.just({})),
    st.builds(Wake, st.none()),
    st.builds(GetShadow, st.integers(0, 9)),
)


def test_every_phase_gives_the_reason_for_its_place() -> None:
    assert len({phase for _, phase in PHASES}) == len(PHASES)
    for _, phase in PHASES:
        assert phase.__module__ == phases.__name__ and phase.__doc__


def test_the_first_phases_and_the_answer_belong_to_every_decision() -> None:
    always = [phase for least, phase in PHASES if least is Reach.ANSWERED]
    assert always == [
        phases.follow_clock,
        phases.restore_after_restart,
        phases.fire_due,
        phases.take_trigger,
        phases.set_reach,
        phases.answer,
    ]


@pytest.mark.parametrize("file", sorted(CORE.rglob("*.py")), ids=lambda file: file.stem)
def test_only_a_turn_writes_memory(file: Path) -> None:
    if file.name == "turn.py":
        return
    written: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Assign(targets=targets):
                written |= {ast.unparse(target) for target in targets}
            case ast.AugAssign(target=target) | ast.Call(func=target):
                written.add(ast.unparse(target))
    ways = {"turn.memory", "turn.effects", "turn.effects.append", "turn.effects.extend"}
    assert not ways & written


@given(st.lists(EFFECTS, max_size=12))
def test_nothing_flows_in_between_and_the_last_word_counts(effects: list[Effect]) -> None:
    ordered = in_order(effects)
    moves = [one for one in ordered if isinstance(one, Hold | Switch)]
    assert ordered[: len(moves)] == moves, "devices first"
    kinds = [0 if isinstance(x, Hold) else 1 if x.enabled else -1 for x in moves]
    assert kinds == sorted(kinds), "off, then held, then on"
    for kind in (Hold, Switch):
        last = {one.circuit: one for one in effects if isinstance(one, kind)}
        assert {one.circuit: one for one in moves if isinstance(one, kind)} == last
    words = ordered[len(moves) :]
    acks = [one for one in effects if isinstance(one, Ack)]
    assert words[: len(acks)] == acks, "somebody waits for an ack"
    others = [one for one in effects if not isinstance(one, Hold | Switch | Ack)]
    assert words[len(acks) :] == others, "in the order in which they were decided"


@pytest.mark.parametrize("enabled", [True, False])
def test_a_delta_is_judged_once(enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Harness(site(MAPLE))
    desk.read()
    (get,) = [x for x in desk.hear(Connected(**desk.stamp())) if isinstance(x, GetShadow)]
    said: dict[str, Any] = {"token": get.token, "version": 1, "wishes": None}
    desk.hear(Document(**desk.stamp(), server_s=NOW_S, **said))
    judged: list[str] = []
    real = reconcile._judge_wish
    monkeypatch.setattr(
        reconcile,
        "_judge_wish",
        lambda spec, memory, said, wish, out: (
            judged.append(wish.circuit),
            real(spec, memory, said, wish, out),
        ),
    )
    wished = wish("lights1", enabled, NOW_S)
    desk.hear(Delta(**desk.stamp(), server_s=NOW_S, version=2, wishes=(wished,)))
    assert judged == ["lights1"]
