"""Searches for a day on which the site of a ven.yaml breaks a rule.

Days, rules and the observer are those of our own tests. A day that breaks a rule is shortened,
described, and written as a scenario that `venctl simulate` repeats.

Hypothesis was measured instead, on six faults with three seeds each: it found 14 of 18 and this
search 17, and in 5 of the 14 it left 4 to 13 steps where `shrink.py` leaves one or two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from random import Random

from statemachine.curtail.capacity import loads
from statemachine.site.spec import Spec
from statemachine.state.triggers import DrEvent
from statemachine.verify.rules.day_rules import DAY_RULES
from statemachine.verify.rules.properties import RULES, broken_plan_rules, broken_site_limits
from statemachine.verify.rules.run_rules import Violation, violations_of
from statemachine.verify.search.generate_days import Words, generate_day
from statemachine.verify.search.generate_panels import generate_memory, generate_trial
from statemachine.verify.search.narrate import narrate
from statemachine.verify.search.pairs import TWINS, differences
from statemachine.verify.search.shrink import shrink
from statemachine.verify.world.play import Moment, Play
from statemachine.verify.world.scenario import Scenario

SITE_RULES = 3
MOST_STEPS = 20
PLANS_SHARE, DAYS_SHARE = 0.15, 0.75  # of the time; the rest shortens the found days
TWIN_EACH = 4
LATER_MS = 600_000  # a simpler day may break the rule this much later, and is not played further


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A rule that this site breaks: a sentence, the story, and the scenario."""

    sentence: str
    story: tuple[str, ...] = ()
    words: Words | None = None


@dataclass(slots=True)
class SearchProgress:
    """How much was tried so far."""

    plans: int = 0
    days: int = 0
    hours: float = 0.0
    events: int = 0
    decisions: int = 0

    def as_dict(self) -> dict[str, float]:
        """The counters for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.plans:,} panels with targets, {self.days:,} days ({self.hours:,.0f} h in all), "
            f"{self.events:,} events, {self.decisions:,} decisions"
        )


Progress = Callable[[SearchProgress], None]


@dataclass(slots=True)
class Search:
    """One search through random days of a site, for at most `seconds` and `examples` days."""

    spec: Spec
    examples: int
    seed: int
    seconds: float
    progress: Progress
    tried: SearchProgress = field(default_factory=SearchProgress)
    _began_s: float = field(default_factory=time.monotonic)

    def run(self) -> list[Counterexample]:
        """Find broken rules, each with the shortest day there was time to find."""
        plans = self._of_plans()
        days = self._of_days()
        left_s = max(1.0, self.seconds - (time.monotonic() - self._began_s))
        return [*plans, *(self._told(*item, left_s / len(days)) for item in days.items())]

    def _of_plans(self) -> list[Counterexample]:
        sentences: dict[str, str] = {}
        for dice in self._dice(self.examples * 2, PLANS_SHARE):
            memory = generate_memory(dice, self.spec)
            trial = generate_trial(dice, tuple(loads(self.spec, memory)))
            self.tried.plans += 1
            for sentence in (*broken_site_limits(self.spec, memory), *broken_plan_rules(trial)):
                sentences.setdefault(sentence.split()[0], sentence)
        return [Counterexample(sentence) for sentence in sentences.values()]

    def _of_days(self) -> dict[str, Words]:
        days: dict[str, Words] = {}
        for dice in self._dice(self.examples, DAYS_SHARE):
            rule, words = random_day(self.spec, dice)
            self.tried.days += 1
            for broken in self._broken(words, rule, days):
                days.setdefault(broken, words)
        return days

    def _broken(self, words: Words, rule: str, known: dict[str, Words]) -> list[str]:
        """The rules that a day breaks and that are not known yet."""
        scenario = Scenario.model_validate(words)
        if rule:
            return [rule] if next(differences(self.spec, scenario, rule), None) else []
        play = Play(self.spec, scenario)
        violations = violations_of(play, self._count)
        rules = [violation.rule for violation in violations if violation.rule not in known]
        self.tried.hours += play.ms / 3_600_000
        return list(dict.fromkeys(rules))

    def _count(self, play: Play, moment: Moment) -> None:
        self.tried.decisions += 1
        if isinstance(moment.trigger, DrEvent):
            self.tried.events += 1

    def _told(self, rule: str, words: Words, seconds: float) -> Counterexample:
        """Shorten and describe a day that breaks a rule."""
        until_s = time.monotonic() + seconds
        first = first_break(self.spec, words, rule)
        assert first is not None, "the day that was found breaks its rule"
        violation = first

        def breaks(day: Words) -> bool:
            nonlocal violation
            again = first_break(self.spec, day, rule, violation.ms + LATER_MS)
            violation = again or violation
            return again is not None

        small = shrink(words, breaks, lambda: time.monotonic() > until_s)
        small = {"about": violation.said, "breaks": rule, **small}
        story = narrate(self.spec, Scenario.model_validate(small), violation.ms, str(violation))
        return Counterexample(str(violation), tuple(story), small)

    def _dice(self, most: int, share: float) -> Iterator[Random]:
        """The same dice for one seed, for up to `most` tries or that share of the time."""
        for number in range(most):
            yield Random(f"{self.seed}:{number}")
            self.progress(self.tried)
            if time.monotonic() - self._began_s > self.seconds * share:
                return


def random_day(spec: Spec, dice: Random) -> tuple[str, Words]:
    """A random day; sometimes one for a rule that compares it with a variant."""
    words, kind = generate_day(spec, dice, MOST_STEPS), dice.randrange(TWIN_EACH * 3)
    if kind >= len(TWINS):
        return "", words
    rule, twin = list(TWINS.items())[kind]
    return rule, {**twin.invent(words, dice), "loads": "steady"}


def first_break(
    spec: Spec, words: Words, rule: str, until_ms: int | None = None
) -> Violation | None:
    """The first time that a day breaks a rule, up to `until_ms` if that is given."""
    scenario = Scenario.model_validate(words)
    if rule in TWINS and (differing := next(differences(spec, scenario, rule), None)):
        return Violation(rule, *differing)
    violations = violations_of(Play(spec, scenario), None, until_ms)
    return next((violation for violation in violations if violation.rule == rule), None)


def rule_count() -> int:
    """How many rules a search checks."""
    return len(RULES) + SITE_RULES + len(DAY_RULES) + len(TWINS)
