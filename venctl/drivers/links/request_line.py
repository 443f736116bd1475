"""What all links do with a request: its turn, its refusals, and what is kept of how it went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...base.clocks import clocks
from .faults import LinkFault
from .rests import LinkRefusals
from .state import Clocks, LinkState, Tally
from .turn import LinkTurn

T = TypeVar("T")


class RequestLine:
    """A connection on which requests are made one at a time, with a pause after each."""

    def __init__(self, what: str, pause_ms: int, clock: Clocks = clocks) -> None:
        self.tally = Tally(what, clock)
        self._turn, self._pause_ms, self._clock = LinkTurn(pause_ms), pause_ms, clock
        self._refusals = LinkRefusals()

    def now_ms(self) -> int:
        """Of the monotonic clock."""
        return self._clock()[1]

    def utc_ms(self) -> int:
        return self._clock()[0]

    async def carry_out(self, place: str, urgent: bool, do: Callable[[], Awaitable[T]]) -> T:
        """Do it when its turn comes. `place` is what is asked or ordered, without its values.

        Raises LinkFault; at once if the same was refused for good within the last minute.
        """
        try:
            self._refusals.check(place, self.now_ms())
            async with self._turn.take(urgent):
                self._refusals.check(place, self.now_ms())
                answer = await self._do(place, do)
        except LinkFault as fault:
            self.tally.erred(str(fault))
            raise
        self.tally.stands(True)
        return answer

    def state(self, pace_ms: int = 0) -> LinkState:
        return self.tally.state(max(pace_ms, self._pause_ms))

    async def _do(self, place: str, do: Callable[[], Awaitable[T]]) -> T:
        try:
            return await do()
        except LinkFault as fault:
            self._refusals.note(place, fault, self.now_ms())
            if fault.away:
                self._turn.fail_queries(fault)
            if fault.up is not None:
                self.tally.stands(fault.up)
            raise
