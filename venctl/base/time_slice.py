"""Divides the loop's time into slices, so that long work does not block other tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SLICE_S = 0.005


class TimeSlice:
    """One piece of work per turn of the loop, in any number of steps; `go_on` continues it."""

    def __init__(self, go_on: Callable[[], None]) -> None:
        self._go_on = go_on
        self._until_s: float | None = None
        self._called = False

    def over(self) -> bool:
        """Whether this turn's time is used up; if so, `go_on` is called in the next one.

        Call before each step.
        """
        loop = asyncio.get_running_loop()
        if self._until_s is None:
            self._until_s = loop.time() + SLICE_S
            loop.call_soon(self._begin_anew)
        is_over = loop.time() > self._until_s
        if is_over and not self._called:
            self._called = True
            loop.call_soon(self._call)
        return is_over

    def _begin_anew(self) -> None:
        self._until_s = None

    def _call(self) -> None:
        self._called = False
        self._go_on()
