"""Guards as yes and no: which of several rows fits first, in every case there can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from ..chart.registry import SCOPES, never_true
from ..site.tables import Row

Case = frozenset[str]  # the guards that say yes


def cases(rows: Iterable[Row], trigger: str) -> Iterator[Case]:
    """Every way in which the guards of `rows` can answer when `trigger` comes."""
    names = sorted({name for row in rows for name in (*row.if_, *row.unless)})
    asked = [name for name in names if not never_true(name, trigger)]
    for answers in product((False, True), repeat=len(asked)):
        case = frozenset(name for name, yes in zip(asked, answers, strict=True) if yes)
        if all(_implied(name, asked) <= case for name in case):
            yield case


def fits(row: Row, case: Case) -> bool:
    """The row's guards let it fire in this case."""
    return case.issuperset(row.if_) and case.isdisjoint(row.unless)


def first(rows: Sequence[Row], case: Case) -> int | None:
    """The place of the first row that fits; None where none does."""
    return next((place for place, row in enumerate(rows) if fits(row, case)), None)


def spelled(case: Case, rows: Iterable[Row]) -> str:
    """A case in words: what `rows` ask for and is so, or is not so; "" where they ask nothing."""
    names = sorted({name for row in rows for name in (*row.if_, *row.unless)})
    return " and ".join(f"{name}" if name in case else f"not {name}" for name in names)


def _implied(name: str, asked: Sequence[str]) -> set[str]:
    scope = SCOPES.get(name)
    return {scope.implies} & set(asked) if scope is not None else set()
