"""The events that a site took on, and when they ran: what its limits are held against."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

Span = tuple[int, int]  # from and to, in UTC milliseconds


class Past(NamedTuple):
    """An event that was taken on, for the limits of a site; the newest terms count.

    `ran_ms`: the spans outside of these terms in which it ran under earlier ones.
    """

    id: str
    source: str
    start_ms: int
    end_ms: int
    ran_ms: tuple[Span, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """All that it ran, and will run."""
        return (*self.ran_ms, (self.start_ms, self.end_ms))

    @property
    def length_ms(self) -> int:
        return sum(end_ms - start_ms for start_ms, end_ms in self.spans)


def past_of(id: str, source: str, start_ms: int, end_ms: int, ran: Iterable[Span] = ()) -> Past:
    """An event as the journal kept it; earlier versions kept nothing of what it ran before."""
    return Past(id, source, start_ms, end_ms, tuple((from_ms, to_ms) for from_ms, to_ms in ran))
