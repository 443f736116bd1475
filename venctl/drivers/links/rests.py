"""When something is left alone, and for how long. Nothing here has a clock: times are given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

from .faults import LinkFault

LASTING_MS = 60_000
MOST_PAUSE_MS = 60_000
FIRST_PAUSE_MS = 5_000


class Rest:
    """Leaves alone what does not answer: `waits_ms` after the first failure in a row, the second,
    and so on; the last of them after each further one.
    """

    def __init__(self, waits_ms: Sequence[int]) -> None:
        self._waits_ms = tuple(waits_ms)
        self.failures = 0
        self._until_ms: int | None = None

    def failed(self, now_ms: int) -> None:
        wait_ms = self._waits_ms[min(self.failures, len(self._waits_ms) - 1)]
        self.failures += 1
        self._until_ms = now_ms + wait_ms

    def worked(self) -> None:
        self.failures, self._until_ms = 0, None

    def left_ms(self, now_ms: int) -> int:
        """How long it is still left alone; 0: not."""
        return 0 if self._until_ms is None else max(0, self._until_ms - now_ms)


class QueryPace:
    """How far apart queries are kept for a device that says that it is asked too much.

    The pause doubles each time it says so, up to a minute, and shrinks slowly: a device that
    answers each second query must not be asked faster for it.
    """

    def __init__(self) -> None:
        self.pause_ms = 0
        self._until_ms = 0

    def busy(self, now_ms: int, wanted_ms: int | None) -> None:
        """It said so; `wanted_ms` is how long it wants to be left alone, if it said that too."""
        doubled_ms = max(FIRST_PAUSE_MS, 2 * self.pause_ms, wanted_ms or 0)
        self.pause_ms = min(MOST_PAUSE_MS, doubled_ms)
        self._until_ms = now_ms + self.pause_ms

    def worked(self, now_ms: int) -> None:
        """It answered."""
        smaller_ms = self.pause_ms * 9 // 10
        self.pause_ms = smaller_ms if smaller_ms >= FIRST_PAUSE_MS // 2 else 0
        self._until_ms = now_ms + self.pause_ms

    def left_ms(self, now_ms: int) -> int:
        """How long until the next query."""
        return max(0, self._until_ms - now_ms)


class LinkRefusals:
    """What was refused for good, so that it is not tried again within a minute: a device may lock
    out who tries a wrong password again and again.
    """

    def __init__(self) -> None:
        self._standing: dict[str, tuple[int, LinkFault]] = {}

    def note(self, place: str, fault: LinkFault, now_ms: int) -> None:
        """Keep a fault of the request `place`, if it is lasting."""
        if fault.lasting:
            kept = {key: one for key, one in self._standing.items() if one[0] > now_ms}
            kept["" if fault.everywhere else place] = now_ms + LASTING_MS, fault
            self._standing = kept

    def check(self, place: str, now_ms: int) -> None:
        """Raises the fault that would be repeated."""
        for key in ("", place):
            if key in self._standing and now_ms < self._standing[key][0]:
                raise self._standing[key][1].again()


def retry_after_ms(text: str, utc_ms: int) -> int | None:
    """What a Retry-After says, in seconds or as a date; None if it says nothing."""
    if text.strip().isascii() and text.strip().isdigit():
        return min(MOST_PAUSE_MS, 1000 * int(text.strip()[:9]))
    try:
        date: datetime = parsedate_to_datetime(text)
        return max(0, min(MOST_PAUSE_MS, round(date.timestamp() * 1000) - utc_ms))
    except (ValueError, OverflowError):
        return None
