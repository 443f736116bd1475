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

    def enter(self, connection: T, address: str) -> T | None:
        """Count `connection`. Returns what to close: None, an idle one or `connection`."""
        self._address[connection], self._waits[connection] = address, None
        self._each[address] += 1
        crowded = self._each[address] > self._most_each
        if not crowded and len(self._address) <= self._most:
            return None
        gone = next(it for it in self._waits if not crowded or self._address[it] == address)
        self.leave(gone)
        return gone

    def busy(self, connection: T) -> None:
        """The connection is busy now."""
        self._waits.pop(connection, None)

    def waits(self, connection: T) -> None:
        """The connection is idle again."""
        if connection in self._address:
            self._waits[connection] = None

    def leave(self, connection: T) -> None:
        """The connection is closed. May be called twice."""
        address = self._address.pop(connection, None)
        self._waits.pop(connection, None)
        if address is not None:
            self._each -= Counter([address])
