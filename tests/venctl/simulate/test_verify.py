"""`venctl verify`: what holds is left alone, what is broken is found, made small, told and kept."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import pytest

from statemachine import read
from statemachine.verify.search.narrate import narrate, scenario_text
from statemachine.verify.search.shrink import shrink
from statemachine.verify.world.scenario import Scenario, read_scenario
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.paths import ROOT
from tests.kit.process.site import venctl
from venctl.simulate.search import Counterexample, Search, SearchProgress, first_break

BACK_SLOWLY = """
event:
  initial: received
  states:
    received:
    scheduled:  {until: start}
    shedding:   {until: end, sheds: 100 %, report: started}
    restoring:  {for: 2 min, sheds: 50 %, report: restoring}
    returning:
    completed:  {final: true, report: completed}
    cancelled:  {final: true, report: cancelled}
    failed:     {final: true, report: failed}
  transitions:
    - {trigger: dr_event, from: [received, scheduled, shedding], to: scheduled,
       if: starts_later, do: accept}
    - {trigger: dr_event, from: [received, scheduled], to: shedding, do: accept}
    - {trigger: dr_event, from: shedding, to: same, do: accept}
    - {trigger: started,  from: scheduled, to: failed, if: over}
    - {trigger: started,  from: scheduled, to: shedding}
    - {trigger: ended,    from: shedding, to: restoring}
    - {trigger: restore,  from: shedding, to: restoring}
    - {trigger: restore,  from: restoring, to: returning}
    - {trigger: restore,  from: scheduled, to: cancelled}
    - {trigger: cancel,   from: scheduled, to: cancelled}
    - {trigger: cancel,   from: [shedding, restoring], to: returning}
    - {trigger: elapsed,  from: restoring, to: returning}
    - {trigger: released, from: returning, to: completed}
"""


# Which of them ends the smallest story depends on how far there was time to make it smaller.
SURE = ("--seconds", "3600")  # days end a search, and no busy machine
WAYS_BACK = {"restore", "cancel", "opt_out"}


def search(text: str, days: int) -> tuple[list[Counterexample], SearchProgress]:
    one = Search(read(text, "ven.yaml"), days, 1, 3_600.0, lambda tried: None)  # never cut short
    return one.run(), one.tried


@pytest.fixture(scope="module")
def held_too_long() -> Counterexample:
    with patch("venctl.simulate.search.TWINS", {}):  # each would be made small as well
        found, _ = search(MAPLE + BACK_SLOWLY, 4)
    return next(one for one in found if one.sentence.startswith("P21 "))


@pytest.mark.parametrize("file", ["ven.yaml", *(f"examples/{n}.yaml" for n in ("house", "shop"))])
def test_nothing_is_wrong_with_the_samples(file: str) -> None:
    found, tried = search((ROOT / file).read_text("utf-8"), 8)
    assert [one.sentence for one in found] == []
    assert tried.days == 8 and tried.plans == 16
    assert tried.events > 8 and tried.decisions > 800


def test_a_chart_that_holds_load_a_person_wants_back_is_found_and_told(
    held_too_long: Counterexample,
) -> None:
    one = held_too_long
    assert one.words is not None and len(one.words["steps"]) == 2
    told = "\n".join(one.story)
    assert "requests" in told and not one.words["steps"][1].keys().isdisjoint(WAYS_BACK)
    assert one.story[-1].endswith("still must shed, although no event requires it")


def test_a_story_is_kept_as_a_scenario_that_breaks_the_rule_again(
    held_too_long: Counterexample,
) -> None:
    spec, one = site(MAPLE + BACK_SLOWLY), held_too_long
    assert one.words is not None
    text = scenario_text(one.words, one.story)
    again = read_scenario(text, "story.yaml", spec)
    assert again.breaks == "P21"
    assert first_break(spec, one.words, "P21") is not None


def test_a_rule_of_the_site_itself_is_found_broken() -> None:
    rule = "never:\n  - {circuit: heater1, off_for: 10 min}\n"
    found, _ = search(MAPLE + rule, 12)
    assert [one.sentence.split(":")[0] for one in found] == ["OWN the rules of the site hold"]
    assert "Heater is never off for longer than 10:00" in found[0].sentence


def test_the_same_seed_searches_the_same_days_wherever_it_runs(tmp_path: Path) -> None:
    first, second = search(MAPLE, 3)[1], search(MAPLE, 3)[1]
    assert first == second
    (tmp_path / "ven.yaml").write_text(MAPLE)
    done = venctl("verify", *SURE, "--seed", "1", "--examples", "3", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["tried"] == first.as_dict()
    assert said["seed"] == 1 and said["broken"] == [] and said["tried"]["days"] == 3


def test_a_search_ends_when_its_time_is_over() -> None:
    one = Search(site(MAPLE), 10**6, 1, 2.0, lambda tried: None)
    one.run()
    assert 0 < one.tried.days < 10**4


def test_a_day_is_made_small_without_losing_what_it_shows() -> None:
    """Here: that some event asks for more than a kilowatt."""
    day = {
        "loads": "drift",
        "start": "2026-07-14T22:30",
        "draws": {"heater1": "1234 W", "lights1": "0.1 kW"},
        "steps": [
            {"at": "0:17:03", "load": {"circuit": "heater1", "draws": "1 kW"}},
            {"at": "0:29:41.123", "event": {"id": "e1", "shed": "2345 W", "for": "611 s",
                                             "door": "page", "random": "60 s"}},
            {"at": "0:40:00", "restore": {"event": "e1"}},
        ],
    }  # fmt: skip

    def breaks(words: object) -> bool:
        scenario = Scenario.model_validate(words)
        return any(step.event and step.event.shed > 1_000 for step in scenario.steps)

    small = shrink(day, breaks, lambda: False)
    event = {"id": "e1", "shed": "2 kW", "for": "10 min"}
    assert small == {
        "loads": "steady",
        "start": "2026-07-14T00:00",
        "draws": {},
        "steps": [{"at": "0:01:00", "event": event}],
    }


def test_a_long_story_leaves_out_its_middle() -> None:
    switches = [
        {"at": f"0:{n:02}:00", "switch": {"circuit": "ev1", "to": "on"}} for n in range(1, 50)
    ]
    scenario = Scenario.model_validate({"loads": "steady", "steps": switches})
    lines = narrate(site(MAPLE), scenario, 3_000_000, "and then")
    assert len(lines) <= 42 and lines[1].endswith("lines left out ...")
    assert lines[-1].endswith("and then")


def test_the_command_finds_tells_keeps_and_plays_again(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(MAPLE + BACK_SLOWLY)
    wanted = ("--seed", "1", "--examples", "4", "--seconds", "20")
    done = venctl("verify", *wanted, cwd=tmp_path)
    assert done.returncode == 1
    assert "days (" in done.stdout and "decisions" in done.stdout
    assert "P21 an event that is over sheds nothing" in done.stderr
    assert "to repeat: venctl simulate story.yaml" in done.stderr
    again = venctl("simulate", "story.yaml", cwd=tmp_path)
    assert again.returncode == 1
    assert "P21 an event that is over sheds nothing" in again.stderr


def test_the_command_says_by_which_seed_the_same_search_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(MAPLE)
    first = venctl("verify", "--examples", "2", cwd=tmp_path).stdout
    seed = first.split("--seed ")[1].split()[0]
    assert venctl("verify", "--examples", "2", "--seed", seed, cwd=tmp_path).stdout == first
