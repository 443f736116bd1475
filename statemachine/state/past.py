"""The events that a site took on, and when they ran: what its limits are held against."""

from __future__ import annotations

from typing import NamedTuple

Span = tuple[int, int]  # from and to, in UTC milliseconds


class PastEvent(NamedTuple):
    """An event that was taken on, for the limits of a site; the newest terms count."""

    id: str
    """The id of the event."""
    source: str
    """The door it came by."""
    start_ms: int
    """Its start, in UTC."""
    end_ms: int
    """Its end, in UTC."""
    ran_ms: tuple[Span, ...] = ()
    """The spans outside of these terms in which it ran under earlier ones."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """All that it ran, and will run."""
        return (*self.ran_ms, (self.start_ms, self.end_ms))

    @property
    def length_ms(self) -> int:
        return sum(end_ms - start_ms for start_ms, end_ms in self.spans)
