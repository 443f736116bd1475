"""Keeps rows in an SQLite file without blocking the loop for the disk."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from ...base.set_aside import check_readable, set_aside
from .database import (
    DatabaseDamaged,
    Rows,
    Tables,
    checked_rows,
    is_damage,
    open_database,
    read_without_opening,
    reason,
    remove,
    write,
)
from .pending_rows import PendingRows

log = logging.getLogger(__name__)
FIRST_S = 1.5
PATIENCE_S = 0.05
HELD_UP_S = 1.0
RETRY_S = 0.5
LAST_S = 0.5
T = TypeVar("T")


class Writer(Generic[T]):
    """Its own thread has the connection; everything else is for the thread that created it.

    While the disk works, changes are committed when `settle` returns. If the disk is slow, refuses
    or is locked, everything continues in memory and is written once that works again. `read`
    converts the rows for their owner, and may raise any exception if they are not valid: the file
    is then set aside, like one that SQLite finds damaged.
    """

    def __init__(
        self,
        file: Path,
        synchronous: str,
        tables: Tables,
        read: Callable[[Rows], T],
        hear: Callable[[T], object],
    ) -> None:
        """`hear` gets the content of the file, from another thread, if it comes after `first`."""
        self._file, self._synchronous, self._tables = file, synchronous, tables
        self._read, self._hear = read, hear
        self._db: sqlite3.Connection | None = None
        self._ledger, self._lock = PendingRows(), Lock()
        self._found: T | None = None
        self._is_read = self._is_late = self._was_broken = False
        self._trouble, self._is_quick, self._since_s = "", True, 0.0
        self._handed = self._taken = self._written = 0
        self._waiting: list[Callable[[], object]] = []
        self._tried, self._leaving, self._woken = Event(), Event(), Lock()
        self._gone_by_s = 0.0
        self.put, self.drop = self._ledger.put, self._ledger.drop
        self._thread = Thread(target=self._run, daemon=True, name=f"writes {file.name}")
        self._thread.start()

    @property
    def dirty(self) -> bool:
        return self._ledger.dirty

    def first(self, most_s: float) -> T | None:
        """The content of the file; None if it is not read yet, and `hear` gets it later."""
        self._tried.wait(most_s)
        with self._lock:
            self._is_late = self._found is None
            return self._found

    def settle(self) -> None:
        """Wait until changes are committed; with a faulty disk, for 50 ms at most."""
        if not self._ledger.pressing:
            return
        done = Lock()
        done.acquire()
        if self._hand_over(done.release):
            done.acquire(timeout=PATIENCE_S)

    async def settled(self) -> None:
        """Like `settle`, without blocking the loop."""
        if not self._ledger.dirty:
            return
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        if self._hand_over(lambda: loop.call_soon_threadsafe(done.set)):
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), PATIENCE_S)

    def settle_behind(self) -> None:
        """Commit in the background."""
        if self._ledger.dirty:
            self._hand_over(_nobody)

    def leave(self) -> None:
        """Write what can be written, then stop; later changes are not stored."""
        if not self._leaving.is_set():
            self._gone_by_s = time.monotonic() + LAST_S
            self._leaving.set()
            self._wake()

    def close(self) -> None:
        """Stop, and wait for at most half a second, whatever the disk does."""
        self.leave()
        self._thread.join(max(0.0, self._gone_by_s - time.monotonic()))

    def _hand_over(self, done: Callable[[], object]) -> bool:
        """Start a write; returns whether to wait for `done`: only if idle and the disk is fast."""
        with self._lock:
            is_idle = self._handed == self._written
            waits = is_idle and self._is_quick and not self._trouble
            now_s = time.monotonic()
            if is_idle:
                self._since_s = now_s
            held_up = now_s - self._since_s > HELD_UP_S
            self._handed += 1
            if waits:
                self._waiting.append(done)
        if held_up:
            self._begin_trouble("it has not answered for a second", None)
        self._wake()
        return waits

    def _wake(self) -> None:
        if self._woken.locked():
            self._woken.release()

    # -- on the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._leaving.is_set()
            is_well = self._attempt()
            self._tried.set()
            if is_well and not is_last:
                self._woken.acquire()
            elif not is_last:
                self._leaving.wait(RETRY_S)
        self._shut()

    def _attempt(self) -> bool:
        try:
            is_quick = self._write()
        except Exception as error:  # the thread must survive any error, and try again
            self._give_back(error)
            return False
        self._ledger.written()
        self._end_trouble(is_quick)
        return True

    def _write(self) -> bool:
        """Write the changes; returns whether the disk was fast."""
        if self._db is None:
            self._db = self._opened()
        with self._lock:
            self._taken = self._handed
        began_s = time.monotonic()
        if changes := self._ledger.take():
            write(self._db, self._tables, changes)
        return time.monotonic() - began_s < PATIENCE_S

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._open()
        except Exception as error:
            if is_damage(error):
                return self._looked_again()
            if (
                not self._is_read
                and (rows := read_without_opening(self._file, self._tables)) is not None
            ):
                with suppress(DatabaseDamaged):
                    self._learn(rows)
            raise

    def _looked_again(self) -> sqlite3.Connection:
        """Open again: a file that could not be read for a moment looks damaged too."""
        check_readable(self._file)
        try:
            return self._open()
        except Exception as error:
            if not is_damage(error):
                raise
            self._put_away(error)
            return self._open()

    def _open(self) -> sqlite3.Connection:
        db = open_database(self._file, self._synchronous, self._tables)
        try:
            if not self._is_read:
                self._learn(checked_rows(db, self._tables))
        except BaseException:
            db.close()
            raise
        return db

    def _learn(self, rows: Rows) -> None:
        try:
            content = self._read(rows)
        except BaseException as error:  # the MQTT codec panics, which is no Exception
            raise DatabaseDamaged(f"its content is not valid: {error}") from None
        self._ledger.learn(rows)
        with self._lock:
            self._found, self._is_read = content, True
        if self._is_late:
            self._hear(content)

    def _give_back(self, error: Exception) -> None:
        self._shut()
        self._ledger.refused()
        if is_damage(error):
            with suppress(OSError):
                self._put_away(error)
        known = isinstance(error, OSError | DatabaseDamaged) or hasattr(error, "sqlite_errorcode")
        self._begin_trouble(reason(error), None if known else error)
        with self._lock:
            waiting, self._waiting = self._waiting, []
        _tell(waiting)

    def _put_away(self, error: Exception) -> None:
        """Keep the first damaged file; the content of a later one is in memory."""
        if self._was_broken:
            remove(self._file)
        else:
            kept, why = set_aside(self._file, "corrupt"), reason(error)
            log.warning("%s cannot be read (%s); it is kept as %s", self._file, why, kept)
        self._was_broken = True
        self._ledger.begin_anew()

    def _shut(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def _begin_trouble(self, why: str, unexpected: Exception | None) -> None:
        with self._lock:
            before, self._trouble = self._trouble, self._trouble or why
        if not before:
            text = (
                "%s cannot be written: %s; work continues in memory, and is stored once it can be"
            )
            log.error(text, self._file, why, exc_info=unexpected)

    def _end_trouble(self, is_quick: bool) -> None:
        with self._lock:
            self._written, self._is_quick = self._taken, is_quick
            why, self._trouble = self._trouble, ""
            waiting, self._waiting = self._waiting, []
        if why:
            log.warning(
                "%s can be written again, and everything is stored; the problem was: %s",
                self._file,
                why,
            )
        _tell(waiting)


def _tell(waiting: list[Callable[[], object]]) -> None:
    for done in waiting:
        with suppress(RuntimeError):  # its loop may be closed by now
            done()


def _nobody() -> None:
    pass
