"""A thread of its own for what may have to wait for a disk, so that the loop never does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

log = logging.getLogger(__name__)
Work = Callable[[], Any]
Done = Callable[[Any, Exception | None], None]
T = TypeVar("T")


class Worker(Protocol):
    """Does one piece of work after the other, in order."""

    def do(self, work: Work, done: Done) -> None:
        """Have `work` done; `done` gets its answer, or what it raised, on the caller's loop."""

    def stop(self) -> None:
        """Do what was handed in, and no more."""


class Thread:
    """A `Worker` that holds up neither the loop nor the end of the program. Make it on the loop."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[tuple[Work, Done] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, work: Work, done: Done) -> None:
        """As in `Worker`; returns at once."""
        self._jobs.put((work, done))

    def stop(self) -> None:
        """As in `Worker`; nobody waits for it."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, done = job
            answer, error = None, None
            try:
                answer = work()
            except Exception as raised:
                error = raised
            try:
                self._loop.call_soon_threadsafe(done, answer, error)
            except RuntimeError:
                log.debug("the loop is closed")


async def apart(name: str, work: Callable[[], T], make: Callable[[str], Worker] = Thread) -> T:
    """What `work` answers or raises, done on a thread for it alone.

    asyncio's own threads are few, and calls of drivers that never end may sit in all of them.
    """
    thread = make(name)
    try:
        return await asked(thread, work, None)
    finally:
        thread.stop()


async def asked(worker: Worker, work: Callable[[], T], patience_s: float | None) -> T:
    """What `work` answers or raises, once it was its turn. TimeoutError after `patience_s`.

    None: however long it takes.
    """
    answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    worker.do(work, partial(settle, answer))
    async with asyncio.timeout(patience_s):
        return await answer


def settle(future: asyncio.Future[Any], answer: Any, error: Exception | None) -> None:
    """A `Done` that passes it on to whoever still waits for `future`."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)
