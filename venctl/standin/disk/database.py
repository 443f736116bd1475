"""The stand-in's SQLite files: rows by key, and detection of damaged files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

BUSY_S = 0.05
TOGETHER = 100  # rows in one statement; every version of SQLite accepts 999 values
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

Key = tuple[Any, ...]  # the name of the table, then the key of the row
Row = tuple[Any, ...]  # the complete row; its key comes first
Rows = dict[Key, Row]
Changes = Mapping[Key, Row | None]  # None: the row is deleted


class DatabaseDamaged(Exception):
    """The file can be read, but its content is not valid."""


class SqlTable:
    """A table with SQLite column definitions, of which the first `known_by` are its key."""

    def __init__(self, name: str, columns: Sequence[str], known_by: int, more: str) -> None:
        keys = [column.split()[0] for column in columns[:known_by]]
        self.name, self.known_by, self.width = name, known_by, len(columns)
        self.create = (
            f"CREATE TABLE IF NOT EXISTS {name} "
            f"({', '.join(columns)}, PRIMARY KEY ({', '.join(keys)})){more}"
        )
        self._put = f"INSERT OR REPLACE INTO {name} VALUES "
        self._drop = f"DELETE FROM {name} WHERE ({', '.join(keys)}) IN (VALUES "

    def put(self, count: int) -> str:
        """The statement that writes `count` rows."""
        return self._put + _marks(self.width, count)

    def drop(self, count: int) -> str:
        """The statement that deletes `count` rows by key."""
        return self._drop + _marks(self.known_by, count) + ")"


Tables = Mapping[str, SqlTable]


def open_database(file: Path, synchronous: str, tables: Tables) -> sqlite3.Connection:
    """A connection in autocommit mode, for this thread; `synchronous` as in SQLite.

    Creates the folder if it is missing. Raises OSError or sqlite3.Error.
    """
    file.parent.mkdir(exist_ok=True)
    db = sqlite3.connect(file, BUSY_S, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(f"PRAGMA synchronous={synchronous}")
        for table in tables.values():
            db.execute(table.create)
    except BaseException:
        db.close()
        raise
    return db


def checked_rows(db: sqlite3.Connection, tables: Tables) -> Rows:
    """All rows, after a check of the file. Raises `DatabaseDamaged` or sqlite3.Error."""
    if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
        raise DatabaseDamaged("quick_check found faults")
    return _rows(db, tables)


def read_without_opening(file: Path, tables: Tables) -> Rows | None:
    """The rows of a file that cannot be opened for writing, if it has no write-ahead log.

    Normally SQLite creates companion files to read it, for which a full disk has no space.
    """
    log_of_changes = file.with_name(file.name + "-wal")
    try:
        if log_of_changes.exists() and log_of_changes.stat().st_size:
            return None
        where = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(where, uri=True)) as db:
            return _rows(db, tables)
    except (OSError, sqlite3.Error, DatabaseDamaged):
        return None


def write(db: sqlite3.Connection, tables: Tables, changes: Changes) -> None:
    """Write all changes or none, in one transaction. Raises sqlite3.Error."""
    db.execute("BEGIN IMMEDIATE")
    for name, table in tables.items():
        mine = [(key[1:], row) for key, row in changes.items() if key[0] == name]
        _many(db, table.drop, [key for key, row in mine if row is None])
        _many(db, table.put, [row for _, row in mine if row is not None])
    db.execute("COMMIT")


def _many(
    db: sqlite3.Connection, statement: Callable[[int], str], rows: Sequence[tuple[Any, ...]]
) -> None:
    # Each statement releases Python's lock, and waits for it again if other threads are busy.
    for first in range(0, len(rows), TOGETHER):
        some = rows[first : first + TOGETHER]
        db.execute(statement(len(some)), list(chain.from_iterable(some)))


def _marks(width: int, count: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * count)


def is_damage(error: BaseException) -> bool:
    """Whether the file itself is damaged, rather than unreachable for now."""
    return (
        isinstance(error, DatabaseDamaged) or getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN
    )


def reason(error: BaseException) -> str:
    """The reason in one line, with SQLite's error name if any."""
    name = getattr(error, "sqlite_errorname", None)
    return f"{error} ({name})" if name else str(error) or type(error).__name__


def remove(file: Path) -> None:
    """Delete a damaged file that is no longer needed. Raises OSError."""
    for end in ("-wal", "", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)


def _rows(db: sqlite3.Connection, tables: Tables) -> Rows:
    all_rows: Rows = {}
    for table in tables.values():
        try:
            cursor = db.execute(f"SELECT * FROM {table.name}")
            rows = cursor.fetchall()  # to the end: a query left open keeps the file open
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise DatabaseDamaged(str(error)) from None
            raise
        if len(cursor.description) != table.width:
            raise DatabaseDamaged(f"the table {table.name} has other columns")
        all_rows.update(((table.name, *row[: table.known_by]), row) for row in rows)
    return all_rows
