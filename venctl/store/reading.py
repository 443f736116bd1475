"""Reads the rows of a journal without changing a byte of it.

Where SQLite cannot work beside the file, on a medium that is read-only or full, it is read as one
that nobody changes, or from a copy where its write-ahead log has to be replayed.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statemachine.journal.answers import Answer
from statemachine.kit.strict_json import decoded
from statemachine.state.parts import FORMAT

from ..base.aside import copy
from .tables import Columns, Letter, alien, tables

BUSY_MS = 250  # how long another program may hold a lock before we say so
WAL_HEADER = 32
PAGES_BEFORE = slice(16, 20)  # of a rollback journal's header
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,  # no such table or column, text that is not UTF-8
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
}
MOST = 2**53  # a number that any reader of JSON takes as it is
CORRUPT = "corrupt"


class NotNow(Exception):
    """The journal cannot be had at this moment; nothing was touched, try again later. Says why."""


class Damaged(Exception):
    """What is in the file is no journal of ours; `kind` becomes part of the name it is kept as."""

    def __init__(self, why: str, kind: str = CORRUPT) -> None:
        super().__init__(why)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Rows:
    """All that a start needs, of whatever format: the answers and letters oldest first.

    `writes`: how often the journal was written to.
    """

    format: int
    parts: dict[str, Any]
    answered: list[Answer]
    todo: list[Letter]
    message: int
    writes: int = 0


def read(file: Path) -> Rows | None:
    """What the file holds; None where SQLite has made it and nobody has written to it yet.

    Raises `Damaged`, and `NotNow` where no way leads to it.
    """
    try:
        return _read(file)
    except OSError as error:
        raise NotNow(f"{file} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise NotNow(f"there is no memory left to read {file}") from None


def _read(file: Path) -> Rows | None:
    for way in (_where_it_lies, _apart):
        try:
            with way(file) as db:
                return _rows_of(db)
        except UnicodeDecodeError:  # even SQLite's complaint about it is no text
            raise Damaged("its table of tables is no text") from None
        except sqlite3.Error as error:
            why = error
            if code_of(error) in DAMAGE:
                raise Damaged(str(error)) from None
            if code_of(error) in BUSY:
                break
    raise NotNow(reason(file, why))


def code_of(error: sqlite3.Error) -> int:
    """SQLite's own code; what Python's module finds by itself counts as SQLITE_ERROR."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def reason(file: Path, error: sqlite3.Error) -> str:
    """Why the file cannot be had, for people."""
    if code_of(error) in BUSY:
        return f"another program has {file} locked; close it"
    return f"{file} cannot be used: {error}; is there room on the disk, and may we write there?"


def size(file: Path) -> int:
    """In bytes; 0 where there is none. Raises OSError where that cannot be told."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def unsettled(file: Path) -> bool:
    """Something beside the file has to be replayed before it says the truth."""
    return _has_log(file) or size(file.with_name(file.name + "-journal")) > 0


def had_content(file: Path) -> bool:
    """What is beside a file without a byte tells that there were some.

    A first start that was cut off tells of no page before it: SQLite turns a new file into one
    with a write-ahead log under a rollback journal.
    """
    if _has_log(file):
        return True
    try:
        with file.with_name(file.name + "-journal").open("rb") as journal:
            return any(journal.read(PAGES_BEFORE.stop)[PAGES_BEFORE])
    except FileNotFoundError:
        return False


def _has_log(file: Path) -> bool:
    return size(file.with_name(file.name + "-wal")) > WAL_HEADER


@contextmanager
def _where_it_lies(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(connection(file, "mode=ro")) as db:
        yield db


@contextmanager
def _apart(file: Path) -> Iterator[sqlite3.Connection]:
    if not unsettled(file):
        with closing(connection(file, "immutable=1")) as db:
            yield db
        return
    with copied(file) as db:
        yield db


@contextmanager
def copied(file: Path) -> Iterator[sqlite3.Connection]:
    """SQLite works on a copy, and changes nothing of the file. Raises OSError, sqlite3.Error."""
    with tempfile.TemporaryDirectory(prefix="venctl-") as folder:
        there = Path(folder) / file.name
        copy(file, there)
        with closing(connection(there, "mode=rw")) as db:
            yield db


def connection(file: Path, how: str) -> sqlite3.Connection:
    """A connection that commits nothing by itself, for any thread. Raises sqlite3.Error."""
    return sqlite3.connect(
        f"{file.as_uri()}?{how}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_MS / 1000,
    )


def _rows_of(db: sqlite3.Connection) -> Rows | None:
    format = db.execute("PRAGMA user_version").fetchone()[0]
    if format > FORMAT:
        raise Damaged(f"it is of format {format}, of a newer version", f"format{format}")
    fault = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if fault != "ok" or format < 0:
        raise Damaged(f"{fault}"[:200] if format >= 0 else f"its format is {format}")
    found = tables(db)
    if not found:
        return None
    if (name := alien(found)) is not None:
        raise Damaged(f"its table {name[:40]!r} is none of a journal's")
    return _rows(db, found, format)


def _rows(db: sqlite3.Connection, found: dict[str, Columns], format: int) -> Rows:
    def all_of(table: str, columns: str, order: str, *kinds: type) -> Iterator[Any]:
        if table not in found:  # whoever made the file was cut off
            return
        for row in db.execute(f"SELECT {columns} FROM {table} ORDER BY {order}"):
            if tuple(map(type, row)) != kinds or any(abs(n) > MOST for n in row if type(n) is int):
                raise Damaged(f"a row of {table} is not of its kind")
            yield row

    order = "rowid" if format > 2 else "name"
    parts = {name: _json(text) for name, text in all_of("part", "name, value", order, str, str)}
    answered = list(all_of("answered", "*", "at_ms, key", str, int, str, str, int))
    for answer in answered:
        _object(answer[3])
    todo = all_of("todo", "*", "seq", int, str, str)
    letters: list[Letter] = [(seq, kind, _object(body)) for seq, kind, body in todo]
    counters = dict(all_of("counter", "*", "name", str, int))
    if not parts and any(all_of("decision", "seq", "seq LIMIT 1", int)):
        raise Damaged("decisions were made, and nothing is left of memory")
    counts = counters.get("message", 0), counters.get("writes", 0)
    return Rows(format, parts, answered, letters, *counts)


def _object(text: str) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict):
        raise Damaged(f"{text[:40]!r} is no message")
    return value


def _json(text: str) -> Any:
    try:
        return decoded(text, once=True)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{text[:40]!r} is not JSON: {error}") from None
