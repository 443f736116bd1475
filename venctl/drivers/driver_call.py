"""A driver call with a time limit: it ends with an answer or a fault, whatever the driver does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from statemachine.state.triggers import NO_ANSWER

T = TypeVar("T")
GRACE_S = 0.2
TIMEOUT_S = 4.0
LAST_S = 1.0


class DriverCall(Generic[T]):
    """One call in progress. After it ends, `fault` says why it failed, or is None if it did not.

    `late` is called if the call ends after it was given up, because its effect is then unknown.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], late: Callable[[], None]) -> None:
        self._ask, self._late = ask, late
        self._given_up = False
        self.answer: T | None = None
        self.fault: str | None = None
        self.task = asyncio.create_task(self._run())

    async def wait(self, seconds: float) -> None:
        """Wait until it has ended; after `seconds` it is given up."""
        try:
            await asyncio.wait({self.task}, timeout=seconds)
            if not self.task.done():
                self.fault = f"{NO_ANSWER} within {seconds:g} s"
                self.task.cancel()
                await asyncio.wait({self.task}, timeout=GRACE_S)
        finally:
            self._given_up = not self.task.done()
            if self._given_up:
                self.task.cancel()

    async def _run(self) -> None:
        """Run the call; anything a driver raises becomes its fault and stops nothing else."""
        fault = None
        try:
            self.answer = await self._ask()
        except asyncio.CancelledError:
            fault = "the driver cancelled the call"
        except BaseException as error:
            fault = str(error) or type(error).__name__
        if self._given_up:
            self._late()
        self.fault = self.fault or fault
