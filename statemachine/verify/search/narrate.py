"""A played day as a short story: who did what and when, what the site did, what went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from ...curtail.dwell import duration
from ...kit.localtime import local_time
from ...site.spec import Spec
from ...state.effects import Ack, Switch
from ...state.memory import Memory
from ...state.triggers import Command, Disconnected, Restarted, Timer
from ..world.play import Moment, Play
from ..world.recorded import RecordedDay
from ..world.scenario import EventStep, Scenario, Step
from .generate_days import Words
from .step_text import describe

MOST_LINES = 40
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*( [A-Za-z%]+)?")


class Narrator:
    """Gets every moment of a play and collects the lines worth reading."""

    def __init__(self, spec: Spec, scenario: Scenario, start_ms: int) -> None:
        self._spec, self._start_ms = spec, start_ms
        self._steps = sorted(scenario.steps, key=lambda step: step.at)
        self.lines = [f"{self.clock(0)}  the day starts; {_draws(spec, scenario)}"]

    def clock(self, ms: int) -> str:
        """Local time of a moment, on a clock that nobody sets."""
        return local_time(self._start_ms + ms, self._spec.site.timezone).strftime("%H:%M:%S")

    def see(self, play: Play, moment: Moment) -> None:
        """Add what is new in a moment, and the steps that came before it."""
        while self._steps and self._steps[0].at <= moment.ms:
            step = self._steps.pop(0)
            self._add(step.at, self._said(step))
        for line in self._news(moment):
            self._add(moment.ms, line)

    def ended(self, ms: int, words: str) -> list[str]:
        """The story up to `ms`, with `words` as its last line."""
        self._add(ms, words)
        left = len(self.lines) - MOST_LINES
        if left <= 1:
            return self.lines
        return [self.lines[0], f"  ... {left} lines left out ...", *self.lines[left + 1 :]]

    def _add(self, ms: int, line: str) -> None:
        self.lines.append(f"{self.clock(ms)}  {line}")

    def _said(self, step: Step) -> str:
        return self._call(step.event) if step.event is not None else describe(step)

    def _call(self, call: EventStep) -> str:
        words = f"{call.door} requests {call.id}: {call.shed / 1000:g} kW for {duration(call.for_)}"
        words += "" if call.start is None else f", from {self.clock(call.start)}"
        words += f", delayed by up to {duration(call.random)}" if call.random else ""
        return words + (f", revision {call.revision}" if call.revision else "")

    def _news(self, moment: Moment) -> Iterator[str]:
        if isinstance(moment.trigger, Restarted) and moment.ms:
            yield "the program starts again"
        if isinstance(moment.trigger, Disconnected):
            yield "the site sees that the link is lost"
        for effect in moment.effects:
            if isinstance(effect, Ack):
                yield f"  answer: {_answer(effect.body)}"
            elif isinstance(effect, Switch) and not isinstance(moment.trigger, Restarted | Command):
                yield f"  {effect.circuit} is switched {'on' if effect.enabled else 'off'}"
        last = moment.memory.last
        if last is not None and last is not moment.before.last:
            yield f"  {last.event_id} is {last.target}"
        yield from _holds(moment.before, moment.memory, isinstance(moment.trigger, Timer))


def narrate(
    spec: Spec, scenario: Scenario, until_ms: int, words: str, recorded: RecordedDay | None = None
) -> list[str]:
    """The story of a scenario up to a moment, with `words` as its last line."""
    play = Play(spec, scenario, recorded)
    teller = Narrator(spec, scenario, play.start_ms)
    for moment in play.moments():
        if moment.ms > until_ms:
            break
        teller.see(play, moment)
    return teller.ended(until_ms, words)


def _draws(spec: Spec, scenario: Scenario) -> str:
    draws = [f"{id} {watts / 1000:g} kW" for id, watts in scenario.draws.items()]
    rest = f"loads are {scenario.loads or spec.sim.load}"
    return f"{', '.join(draws)}; else {rest}" if draws else rest


def _answer(ack: Mapping[str, object]) -> str:
    if ack["status"] == "rejected":
        return f"rejected, {ack['reason']}: {ack['detail']}"
    return str(ack["status"])


def _holds(before: Memory, now: Memory, timed: bool) -> Iterator[str]:
    """What is held now that was not held before, and what was released."""
    held, free = [], []
    for id, live in now.circuits.items():
        was_w = before.circuits[id].held_w
        if live.held_w is not None and live.held_w != was_w:
            held.append(f"{id} at {live.held_w / 1000:g} of {live.free_w / 1000:g} kW")
        elif live.held_w is None and was_w is not None:
            free.append(id)
    if held:
        yield f"  held: {', '.join(held)}"
    if free:
        yield f"  released: {', '.join(free)}"


def scenario_text(words: Words, story: Iterable[str]) -> str:
    """A scenario as YAML with its story above it, as `read_scenario` reads it."""
    lines = [f"# {line}" for line in story]
    for name, value in words.items():
        if name == "steps":
            lines += ["steps:", *(f"  - {_flow(step)}" for step in value)]
        else:
            lines.append(f"{name}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(part)}" for name, part in value.items()) + "}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
