"""Combinations of guard answers: which row is taken first in each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from ..chart.registry import SCOPES, never_true
from ..site.tables import Row

Case = frozenset[str]  # the guards that are true


def cases(rows: Iterable[Row], trigger: str) -> Iterator[Case]:
    """Every combination of answers that the guards of `rows` can give on `trigger`."""
    names = sorted({name for row in rows for name in (*row.if_, *row.unless)})
    guards = [name for name in names if not never_true(name, trigger)]
    for answers in product((False, True), repeat=len(guards)):
        case = frozenset(name for name, yes in zip(guards, answers, strict=True) if yes)
        if all(_implied(name, guards) <= case for name in case):
            yield case


def fits(row: Row, case: Case) -> bool:
    """Whether the row can fire in this case."""
    return case.issuperset(row.if_) and case.isdisjoint(row.unless)


def first_match(rows: Sequence[Row], case: Case) -> int | None:
    """The index of the first row that fits; None if there is none."""
    return next((index for index, row in enumerate(rows) if fits(row, case)), None)


def case_text(case: Case, rows: Iterable[Row]) -> str:
    """A case in words, like `over is true and delivers is false`; "" if `rows` have no guards."""
    names = sorted({name for row in rows for name in (*row.if_, *row.unless)})
    return " and ".join(f"{name} is {'true' if name in case else 'false'}" for name in names)


def _implied(name: str, guards: Sequence[str]) -> set[str]:
    scope = SCOPES.get(name)
    return {scope.implies} & set(guards) if scope is not None else set()
