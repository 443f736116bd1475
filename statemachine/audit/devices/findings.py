"""The findings about the devices of one file, collected while they are resolved."""

from __future__ import annotations

from ...kit.errors import Finding
from ...site.source import Path, Source


class Findings:
    """What is wrong, each at the place of a value or of a key."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.all: list[Finding] = []

    def at(self, path: Path, kind: str, problem: str, hint: str = "") -> None:
        """About the value at `path`."""
        self.all.append(Finding(self._source.mark(path), kind, problem, hint))

    def of(self, path: Path, kind: str, problem: str, hint: str = "") -> None:
        """About the key at `path`."""
        self.all.append(Finding(self._source.key(path), kind, problem, hint))
