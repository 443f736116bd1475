"""A journal without a thread: every write is done when it is asked for, so that time stands still.

The disk can be told to refuse.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from statemachine import Ven
from statemachine.state.effects import Effect
from tests.kit.core.sample_sites import NOW_MS
from venctl.base.worker import Done, Work
from venctl.runtime.runtime import Runtime
from venctl.store.file_identity import FileIdentity
from venctl.store.high_water import HighWater
from venctl.store.opening import Fits, JournalContent, ReadJournal, Salvage, read_journal
from venctl.store.storage import Storage
from venctl.store.tables import SCHEMA


class AtOnce:
    """A `Worker` that works while it is asked."""

    def do(self, work: Work, done: Done) -> None:
        answer, error = None, None
        try:
            answer = work()
        except Exception as raised:
            error = raised
        done(answer, error)

    def stop(self) -> None:
        pass


class Slow(AtOnce):
    """A `Worker` on a loop: each job takes `seconds`, and none ends while it `hangs`."""

    def __init__(self) -> None:
        self.seconds, self.hangs = 0.0, False
        self._jobs: deque[tuple[Work, Done]] = deque()
        self._at_work = False

    def do(self, work: Work, done: Done) -> None:
        if not self.seconds and not self.hangs and not self._jobs:
            super().do(work, done)
            return
        self._jobs.append((work, done))
        self._next()

    def die(self) -> None:
        """The program is gone: nothing of it is written any more."""
        self.hangs = True

    def let_go(self) -> None:
        """It hangs no longer."""
        self.hangs = False
        self._next()

    def _next(self) -> None:
        if self._jobs and not self.hangs and not self._at_work:
            self._at_work = True
            asyncio.get_running_loop().call_later(self.seconds, self._end)

    def _end(self) -> None:
        self._at_work = False
        if not self.hangs:
            super().do(*self._jobs.popleft())
            self._next()


def look_and_open(
    file: Path, fits: Fits, salvage: Salvage = lambda parts: {}
) -> tuple[sqlite3.Connection, JournalContent]:
    """What a start reads of a journal, and a connection to write to it. Raises
    `JournalUnavailable`.
    """
    seen = read_journal(file, fits, salvage)
    return seen.ready(), seen.found


NOWHERE = Path("/nowhere/journal.db")


class Disk:
    """One journal in memory, that outlives its programs, on a disk that may refuse."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        for statement in SCHEMA:
            self.db.execute(statement)
        self.refuses: str | None = None
        self.unreadable = False

    def look(self) -> ReadJournal:
        if self.unreadable:
            raise sqlite3.OperationalError("disk I/O error")
        connection: Any = _Connection(self)
        return ReadJournal(
            self.found(), lambda: connection, FileIdentity(NOWHERE), HighWater(NOWHERE)
        )

    def found(self) -> JournalContent:
        rows = self.db.execute
        counters = dict(rows("SELECT * FROM counter"))
        return JournalContent(
            {name: json.loads(text) for name, text in rows("SELECT * FROM part ORDER BY rowid")},
            rows("SELECT * FROM answered ORDER BY at_ms").fetchall(),
            [(n, kind, json.loads(x)) for n, kind, x in rows("SELECT * FROM todo ORDER BY seq")],
            counters.get("message", 0),
            writes=counters.get("writes", 0),
        )


class _Connection:
    """What `Journal` asks of a connection; the disk has a word in it."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    @property
    def in_transaction(self) -> bool:
        return self._disk.db.in_transaction

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if self._disk.refuses is not None and statement == "COMMIT":
            raise sqlite3.OperationalError(self._disk.refuses)
        return self._disk.db.execute(statement, *values)

    def executemany(self, statement: str, rows: Any) -> sqlite3.Cursor:
        return self._disk.db.executemany(statement, rows)

    def executescript(self, script: str) -> sqlite3.Cursor:
        return self._disk.db.executescript(script)

    def close(self) -> None:
        pass


def life(
    disk: Disk, ven: Ven, perform: Callable[[Effect, int | None], None], worker: AtOnce
) -> tuple[Runtime, Storage]:
    """One life of the program over a disk. To be called within a running loop."""
    storage = Storage(worker, disk.look, NOW_MS)
    found = now(storage.open(0.0))
    runtime = Runtime(ven, storage, found, perform)
    storage.idle = storage.changed = runtime.go_on
    storage.whole, storage.found = runtime.everything, lambda found: runtime.adopt(found, "boot")
    return runtime, storage


def now(work: Coroutine[Any, Any, Any]) -> Any:
    """The answer of what has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as answered:
        return answered.value
    raise AssertionError("it waits")
