"""An answer that only confirms what was asked settles nothing anew, and leaves nothing undone."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from statemachine import Ven
from statemachine.decide import phases
from statemachine.site.spec import Spec
from statemachine.state.effects import Ack, Hold, Wake
from statemachine.state.triggers import Held, Restarted
from statemachine.verify.search.generate_days import generate_day
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.sample_sites import MAPLE, NOW_MS, site
from tests.kit.paths import ROOT

SITES = {"maple": MAPLE} | {
    name: (ROOT / f"examples/{name}.yaml").read_text() for name in ("house", "shop")
}
DWELLING = """
site: {id: v, service: 9 kW, timezone: UTC}
restore: {every: 5 s}
circuits:
  a: {rated: 2 kW, shed: 100 %, control: relay, type: hvac}
  b: {rated: 3 kW, shed: 100 %, control: relay, max_off: 10 min}
  c: {rated: 3 kW, shed: 50 %, critical: true}
"""


def done(spec: Spec, day: Scenario) -> list[tuple[int, Any]]:
    """All that is done and told on a day, with its times, whatever number an asker was given."""
    return [
        (moment.ms, replace(effect, reply="") if isinstance(effect, Ack) else effect)
        for moment in Play(spec, day).moments()
        for effect in moment.effects
        if not isinstance(effect, Wake)
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("text", [*SITES.values(), DWELLING], ids=[*SITES, "dwelling"])
def test_what_is_not_settled_anew_makes_no_difference_to_any_day(
    text: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = site(text)
    day = Scenario.model_validate(generate_day(spec, Random(seed), 12))
    quick = done(spec, day)
    monkeypatch.setattr(phases, "changes_nothing", lambda turn: False)
    assert quick == done(spec, day)


def test_the_answers_of_hundreds_of_drivers_are_no_hundreds_of_plans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = "".join(f"\n  c{n}: {{rated: 1 kW, shed: 100 %}}" for n in range(40))
    core = Ven(site(f"site: {{id: v, service: 99 kW}}\ncircuits:{lines}\n"))
    stamps: dict[str, Any] = {"at_ms": NOW_MS, "mono_ms": 1_000}
    memory, effects = core.decide(core.start(), Restarted(**stamps, boot="b", known=True, since=()))
    settled: list[object] = []
    monkeypatch.setattr(phases, "hold_and_release", lambda turn: settled.append(turn.trigger))
    for hold in [one for one in effects if isinstance(one, Hold)]:
        said = Held(**stamps, circuit=hold.circuit, watts=hold.watts, fault=None)
        memory, _ = core.decide(memory, said)
    assert len(settled) <= 1
    assert all(live.sure for live in memory.circuits.values()), "each is heard nevertheless"
