"""How a link does, for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...base.clocks import clocks

Clocks = Callable[[], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class LinkState:
    """One line of the page.

    `up` is None before the first request. `since_ms` (UTC) is when it became so. `pace_ms` is the
    least time between two requests at present. `fault` is the last one, also if it is over.
    """

    what: str
    up: bool | None
    since_ms: int
    pace_ms: int
    errors: int
    fault: str | None


class Tally:
    """Keeps what `LinkState` says."""

    def __init__(self, what: str, clock: Clocks = clocks) -> None:
        self._what, self._clock = what, clock
        self._up: bool | None = None
        self._since_ms = clock()[0]
        self._errors = 0
        self._fault: str | None = None

    def stands(self, up: bool) -> None:
        """The other end is there, or it is not."""
        if up is not self._up:
            self._up, self._since_ms = up, self._clock()[0]

    def erred(self, said: str) -> None:
        """A request failed."""
        self._errors += 1
        self._fault = said

    def state(self, pace_ms: int) -> LinkState:
        return LinkState(self._what, self._up, self._since_ms, pace_ms, self._errors, self._fault)
