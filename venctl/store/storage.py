"""Stores decisions in the journal on a thread, so that the disk never blocks the loop.

A faulty disk stops nothing. Callers learn at once that a decision is not stored; everything stays
in memory and is written completely as soon as the disk works again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from ..base.worker import Worker, run_on
from .journal import Batch
from .journal_file import JournalFile, Look
from .opening import JournalContent, JournalUnavailable

Then = Callable[[bool], None]
PATIENCE_S = 1.0  # a healthy disk needs a millisecond; restoring load waits no longer than this
SLOW_S = 0.05
STUCK_S = 8.0
RETRY_S, RETRY_MOST_S = 0.5, 2.0
SILENT = "the disk does not answer"
MISSED = 1_000
LOOK_S = 1.0
TIDY_S = 0.5
BLOCK = 100  # message numbers are reserved in hundreds, so that counting needs no disk


class Storage:
    """One journal. Call from the loop only.

    `look` reads the file on the thread. `down` says why nothing can be stored; it is None if all is
    well. Callbacks: `whole` returns everything there is to store; `idle` says that a promise may be
    made now; `changed` that `down` changed; `found` that the stored state could be read at last.
    """

    def __init__(self, worker: Worker, look: Look, now_ms: int) -> None:
        self._worker, self._file = worker, JournalFile(look)  # only the thread uses the file
        self._due, self._writing = Batch(), False
        self._waiting: list[Then] = []
        self._missed: deque[Any] = deque(maxlen=MISSED)
        self._timers: list[asyncio.TimerHandle] = []
        self._tidying: asyncio.TimerHandle | None = None
        self._pause_s, self._began_s, self._took_s = RETRY_S, 0.0, 0.0
        self._letter, self._message, self._mark = now_ms, now_ms // 1000, 0
        self.unknown = True
        self.down: str | None = None
        self.lost: str | None = None
        self.whole: Callable[[], Batch] = Batch
        self.idle: Callable[[], None] = _nothing
        self.changed: Callable[[], None] = _nothing
        self.found: Callable[[JournalContent], None] = _nothing

    # -- start and end ---------------------------------------------------------------------------

    async def open(self, patience_s: float) -> JournalContent:
        """The stored state; empty if it cannot be read within `patience_s`."""
        loop = asyncio.get_running_loop()
        until_s, why = loop.time() + patience_s, SILENT
        while True:
            try:
                left_s = max(0.1, until_s - loop.time())
                content = await run_on(self._worker, self._file.load, left_s)
            except (JournalUnavailable, sqlite3.Error, OSError) as error:
                why = why if isinstance(error, TimeoutError) else _words(error)
                if loop.time() + RETRY_S < until_s:
                    await asyncio.sleep(RETRY_S)
                    continue
                self._fail(why)
                return JournalContent()
            self._know(content)
            return content

    async def close(self, patience_s: float) -> None:
        """Write what is left, for at most `patience_s`, and close the file."""
        self._forget_timers()
        if self._tidying is not None:
            self._tidying.cancel()
        batch = self._due if self.down is None else self._everything()
        batch.message = self._message
        if not self.unknown:
            self._worker.do(partial(self._file.write, batch), _nothing)
        with suppress(Exception):
            await run_on(self._worker, self._file.close, patience_s)
        self._worker.stop()

    async def watch(self) -> None:
        """Check forever that the file is still in place; if not, write everything again."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.ready and not self.unknown:
                try:
                    await run_on(self._worker, self._file.check, None)
                except OSError as error:
                    if self.ready:
                        self._fail(_words(error))

    # -- what to store ---------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """The disk works and is idle."""
        return self.down is None and not self._writing

    @property
    def slow(self) -> bool:
        """The present write is slow, or the last one was."""
        lasts_s = _loop_s() - self._began_s if self._writing else 0.0
        return max(lasts_s, self._took_s) > SLOW_S

    def keep(self, batch: Batch, then: Then | None = None) -> None:
        """Store a batch soon. `then` is told within a second whether it is stored by then."""
        self._due.add(batch)
        del self._due.decisions[:-MISSED]
        if then is not None and self.down is not None:
            then(False)
        elif then is not None:
            self._wait_for(then)
        self._push()

    def promise(self, batch: Batch, then: Then) -> None:
        """Store a batch now; only while `ready`. `then` gets the result once it is certain."""
        before, self._due = self._due, Batch()
        both = Batch()
        both.add(before)
        both.add(batch)
        self._start(both, partial(self._promised, before, then), [])

    def sent(self, number: int) -> None:
        """A message was sent. Stored within a second; a crash before that sends it twice."""
        self._due.sent.append(number)
        if self._tidying is None:
            self._tidying = asyncio.get_running_loop().call_later(TIDY_S, self._tidy)

    def letter(self) -> int:
        """The number of the next queued message; numbers grow, also over a restart."""
        self._letter += 1
        return self._letter

    def message(self) -> int:
        """The number of the next message; numbers continue over a restart, perhaps with a gap."""
        self._message += 1
        if self._message >= self._mark - BLOCK // 2:
            self._mark = self._message + BLOCK
            self.keep(Batch(message=self._mark))
        return self._message

    # -- writing ---------------------------------------------------------------------------------

    def _push(self, tidy: bool = False) -> None:
        due = self._due
        pressing = due.memory or due.decisions or due.letters or due.message or (tidy and due.sent)
        if self._writing or self.down is not None or not pressing:
            return
        batch, self._due = self._due, Batch()
        waiting, self._waiting = self._waiting, []
        self._start(batch, partial(self._kept, batch, waiting), waiting)

    def _tidy(self) -> None:
        self._tidying = None
        self._push(tidy=True)
        if self._due.sent and self.down is None:
            self._tidying = asyncio.get_running_loop().call_later(TIDY_S, self._tidy)

    def _start(
        self, batch: Batch, then: Callable[[Exception | None], None], waiting: list[Then]
    ) -> None:
        self._writing, self._began_s = True, _loop_s()
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(PATIENCE_S, _tell, waiting, False),
            loop.call_later(STUCK_S, self._stuck),
        ]
        self._worker.do(partial(self._file.write, batch), partial(self._done, then))

    def _done(
        self, then: Callable[[Exception | None], None], lost: str | None, error: Exception | None
    ) -> None:
        self._forget_timers()
        self._writing, self._took_s = False, _loop_s() - self._began_s
        if lost is not None:
            self.lost = lost
            self.changed()
        if error is None:
            self._rise()
        then(error)
        if error is not None:
            self._fail(_words(error))
        else:
            self._push()
        if self.ready:
            self.idle()

    def _kept(self, batch: Batch, waiting: list[Then], error: Exception | None) -> None:
        if error is not None:
            self._missed.extend(batch.decisions)
        _tell(waiting, error is None)

    def _promised(self, before: Batch, then: Then, error: Exception | None) -> None:
        if error is not None:
            self._missed.extend(before.decisions)
            self._fail(_words(error))
        then(error is None)

    def _wait_for(self, then: Then) -> None:
        self._waiting.append(then)
        if self._writing and len(self._waiting) == 1:
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_later(PATIENCE_S, _tell, self._waiting, False))

    def _stuck(self) -> None:
        self._sink(f"the disk has not answered for {STUCK_S:g} s")

    # -- failure and recovery --------------------------------------------------------------------

    def _fail(self, why: str) -> None:
        """Nothing is stored from now on; retry until it is."""
        self._missed.extend(self._due.decisions)
        self._due = Batch()
        self._sink(why)
        if not self._writing and not self._timers:
            loop = asyncio.get_running_loop()
            self._timers = [loop.call_later(self._pause_s, self._retry)]
            self._pause_s = min(2 * self._pause_s, RETRY_MOST_S)

    def _sink(self, why: str) -> None:
        if why != self.down:
            self.down = why
            self.changed()
        _tell(self._waiting, False)

    def _rise(self) -> None:
        self._pause_s = RETRY_S
        if self.down is not None:
            self.down = None
            self.changed()

    def _retry(self) -> None:
        self._timers = []
        if self.unknown:
            self._writing = True
            self._worker.do(self._file.load, self._loaded)
            return
        self._start(self._everything(), self._retried, [])

    def _everything(self) -> Batch:
        batch = self.whole()
        batch.anew, batch.message = True, self._mark
        self._missed.extend(self._due.decisions)
        batch.decisions, self._due = list(self._missed), Batch()
        return batch

    def _retried(self, error: Exception | None) -> None:
        if error is None:
            self._missed.clear()

    def _loaded(self, content: JournalContent | None, error: Exception | None) -> None:
        self._writing = False
        if content is None:
            self._fail(_words(error))
            return
        self._know(content)
        self.found(content)
        self._retry()

    def _know(self, content: JournalContent) -> None:
        self.unknown = False
        self.lost = content.lost or self.lost
        last = max((number for number, _, _ in content.todo), default=0)
        self._letter = max(self._letter, last)
        known = content.message or (self._message if content.lost else 0)
        self._message = self._mark = max(known, self._message if self.down else 0)

    def _forget_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = []


def _tell(waiting: list[Then], stored: bool) -> None:
    """Call each once."""
    while waiting:
        waiting.pop(0)(stored)


def _loop_s() -> float:
    return asyncio.get_running_loop().time()


def _words(error: BaseException | None) -> str:
    return str(error) or type(error).__name__


def _nothing(*_: object) -> None:
    """A callback that is not set yet."""
