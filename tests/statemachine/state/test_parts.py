"""What is remembered can be looked up field by field, and comes back from JSON as it was."""

from __future__ import annotations

import ast
import json
from random import Random

import pytest

from statemachine import read
from statemachine.state.memory import initial_memory
from statemachine.state.parts import from_parts, to_parts
from statemachine.verify.search.generate_days import generate_day
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.paths import ROOT

MODULES = ("alarm", "circuit", "desires", "memory", "past", "pending_release", "pending_switch",
           "shadow", "turn")  # fmt: skip
FIELDS = [
    (node.name, field, after)
    for module in MODULES
    for node in ast.parse((ROOT / f"statemachine/state/{module}.py").read_text("utf-8")).body
    if isinstance(node, ast.ClassDef) and node.name != "AlarmKind"
    for field, after in zip(node.body, [*node.body[1:], None], strict=True)
    if isinstance(field, ast.AnnAssign)
]
PLAIN = {"spec"}  # the site itself needs no words


@pytest.mark.parametrize(
    ("owner", "field", "after"), FIELDS, ids=[f"{o}.{ast.unparse(f.target)}" for o, f, _ in FIELDS]
)
def test_every_field_says_what_it_is(owner: str, field: ast.AnnAssign, after: ast.stmt) -> None:
    if ast.unparse(field.target) in PLAIN:
        return
    said = after.value if isinstance(after, ast.Expr) else None
    assert isinstance(said, ast.Constant) and isinstance(said.value, str), owner


def test_there_are_fields_to_look_at() -> None:
    assert {"CircuitState", "Event", "Memory", "ShadowState", "Returning", "PlanBasis"} <= {
        one for one, *_ in FIELDS
    }


@pytest.mark.parametrize("name", ["house", "shop", "building"])
def test_a_played_day_comes_back_from_json_as_it_was(name: str) -> None:
    spec = read((ROOT / f"examples/{name}.yaml").read_text("utf-8"), name)
    play = Play(spec, Scenario.model_validate(generate_day(spec, Random(7), 12)))
    looked_at = 0
    for number, _ in enumerate(play.moments()):
        if number % 7 == 0:
            kept = json.loads(json.dumps(to_parts(play.memory)))
            assert from_parts(spec, kept) == play.memory
            looked_at += 1
    assert looked_at > 3


def test_what_is_no_memory_is_refused() -> None:
    spec = read((ROOT / "ven.yaml").read_text("utf-8"), "ven.yaml")
    parts = to_parts(initial_memory(spec))
    for broken in ({"at_ms": "soon"}, {"cuts": {"heater1": None}}, {"last": ["heater1"]}):
        with pytest.raises(ValueError, match="validation error"):
            from_parts(spec, {**parts, "site": {**parts["site"], **broken}})
