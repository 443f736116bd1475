"""A ven.yaml under audit: what it says, where it says it, and what of it could not be read."""

from __future__ import annotations

from dataclasses import dataclass

from ..kit.errors import Fault
from ..site.source import Path, Source
from ..site.spec import Spec


@dataclass(frozen=True, slots=True)
class Draft:
    """`broken` are the sections that did not validate; `spec` has a stand-in for them.

    Nothing is concluded from a stand-in: one fault is told once, not with all that follows of it.
    """

    spec: Spec
    source: Source
    broken: frozenset[str] = frozenset()

    def at(self, path: Path, kind: str, problem: str, hint: str = "") -> Fault:
        """A fault of the value at `path`."""
        return Fault(self.source.mark(path), kind, problem, hint)

    def of(self, path: Path, kind: str, problem: str, hint: str = "") -> Fault:
        """A fault of the key at `path`."""
        return Fault(self.source.key(path), kind, problem, hint)

    def sound(self, *sections: str) -> bool:
        """All of these sections were read as they stand in the file."""
        return not self.broken & set(sections)

    def line(self, path: Path) -> int:
        """The line of the value at `path`."""
        return self.source.mark(path).line
