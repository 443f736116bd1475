"""Limits connections in total and per address."""

from __future__ import annotations

from collections import Counter
from typing import Generic, TypeVar

T = TypeVar("T")


class Admission(Generic[T]):
    """Counts connections. An idle one is closed for a new one; a busy one is not.

    So a client with many idle connections cannot keep others out.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._address: dict[T, str] = {}
        self._each: Counter[str] = Counter()
        self._waits: dict[T, None] = {}  # the longest waiting first

    def enter(self, one: T, address: str) -> T | None:
        """Count `one`. Returns the connection to close: None, an idle one, or `one` itself."""
        self._address[one], self._waits[one] = address, None
        self._each[address] += 1
        crowded = self._each[address] > self._most_each
        if not crowded and len(self._address) <= self._most:
            return None
        gone = next(it for it in self._waits if not crowded or self._address[it] == address)
        self.leave(gone)
        return gone

    def busy(self, one: T) -> None:
        """The connection is busy now."""
        self._waits.pop(one, None)

    def waits(self, one: T) -> None:
        """The connection is idle again."""
        if one in self._address:
            self._waits[one] = None

    def leave(self, one: T) -> None:
        """The connection is closed. May be called twice."""
        address = self._address.pop(one, None)
        self._waits.pop(one, None)
        if address is not None:
            self._each -= Counter([address])
