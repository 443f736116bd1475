"""A separate thread for work that may wait for a disk, so that the loop never does."""

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
    """Runs pieces of work one after another, in order."""

    def do(self, work: Work, done: Done) -> None:
        """Run `work`; `done` gets its result, or what it raised, on the caller's loop."""

    def stop(self) -> None:
        """Finish the work that was accepted, and accept no more."""


class ThreadWorker:
    """A `Worker` that blocks neither the loop nor the end of the program. Create it on the loop."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[tuple[Work, Done] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, work: Work, done: Done) -> None:
        """As in `Worker`; does not block."""
        self._jobs.put((work, done))

    def stop(self) -> None:
        """As in `Worker`; returns without waiting for it."""
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
                log.debug("a result was dropped because the loop is closed")


async def run_in_thread(
    name: str, work: Callable[[], T], make: Callable[[str], Worker] = ThreadWorker
) -> T:
    """The result of `work`, or what it raises, run on a thread of its own.

    asyncio's own threads are few, and driver calls that never end may occupy all of them.
    """
    thread = make(name)
    try:
        return await run_on(thread, work, None)
    finally:
        thread.stop()


async def run_on(worker: Worker, work: Callable[[], T], patience_s: float | None) -> T:
    """The result of `work`, or what it raises, run in its turn. TimeoutError after `patience_s`.

    None means no limit.
    """
    answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    worker.do(work, partial(resolve, answer))
    async with asyncio.timeout(patience_s):
        return await answer


def resolve(future: asyncio.Future[Any], answer: Any, error: Exception | None) -> None:
    """A `Done` that sets the result of `future`, unless nobody waits for it any longer."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)
