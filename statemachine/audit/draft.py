"""A ven.yaml that is being checked: its values, their positions, and its invalid sections."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..device.catalog import NO_DEVICES, Catalog
from ..kit.errors import Finding
from ..site.source import Path, Source
from ..site.spec import Spec


@dataclass(frozen=True, slots=True)
class Draft:
    """`broken` are the sections that did not validate; `spec` has placeholders for them.

    Checks skip placeholders, so that one mistake is reported once and without its consequences.
    """

    spec: Spec
    source: Source
    broken: frozenset[str] = frozenset()
    catalog: Catalog = field(default_factory=lambda: NO_DEVICES)

    def at(self, path: Path, kind: str, problem: str, hint: str = "") -> Finding:
        """A finding about the value at `path`."""
        return Finding(self.source.mark(path), kind, problem, hint)

    def of(self, path: Path, kind: str, problem: str, hint: str = "") -> Finding:
        """A finding about the key at `path`."""
        return Finding(self.source.key(path), kind, problem, hint)

    def sound(self, *sections: str) -> bool:
        """Whether all these sections are valid."""
        return not self.broken & set(sections)

    def line(self, path: Path) -> int:
        """The line of the value at `path`."""
        return self.source.mark(path).line
