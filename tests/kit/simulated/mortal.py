"""A program in simulated time that can be killed between any two of its steps, or within one.

What runs in the context of a `Life` runs no more once that is dead: no task goes on, no timer
rings, no `finally` is reached, as after a SIGKILL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any

from tests.kit.simulated.skipping import Skipping

_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


class Died(BaseException):
    """The program is gone; what is being done when it dies is not finished."""


class Life:
    """One life of a program. `buried` is called once, when it ends.

    A doom is how many steps, or edges, are left of it: an edge is where the program touches what is
    outside of it.
    """

    def __init__(self, buried: Callable[[str], None]) -> None:
        self.alive, self._buried = True, buried
        self.steps_left: int | None = None
        self.edges_left: int | None = None
        self.context: Context = copy_context()
        self.context.run(_LIFE.set, self)

    def kill(self, where: str) -> None:
        """It ends here."""
        if self.alive:
            self.alive = False
            self._buried(where)

    def step(self) -> bool:
        """Whether it lives to do one more step."""
        if self.alive and self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left <= 0:
                self.kill("between two steps")
        return self.alive

    def edge(self, where: str) -> None:
        """It touches the world. Raises `Died`."""
        if self.alive and self.edges_left is not None:
            self.edges_left -= 1
            if self.edges_left <= 0:
                self.kill(where)
        if not self.alive:
            raise Died(where)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Have the program do something."""
        return asyncio.get_running_loop().create_task(work, context=self.context)

    def later(self, seconds: float, do: Callable[..., object], *said: Any) -> None:
        """Something reaches the program after a while, if it still lives."""
        asyncio.get_running_loop().call_later(seconds, do, *said, context=self.context)


class _Future(asyncio.Future[Any]):
    """A future that knows whose it is."""

    life: Life | None = None


class _Task(asyncio.Task[Any]):
    """A task that knows whose it is."""

    life: Life | None = None


class MortalLoop(Skipping):
    """Runs what belongs to a life only while that lasts. `raised` is what no living one caught."""

    def __init__(self) -> None:
        super().__init__()
        self.raised: list[str] = []
        self.tasks: list[asyncio.Task[Any]] = []  # or the collector ends some, some day
        self.set_task_factory(_owned)
        self.set_exception_handler(_note)

    def create_future(self) -> asyncio.Future[Any]:
        future = _Future(loop=self)
        future.life = _LIFE.get()
        return future

    def sweep(self) -> None:
        """Close what never ended, while there is a loop to do it on."""
        current = asyncio.current_task()
        for task in self.tasks:
            if not task.done() and task is not current:
                with suppress(BaseException):
                    task.get_coro().close()  # type: ignore[union-attr]

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context
        life = context.get(_LIFE)
        if life is None:
            return super().call_soon(callback, *args, context=context)
        if not life.alive:  # what is swept up after a death
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon(_in_life, life, callback, args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        life = context.get(_LIFE)
        if life is None:
            return super().call_at(when, callback, *args, context=context)
        return super().call_at(when, _in_life, life, callback, args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)


def _owned(
    loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None
) -> asyncio.Task[Any]:
    assert isinstance(loop, MortalLoop)
    task = _Task(work, loop=loop, context=context)
    task.life = _LIFE.get() if context is None else context.get(_LIFE)
    loop.tasks.append(task)
    return task


def _note(loop: asyncio.AbstractEventLoop, said: dict[str, Any]) -> None:
    assert isinstance(loop, MortalLoop)
    error = said.get("exception")
    life = getattr(said.get("future") or said.get("task"), "life", None)
    if error is not None and not isinstance(error, Died) and (life is None or life.alive):
        loop.raised.append(f"{said['message']}: {type(error).__name__}: {error}")


def _in_life(life: Life, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if life.step():
        with suppress(Died):
            callback(*args)


def living() -> Life:
    """The life that this is done in."""
    life = _LIFE.get()
    assert life is not None
    return life
