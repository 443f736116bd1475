"""Writes the journal, an SQLite database of what happened and what is still to do. For one thread.

WAL with synchronous=FULL: of four settings tried under power loss, only this one lost nothing that
was acknowledged. The connection is passed in, so that a test can use its own files.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any

from statemachine.journal.answers import Answer
from statemachine.kit.strict_json import compact_text
from statemachine.state.effects import Effect
from statemachine.state.memory import Memory
from statemachine.state.parts import changed_parts
from statemachine.state.triggers import Trigger

from .high_water import HighWater
from .tables import StoredMessage

KEEP_DECISIONS = 10_000
TRIM_EVERY = 1_000
PATIENCE_MS = 1_000  # how long to wait for another program's lock
UNTOLD = {"mono_ms", "digest", "earlier", "blind", "reply", "drawn_w", "age_ms"}


@dataclass(slots=True)
class Batch:
    """What one transaction writes. `memory` is None if it has not changed since the last write.

    `sent` has the numbers of messages that were sent, `gone` the keys of answers that expired,
    `message` a number that no message has reached. `anew`: the batch is complete and replaces
    everything in the file.
    """

    memory: Memory | None = None
    decisions: list[tuple[Trigger, Sequence[Effect]]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    letters: list[StoredMessage] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    message: int | None = None
    anew: bool = False

    def add(self, later: Batch) -> None:
        """Add a later batch. `later` is not `anew`."""
        self.memory = later.memory or self.memory
        self.message = later.message or self.message
        self.decisions += later.decisions
        self.answers += later.answers
        self.gone += later.gone
        self.letters += later.letters
        self.sent += later.sent


class Journal:
    """One writer, over a connection from `opening`. `writes` counts the writes to the file.

    Raises `sqlite3.Error` if the disk refuses; then nothing was written.
    """

    def __init__(
        self, connection: sqlite3.Connection, writes: int = 0, high_water: HighWater | None = None
    ) -> None:
        self._db, self.writes, self._high_water = connection, writes, high_water
        self._kept: Memory | None = None
        self._written = 0
        connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")

    def write(self, batch: Batch) -> None:
        """Write everything in one transaction; it is on disk when this returns."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._write(batch)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._kept, self.writes = batch.memory or self._kept, self.writes + 1
        if self._high_water is not None:
            self._high_water.note(self.writes)

    def close(self) -> None:
        """Close the file; nothing is lost."""
        self._db.close()
        if self._high_water is not None:
            self._high_water.close()

    def _write(self, batch: Batch) -> None:
        if batch.anew:
            for table in ("part", "answered", "todo"):
                self._db.execute(f"DELETE FROM {table}")
        if batch.memory is not None:
            self._remember(None if batch.anew else self._kept, batch.memory)
        self._tell(batch.decisions)
        self._many("INSERT OR REPLACE INTO answered VALUES (?, ?, ?, ?, ?)", batch.answers)
        self._many("DELETE FROM answered WHERE key = ?", [(key,) for key in batch.gone])
        rows = [(seq, kind, compact_text(body)) for seq, kind, body in batch.letters]
        self._many("INSERT OR REPLACE INTO todo VALUES (?, ?, ?)", rows)
        self._many("DELETE FROM todo WHERE seq = ?", [(seq,) for seq in batch.sent])
        message = {} if batch.message is None else {"message": batch.message}
        counters = {"writes": self.writes + 1, **message}
        self._many("INSERT OR REPLACE INTO counter VALUES (?, ?)", list(counters.items()))

    def _remember(self, before: Memory | None, after: Memory) -> None:
        """Write the changed parts of memory; the first decision writes all of them."""
        parts = changed_parts(before, after)
        if before is None:
            self._db.execute("DELETE FROM part")
        rows = [(name, text) for name, text in parts.items() if text is not None]
        self._many(
            "INSERT INTO part VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", rows
        )
        gone = [(name,) for name, text in parts.items() if text is None]
        self._many("DELETE FROM part WHERE name = ?", gone)

    def _tell(self, decisions: Sequence[tuple[Trigger, Sequence[Effect]]]) -> None:
        rows = [
            (trigger.at_ms, log_line(trigger), "\n".join(map(log_line, effects)))
            for trigger, effects in decisions
        ]
        self._many("INSERT INTO decision (at_ms, trigger, effects) VALUES (?, ?, ?)", rows)
        before, self._written = self._written, self._written + len(rows)
        if not before or before // TRIM_EVERY != self._written // TRIM_EVERY:
            self._db.execute(
                "DELETE FROM decision WHERE seq <= (SELECT max(seq) FROM decision) - ?",
                (KEEP_DECISIONS,),
            )

    def _many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        if rows:
            self._db.executemany(statement, rows)


def log_line(thing: Trigger | Effect) -> str:
    """A trigger or effect as one line of `venctl log`."""
    kind: Any = type(thing)
    fields = {name: getattr(thing, name) for name in _told_of(kind)}
    return f"{kind.__name__} {_IN_WORDS.encode(fields)}"


@cache
def _told_of(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in UNTOLD]


def _plain(thing: Any) -> Any:
    return asdict(thing) if is_dataclass(thing) and not isinstance(thing, type) else str(thing)


_IN_WORDS = json.JSONEncoder(default=_plain, ensure_ascii=False)
