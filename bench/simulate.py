"""How much faster than the clock a site is played, with every rule watching and without."""

from __future__ import annotations

import time
from pathlib import Path

import venctl  # noqa: F401  (puts the rooms on the path)
from statemachine import Spec, read
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from venctl.simulate.search import Search

SITE = Path(__file__).parent.parent / "ven.yaml"
DAYS = 40
DAY = {
    "length": "24 h",
    "loads": "drift",
    "steps": [
        {"at": "10:00", "event": {"id": "e1", "shed": "2 kW", "for": "1 h"}},
        {"at": "17:00", "event": {"id": "e2", "shed": "1 kW", "for": "2 h", "start": "18:00"}},
        {"at": "18:30", "event": {"id": "e3", "shed": "3 kW", "for": "10 min", "door": "page"}},
        {"at": "18:45", "crash": {"down": "30 s"}},
    ],
}


def main() -> None:
    spec = read(SITE.read_text("utf-8"), "ven.yaml")
    for look in ("5 s", "1 s"):
        scenario = Scenario.model_validate({**DAY, "look": look})
        _tell(f"a day, read each {look}", *_bare(spec, scenario))
    _tell("the same, every rule watching", *_watched(spec, Scenario.model_validate(DAY)))
    _verify(spec)


def _bare(spec: Spec, scenario: Scenario) -> tuple[Play, float]:
    play, began_s = Play(spec, scenario), time.perf_counter()
    for _ in play.moments():
        pass
    return play, time.perf_counter() - began_s


def _watched(spec: Spec, scenario: Scenario) -> tuple[Play, float]:
    play, began_s = Play(spec, scenario), time.perf_counter()
    assert list(violations_of(play)) == []
    return play, time.perf_counter() - began_s


def _verify(spec: Spec) -> None:
    search, began_s = Search(spec, DAYS, 1, 60.0, lambda tried: None), time.perf_counter()
    assert search.run() == []
    took_s = time.perf_counter() - began_s
    days, decisions = search.tried.days / took_s, search.tried.decisions / took_s
    print(f"verify      {days:8.1f} days a second, {decisions:6.0f} decisions a second")


def _tell(what: str, play: Play, took_s: float) -> None:
    times, decisions = play.ms / 1000 / took_s, play.decisions / took_s
    print(f"simulate    {what:<30} {times:8.0f} x real time, {decisions:6.0f} decisions a second")
