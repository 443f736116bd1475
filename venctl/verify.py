"""Looks for a situation in which the site of a ven.yaml would not do what it must."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from statemachine.capacity import loads
from statemachine.memory import Memory
from statemachine.properties import (
    RULES,
    Trial,
    broken,
    broken_life,
    broken_site,
)
from statemachine.spec import Spec
from statemachine.trials import memories, trials_of

MOST_MINUTES = 24 * 60


class _Broken(AssertionError):
    """Carries the sentence through Hypothesis, which makes the example small."""


def verify(spec: Spec, examples: int, seed: int | None) -> list[str]:
    """The rules that this site breaks, each as a sentence with the smallest example found.

    Prints what was tried. `seed` repeats a search; None takes a new one each time. 500 examples
    of a site of ten circuits take some ten seconds.
    """
    sites = memories(spec).flatmap(lambda memory: st.tuples(st.just(memory), _trials(spec, memory)))
    longest_min = min(MOST_MINUTES, max(1, spec.limits.longest_event // 60_000))
    lives = st.tuples(
        memories(spec), st.integers(1, max(1, spec.site.service)), st.integers(1, longest_min)
    )
    found = _search(sites, lambda case: _of_plans(spec, *case), examples, seed)
    print(f"{examples} panels and targets tried against {len(RULES) + 3} rules of planning")
    found += _search(lives, lambda case: _of_lives(spec, *case), max(1, examples // 5), seed)
    print(f"{max(1, examples // 5)} events tried from their call to the last circuit's return")
    return found


def _trials(spec: Spec, memory: Memory) -> st.SearchStrategy[Trial]:
    return trials_of(st.just(tuple(loads(spec, memory))))


def _of_plans(spec: Spec, memory: Memory, trial: Trial) -> Iterable[str]:
    yield from broken_site(spec, memory)
    yield from broken(trial)


def _of_lives(spec: Spec, memory: Memory, shed_w: int, minutes: int) -> Iterable[str]:
    yield from broken_life(spec, memory, shed_w, minutes * 60_000)


def _search(
    cases: st.SearchStrategy[Any],
    check: Callable[[Any], Iterable[str]],
    examples: int,
    seed: int | None,
) -> list[str]:
    """Every rule that some case breaks: search again without those that are known by now."""
    found: dict[str, str] = {}

    def holds(case: Any) -> None:
        for sentence in check(case):
            if sentence.split()[0] not in found:
                raise _Broken(sentence)

    free = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    search = free(given(cases)(holds))
    while True:
        try:
            (search if seed is None else seeded(seed)(search))()
            return list(found.values())
        except _Broken as error:
            found[str(error).split()[0]] = str(error)
