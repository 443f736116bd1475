"""The errors of this package, and the findings about a ven.yaml with their positions.

* `VenError`
    * `SpecError`   a ven.yaml has errors; carries every `Finding` found
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .findings import SEVERITY

WIDTH = 240  # characters of a line that are shown


class VenError(Exception):
    """Base of every error a caller of this package may want to catch."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A position in a file. Lines and columns count from 1, as in editors."""

    file: str
    line: int
    column: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One error or likely mistake in a ven.yaml: its position and what to write instead.

    `kind` is one of `findings.KINDS`. A file with an error is refused, one with a warning is not.
    """

    mark: Mark
    kind: str
    problem: str
    hint: str = ""

    @property
    def severity(self) -> str:
        """`error` or `warning`."""
        return SEVERITY[self.kind]

    def __str__(self) -> str:
        prefix = "warning: " if self.severity == "warning" else ""
        return f"{self.mark}: {prefix}{self.problem}" + (f"; {self.hint}" if self.hint else "")

    def pretty(self) -> str:
        """The message, the line it is about, and a caret under the word."""
        gutter, first = f"{self.mark.line:>5} | ", max(0, self.mark.column - WIDTH // 2)
        shown = self.mark.text[first : first + WIDTH]
        caret = " " * (len(gutter) + self.mark.column - 1 - first) + "^"
        return f"{self}\n{gutter}{shown}\n{caret}"


class SpecError(VenError):
    """A ven.yaml that cannot be run, with all its errors in the order of the file."""

    def __init__(self, faults: Iterable[Finding]) -> None:
        self.faults: Sequence[Finding] = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def closest(word: str, names: Iterable[str]) -> str | None:
    """The known name that was probably meant; None if no name is near."""
    return next(iter(get_close_matches(word, sorted(names), n=1)), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """The hint for an unknown word: the nearest known one, or all of them."""
    names = sorted(known)
    if near := closest(word, names):
        return f"did you mean {near!r}?"
    return f"use one of: {', '.join(names)}" if names else ""
