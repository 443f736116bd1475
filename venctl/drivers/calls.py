"""A call of a driver that ends in time, whatever the driver does: with an answer or a fault."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from statemachine.state.triggers import NO_ANSWER

T = TypeVar("T")
GRACE_S = 0.2


class Call(Generic[T]):
    """One call under way. `fault` says after its end why it did not go well; None: it did.

    `late` is called if it ends after it was given up: nobody knows what it did by then.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], late: Callable[[], None]) -> None:
        self._ask, self._late = ask, late
        self._given_up = False
        self.answer: T | None = None
        self.fault: str | None = None
        self.task = asyncio.create_task(self._run())

    async def wait(self, seconds: float) -> None:
        """Return once it has ended, at the latest after `seconds`; then it is given up."""
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
        """Whatever a driver raises is a fault of it, and ends nothing of ours."""
        fault = None
        try:
            self.answer = await self._ask()
        except asyncio.CancelledError:
            fault = "it was cancelled"
        except BaseException as error:
            fault = str(error) or type(error).__name__
        if self._given_up:
            self._late()
        self.fault = self.fault or fault
