"""Recovers rows of a damaged journal: from both ends of each table up to the damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from statemachine.kit.strict_json import decode
from statemachine.state.parts import FORMAT

from .reading import MOST, JournalRows, connection, copied

ORDERS = {"part": "rowid", "answered": "key", "todo": "seq", "counter": "name"}
KINDS = {
    "part": (str, str),
    "answered": (str, int, str, str, int),
    "todo": (int, str, str),
    "counter": (str, int),
}


def salvage_rows(file: Path) -> JournalRows | None:
    """The readable rows of a journal in this format; None if there are none."""
    for way in (copied, _without_log):
        try:
            with way(file) as db:
                return _rows(db)
        except (sqlite3.Error, OSError, MemoryError, UnicodeDecodeError):
            continue
    return None


@contextmanager
def _without_log(file: Path) -> Iterator[sqlite3.Connection]:
    """For a disk without space for a copy, or a damaged log."""
    with closing(connection(file, "mode=ro&immutable=1")) as db:
        yield db


def _rows(db: sqlite3.Connection) -> JournalRows | None:
    if db.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        return None
    rows = {table: _both_ways(db, table) for table in ORDERS}
    parts = {name: value for name, text in rows["part"] if (value := _json(text)) is not None}
    answered = [row for row in rows["answered"] if isinstance(_json(row[3]), dict)]
    letters = [(n, kind, _json(text)) for n, kind, text in rows["todo"]]
    counters = dict(rows["counter"])
    return JournalRows(
        FORMAT,
        parts,
        sorted(answered, key=lambda row: (row[4], row[0])),
        sorted((row for row in letters if isinstance(row[2], dict)), key=lambda row: row[0]),
        counters.get("message", 0),
        counters.get("writes", 0),
    )


def _both_ways(db: sqlite3.Connection, table: str) -> list[Any]:
    """Every valid row before or after the damage."""
    rows: dict[Any, Any] = {}
    for order in ("ASC", "DESC"):
        for row in _until_damage(db, f"SELECT * FROM {table} ORDER BY {ORDERS[table]} {order}"):
            if _is_of_kind(row, table):
                rows[row[0]] = row
    return list(rows.values())


def _until_damage(db: sqlite3.Connection, query: str) -> Iterator[Any]:
    with suppress(sqlite3.Error, UnicodeDecodeError):
        yield from db.execute(query)


def _is_of_kind(row: tuple[Any, ...], table: str) -> bool:
    numbers = (value for value in row if type(value) is int)
    return tuple(map(type, row)) == KINDS[table] and all(abs(n) <= MOST for n in numbers)


def _json(text: str) -> Any:
    try:
        return decode(text, once=True)
    except (ValueError, RecursionError):
        return None
