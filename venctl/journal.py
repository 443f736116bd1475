"""What happened and what is still to do, in SQLite: committed before anything is performed.

WAL with synchronous=FULL: of four settings tried under power loss it alone lost nothing that had
been acknowledged. The connection is passed in, so that a test can run this over its own files.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from statemachine.effects import Ack, Effect, Status
from statemachine.journaling import WEEK_MS, remembered_ms
from statemachine.memory import FORMAT, Memory, changed_parts
from statemachine.triggers import Command, Earlier, Trigger

log = logging.getLogger(__name__)
KEEP_DECISIONS = 10_000
KEEP_TODO = 1_000
UNTOLD = {"mono_ms", "digest", "earlier", "reply", "drawn_w", "age_ms"}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS part (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decision (
    seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, trigger TEXT NOT NULL, effects TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS todo (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answered (
    key TEXT PRIMARY KEY, revision INTEGER NOT NULL, digest TEXT NOT NULL,
    ack TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


def connect(file: Path) -> sqlite3.Connection:
    """The journal's file, opened. One that is damaged, or kept by another version of the program,
    is set aside as `.corrupt-...` or `.format-...` and a new one made: a safe state, with every
    circuit given back. Raises OSError where the folder cannot be written.
    """
    try:
        connection = _open(file)
        if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check")
    except sqlite3.DatabaseError:
        _set_aside(file, "corrupt")
        return _open(file)
    kept = connection.execute("PRAGMA user_version").fetchone()[0]
    if kept != FORMAT:
        connection.close()
        _set_aside(file, f"format{kept}")
        return _open(file)
    return connection


def _set_aside(file: Path, why: str) -> None:
    place = len(list(file.parent.glob(f"{file.name}.{why}-*")))
    for suffix in ("", "-wal", "-shm"):
        kept = file.with_name(file.name + suffix)
        if kept.exists():
            kept.rename(file.with_name(f"{file.name}.{why}-{place}{suffix}"))
    log.warning("%s was set aside as .%s-%d; starting anew", file, why, place)


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        connection.execute(f"PRAGMA user_version={FORMAT}")
    return connection


class Journal:
    """One writer, on one thread. `sqlite3.Error` is raised where the disk refuses."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._sent: list[int] = []
        connection.executescript(_SCHEMA)
        connection.execute(
            "DELETE FROM decision WHERE seq <= (SELECT max(seq) FROM decision) - ?",
            (KEEP_DECISIONS,),
        )

    def load(self) -> dict[str, Any]:
        """The parts of memory as last committed; empty on the first day."""
        rows = self._db.execute("SELECT name, value FROM part ORDER BY rowid")
        return {name: json.loads(value) for name, value in rows}

    def todo(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Acks and status messages that are not known to have gone out, oldest first."""
        rows = self._db.execute("SELECT seq, kind, body FROM todo ORDER BY seq")
        return [(seq, kind, json.loads(body)) for seq, kind, body in rows]

    def earlier(self, command: Command) -> Earlier | None:
        """What was answered to a command with the same key."""
        if not command.key:
            return None
        row = self._db.execute(
            "SELECT revision, digest, ack, at_ms FROM answered WHERE key = ?", (command.key,)
        ).fetchone()
        if row is None or command.at_ms - row[3] > remembered_ms(command.key):
            return None
        return Earlier(row[0], row[1], json.loads(row[2]))

    def commit(
        self, before: Memory | None, after: Memory, trigger: Trigger, effects: Sequence[Effect]
    ) -> dict[int, int]:
        """One transaction: memory, the trigger and what must go out. `before`: as last kept.

        Answers the todo number of each effect that has one, by its place in `effects`.
        """
        parts = changed_parts(before, after)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if before is None:
                self._db.execute("DELETE FROM part")
            numbers = self._write(parts, trigger, effects)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return numbers

    def sent(self, seq: int) -> None:
        """It went out. Written with the next commit: sending twice does no harm."""
        self._sent.append(seq)

    def next_number(self) -> int:
        """The next message number; counts on through restarts."""
        row = self._db.execute(
            "INSERT INTO counter VALUES ('message', 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
        ).fetchall()[0]
        return int(row[0])

    def decisions(self, after_seq: int, limit: int) -> Iterator[tuple[int, int, str, str]]:
        """What was decided after `after_seq`: number, time, trigger and effects in words."""
        yield from self._db.execute(
            "SELECT seq, at_ms, trigger, effects FROM decision WHERE seq > ? "
            "ORDER BY seq DESC LIMIT ?",
            (after_seq, limit),
        )

    def close(self) -> None:
        if self._sent:
            self._forget_sent()
        self._db.close()

    def _write(
        self, parts: Mapping[str, str | None], trigger: Trigger, effects: Sequence[Effect]
    ) -> dict[int, int]:
        self._db.executemany(
            "INSERT INTO part VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [(name, text) for name, text in parts.items() if text is not None],
        )
        gone = [(name,) for name, text in parts.items() if text is None]
        self._db.executemany("DELETE FROM part WHERE name = ?", gone)
        self._db.execute(
            "INSERT INTO decision (at_ms, trigger, effects) VALUES (?, ?, ?)",
            (trigger.at_ms, said(trigger), "\n".join(said(effect) for effect in effects)),
        )
        numbers: dict[int, int] = {}
        for place, effect in enumerate(effects):
            match effect:
                case Ack(reply, body, key, revision, digest):
                    if key:
                        row = (key, revision, digest, _text(body), trigger.at_ms)
                        self._db.execute(
                            "INSERT OR REPLACE INTO answered VALUES (?, ?, ?, ?, ?)", row
                        )
                    if reply.startswith("mqtt:"):
                        numbers[place] = self._put("ack", body)
                case Status(body):
                    numbers[place] = self._put("status", body)
        self._forget_sent()
        return numbers

    def _put(self, kind: str, body: Mapping[str, Any]) -> int:
        seq = self._db.execute(
            "INSERT INTO todo (kind, body) VALUES (?, ?)", (kind, _text(body))
        ).lastrowid
        assert seq is not None
        if seq % 100 == 0:
            self._db.execute("DELETE FROM todo WHERE seq <= ?", (seq - KEEP_TODO,))
            self._db.execute("DELETE FROM answered WHERE at_ms < ?", (self._oldest_ms(),))
        return seq

    def _forget_sent(self) -> None:
        self._db.executemany("DELETE FROM todo WHERE seq = ?", [(seq,) for seq in self._sent])
        self._sent.clear()

    def _oldest_ms(self) -> int:
        newest = self._db.execute("SELECT max(at_ms) FROM answered").fetchone()[0]
        return int(newest or 0) - WEEK_MS


def said(thing: Trigger | Effect) -> str:
    """A trigger or effect as one line of the log."""
    kind: Any = type(thing)
    told = {name: getattr(thing, name) for name in _told_of(kind)}
    return f"{kind.__name__} {_IN_WORDS.encode(told)}"


@cache
def _told_of(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in UNTOLD]


def _plain(thing: Any) -> Any:
    return asdict(thing) if is_dataclass(thing) and not isinstance(thing, type) else str(thing)


_IN_WORDS = json.JSONEncoder(default=_plain, ensure_ascii=False)
_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
