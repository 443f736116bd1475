"""What is to happen in a played day, in order of time; at one moment, in order of planning."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """Actions by their time, each done once."""

    def __init__(self) -> None:
        self._numbers = 0
        self._deeds: list[tuple[int, int, Callable[[], T]]] = []

    def plan(self, ms: int, deed: Callable[[], T], first: bool = False) -> None:
        """Do `deed` at `ms`; `first`: before everything else planned for that moment."""
        self._numbers += 1
        heappush(self._deeds, (ms, -self._numbers if first else self._numbers, deed))

    @property
    def next_ms(self) -> int | None:
        """When the next action is due, in elapsed ms; None: nothing is planned."""
        return self._deeds[0][0] if self._deeds else None

    def take(self) -> Callable[[], T]:
        """Take out the next action."""
        return heappop(self._deeds)[2]
