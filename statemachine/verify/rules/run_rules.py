"""Plays a scenario with an observer and checks every rule at every moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...site.spec import Spec
from ..observer.observer import Observer
from ..world.play import Moment, Play
from ..world.recorded import RecordedDay
from ..world.scenario import Scenario
from . import circuit_rules, copy_rules, meter_rules, own_rules, return_rules, wire_rules
from .day_rules import DAY_RULES, broken_at_the_end

_RULES = (  # importing them registers their rules
    *(circuit_rules, copy_rules, meter_rules, own_rules, return_rules, wire_rules),
)

Watcher = Callable[[Play, Moment], None]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a scenario breaks, at `ms` since its start, and what is wrong."""

    rule: str
    ms: int
    said: str

    def __str__(self) -> str:
        named = DAY_RULES.get(self.rule)
        words = named.__name__.replace("_", " ") if named else ""
        return f"{self.rule} {words}: {self.said}"


def violations_of(
    play: Play, seen: Watcher | None = None, until_ms: int | None = None
) -> Iterator[Violation]:
    """Every rule that `play` breaks, while it is played; `seen` gets every moment.

    `until_ms`: play until then only, without the checks for the end of a day.
    """
    book = Observer(play)
    for moment in play.moments():
        if until_ms is not None and moment.ms > until_ms:
            return
        book.note(moment)
        if seen is not None:
            seen(play, moment)
        for number, rule in DAY_RULES.items():
            for text in rule(book, moment):
                yield Violation(number, moment.ms, text)
    for sentence in broken_at_the_end(book):
        number, _, text = sentence.partition(" ")
        yield Violation(number, play.ms, text)


def first_violation(
    spec: Spec, scenario: Scenario, recorded: RecordedDay | None = None
) -> Violation | None:
    """The first rule that a scenario breaks; None if it breaks none."""
    return next(violations_of(Play(spec, scenario, recorded)), None)
