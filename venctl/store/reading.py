"""Reads the rows of a journal without changing a byte of it.

If SQLite cannot write next to the file, because the disk is read-only or full, the file is opened
as immutable, or copied first if its write-ahead log must be replayed.
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
from statemachine.kit.strict_json import decode
from statemachine.state.parts import FORMAT

from ..base.set_aside import copy
from .tables import Columns, StoredMessage, tables, unknown_table

BUSY_MS = 250  # how long to wait for another program's lock
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
MOST = 2**53  # the largest integer that any JSON parser reads exactly
CORRUPT = "corrupt"


class JournalUnavailable(Exception):
    """The journal cannot be used now, and nothing was changed; try again later. Says why."""


class JournalDamaged(Exception):
    """The file is not a valid journal; `kind` becomes part of the name under which it is kept."""

    def __init__(self, why: str, kind: str = CORRUPT) -> None:
        super().__init__(why)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class JournalRows:
    """All that a start needs, in any format; answers and messages are oldest first.

    `writes` counts the writes to the journal.
    """

    format: int
    parts: dict[str, Any]
    answered: list[Answer]
    todo: list[StoredMessage]
    message: int
    writes: int = 0


def read_rows(file: Path) -> JournalRows | None:
    """The content of the file; None if it is a new SQLite file without content.

    Raises `JournalDamaged`, or `JournalUnavailable` if it cannot be read.
    """
    try:
        return _read(file)
    except OSError as error:
        raise JournalUnavailable(f"{file} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise JournalUnavailable(f"there is not enough memory to read {file}") from None


def _read(file: Path) -> JournalRows | None:
    for way in (_where_it_lies, _apart):
        try:
            with way(file) as db:
                return _rows_of(db)
        except UnicodeDecodeError:  # even SQLite's error message is not text
            raise JournalDamaged("its schema is not text") from None
        except sqlite3.Error as error:
            why = error
            if code_of(error) in DAMAGE:
                raise JournalDamaged(str(error)) from None
            if code_of(error) in BUSY:
                break
    raise JournalUnavailable(reason(file, why))


def code_of(error: sqlite3.Error) -> int:
    """SQLite's own error code; errors of Python's module count as SQLITE_ERROR."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def reason(file: Path, error: sqlite3.Error) -> str:
    """Why the file cannot be used, for people to read."""
    if code_of(error) in BUSY:
        return f"another program has locked {file}; close that program"
    advice = "check that the disk has space and that venctl may write there"
    return f"{file} cannot be used: {error}; {advice}"


def size(file: Path) -> int:
    """The size in bytes; 0 if there is no file. Raises OSError if it is unknown."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def unsettled(file: Path) -> bool:
    """Whether a log next to the file must be replayed first."""
    return _has_log(file) or size(file.with_name(file.name + "-journal")) > 0


def had_content(file: Path) -> bool:
    """Whether the files next to an empty file show that it had content.

    An interrupted first start has no page before it: SQLite uses a rollback journal to switch a new
    file to a write-ahead log.
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
    """A connection to a copy, which leaves the file alone. Raises OSError or sqlite3.Error."""
    with tempfile.TemporaryDirectory(prefix="venctl-") as folder:
        there = Path(folder) / file.name
        copy(file, there)
        with closing(connection(there, "mode=rw")) as db:
            yield db


def connection(file: Path, how: str) -> sqlite3.Connection:
    """A connection for any thread, without implicit transactions. Raises sqlite3.Error."""
    return sqlite3.connect(
        f"{file.as_uri()}?{how}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_MS / 1000,
    )


def _rows_of(db: sqlite3.Connection) -> JournalRows | None:
    format = db.execute("PRAGMA user_version").fetchone()[0]
    if format > FORMAT:
        raise JournalDamaged(
            f"its format {format} is from a newer version of venctl", f"format{format}"
        )
    fault = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if fault != "ok" or format < 0:
        raise JournalDamaged(f"{fault}"[:200] if format >= 0 else f"its format {format} is unknown")
    schema = tables(db)
    if not schema:
        return None
    if (name := unknown_table(schema)) is not None:
        raise JournalDamaged(f"its table {name[:40]!r} does not belong to a journal")
    return _rows(db, schema, format)


def _rows(db: sqlite3.Connection, schema: dict[str, Columns], format: int) -> JournalRows:
    def all_of(table: str, columns: str, order: str, *kinds: type) -> Iterator[Any]:
        if table not in schema:  # creating the file was interrupted
            return
        for row in db.execute(f"SELECT {columns} FROM {table} ORDER BY {order}"):
            if tuple(map(type, row)) != kinds or any(abs(n) > MOST for n in row if type(n) is int):
                raise JournalDamaged(f"a row of table {table} has wrong types")
            yield row

    order = "rowid" if format > 2 else "name"
    parts = {name: _json(text) for name, text in all_of("part", "name, value", order, str, str)}
    answered = list(all_of("answered", "*", "at_ms, key", str, int, str, str, int))
    for answer in answered:
        _object(answer[3])
    todo = all_of("todo", "*", "seq", int, str, str)
    letters: list[StoredMessage] = [(seq, kind, _object(body)) for seq, kind, body in todo]
    counters = dict(all_of("counter", "*", "name", str, int))
    if not parts and any(all_of("decision", "seq", "seq LIMIT 1", int)):
        raise JournalDamaged("it has decisions, but the state is missing")
    counts = counters.get("message", 0), counters.get("writes", 0)
    return JournalRows(format, parts, answered, letters, *counts)


def _object(text: str) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict):
        raise JournalDamaged(f"{text[:40]!r} is not a message")
    return value


def _json(text: str) -> Any:
    try:
        return decode(text, once=True)
    except (ValueError, RecursionError) as error:
        raise JournalDamaged(f"{text[:40]!r} is not JSON: {error}") from None
