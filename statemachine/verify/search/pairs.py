"""Two days that must have the same result: with and without copies or crashes, or in another order.

P22: a command delivered several times has the same effect as once. P23: the order in which events
arrive never changes what is required. P25: a crash of the program changes nothing, within one tick.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...curtail.requirement import required_w
from ...site.spec import Spec
from ..world.elapsed import elapsed_text, parse_elapsed
from ..world.play import Moment, Play
from ..world.scenario import Scenario, Step
from .generate_days import RandomSource, Words

TICK_MS = 1_000
SINGLE = ("event", "restore", "cancel", "switch", "opt_out", "again", "crash")


def without_copies(scenario: Scenario) -> Scenario:
    """The same day with every command delivered once."""
    return _with(scenario, [step for step in scenario.steps if step.again is None])


def with_reversed_ties(scenario: Scenario) -> Scenario:
    """The same day, with the steps of one moment in the opposite order."""
    backwards = scenario.steps[::-1]
    return _with(scenario, sorted(backwards, key=lambda step: step.at))


def without_crashes(scenario: Scenario) -> Scenario:
    """The same day without crashes.

    A step that changes nothing takes their place, because a day that skips quiet times reads the
    circuits again before each step.
    """
    nothing = {"crash": None, "link": "back"}
    steps = scenario.steps
    return _with(
        scenario,
        [step if step.crash is None else step.model_copy(update=nothing) for step in steps],
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """How the other day is made, what of a moment must be the same, and how to generate a day."""

    words: str
    other: Callable[[Scenario], Scenario]
    same: Callable[[Play, Moment], Mapping[str, Any]]
    invent: Callable[[Words, RandomSource], Words]


def generate_copies(day: Words, dice: RandomSource) -> Words:
    """A day without outages in which some requests are delivered again.

    They come from the page, because limits for the operator may refuse one now and not later.
    """
    steps: list[Words] = []
    for step in _plain(day, ("crash", "again")):
        steps.append(
            {**step, "event": {**step["event"], "door": "page"}} if "event" in step else step
        )
        for _ in range(dice.choice((0, 1, 1, 3)) if "event" in step else 0):
            later_ms = parse_elapsed(step["at"]) + dice.choice((0, 1, 2_000, 70_000))
            steps.append({"at": elapsed_text(later_ms), "again": step["event"]["id"]})
    return {**day, "steps": steps}


def generate_rivals(day: Words, dice: RandomSource) -> Words:
    """A day in which new events arrive two at a time."""
    steps, new = [], 0
    for step in _plain(day, ("crash", "again", "event")):
        steps.append(step)
    for _ in range(dice.randint(1, 4)):
        at = elapsed_text(dice.randint(20, 3_000) * 1_000)
        for event in (step["event"] for step in _two_calls(day, dice)):
            new += 1
            terms = {"id": f"r{new}", "shed": event["shed"], "for": event["for"]}
            steps.append({"at": at, "event": {**terms, "door": "page"}})
    return {**day, "steps": steps}


def generate_crashes(day: Words, dice: RandomSource) -> Words:
    """A day on which the program crashes now and then, and starts again at once."""
    steps = _plain(day, ("crash",))
    last_ms = max([60_000, *(parse_elapsed(step["at"]) for step in steps)])
    for _ in range(dice.randint(1, 3)):
        amid = {"amid": "true"} if not dice.randint(0, 2) else {}
        at_ms = dice.randint(20_000, last_ms + 120_000)
        steps.append({"at": elapsed_text(at_ms), "crash": {"down": "0 s", **amid}})
    return {**day, "steps": steps}


def _two_calls(day: Words, dice: RandomSource) -> list[Words]:
    calls = [step for step in day["steps"] if "event" in step]
    return [dice.choice(calls), dice.choice(calls)] if calls else []


def _plain(day: Words, without: tuple[str, ...]) -> list[Words]:
    """Its steps without faults and changes of load, each with a correlationId of its own: whether a
    repeated one is a copy depends on the time since the start.
    """
    kept = [name for name in SINGLE if name not in without]
    steps = [step for step in day["steps"] if any(name in step for name in kept)]
    return [{name: _for_itself(deed) for name, deed in step.items()} for step in steps]


def _for_itself(deed: Any) -> Any:
    return {n: v for n, v in deed.items() if n != "as"} if isinstance(deed, dict) else deed


def _with(scenario: Scenario, steps: list[Step]) -> Scenario:
    return scenario.model_copy(update={"steps": steps})


def _asked(play: Play, moment: Moment) -> Mapping[str, Any]:
    return {"required": required_w(play.spec, moment.memory, play.at_ms)}


def _done(play: Play, moment: Moment) -> Mapping[str, Any]:
    circuits, lives = play.spec.circuits, moment.memory.circuits
    on = [id for id in circuits if lives[id].enabled and circuits[id].comes_back == "alone"]
    held = {id: live.held_w for id, live in lives.items() if live.held_w is not None}
    return {**_asked(play, moment), "planned": dict(moment.memory.cuts), "held": held, "on": on}


TWINS: dict[str, Pair] = {
    "P22": Pair("copies of a command change nothing", without_copies, _done, generate_copies),
    "P23": Pair(
        "the order of arrival changes nothing", with_reversed_ties, _asked, generate_rivals
    ),
    "P25": Pair("a crash equals no crash", without_crashes, _done, generate_crashes),
}


@dataclass(slots=True)
class DayHistory:
    """What held in a day, and since when."""

    at_ms: list[int] = field(default_factory=list)
    what: list[Mapping[str, Any]] = field(default_factory=list)

    def note(self, ms: int, what: Mapping[str, Any]) -> None:
        """Record what holds from `ms` on; the last entry of one moment counts."""
        if self.at_ms and self.at_ms[-1] == ms:
            self.what[-1] = what
        elif not self.what or self.what[-1] != what:
            self.at_ms.append(ms)
            self.what.append(what)

    def within(self, ms: int, slack_ms: int) -> list[Mapping[str, Any]]:
        """All that held at some time within `slack_ms` of a moment."""
        first = max(0, bisect_right(self.at_ms, ms - slack_ms) - 1)
        return self.what[first : bisect_right(self.at_ms, ms + slack_ms)]

    def at(self, ms: int) -> Mapping[str, Any]:
        """What held at a moment."""
        return self.what[max(0, bisect_right(self.at_ms, ms) - 1)]


def differences(spec: Spec, scenario: Scenario, rule: str) -> Iterator[tuple[int, str]]:
    """Where a day and its twin differ for longer than a tick: since when, and how."""
    twin = TWINS[rule]
    track, other = (_track(spec, day, twin) for day in (scenario, twin.other(scenario)))
    crashes = sum(step.crash is not None for step in scenario.steps)
    # Midnight is noticed at the next reading; the next return may count from a restart.
    tick_ms = TICK_MS + scenario.look + crashes * spec.restore.every
    for ms in sorted({*track.at_ms, *other.at_ms}):
        late_ms = ms + tick_ms
        here, there = track.at(late_ms), other.within(late_ms, tick_ms)
        # Each part alone, because what is held may change later than what is required.
        if any(here[name] not in [moment[name] for moment in there] for name in here):
            yield ms, f"{_said(here)} instead of {_said(other.at(late_ms))}"
            return


def _track(spec: Spec, scenario: Scenario, twin: Pair) -> DayHistory:
    play, track = Play(spec, scenario), DayHistory()
    for moment in play.moments():
        track.note(moment.ms, twin.same(play, moment))
    return track


def _said(what: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in what.items())
