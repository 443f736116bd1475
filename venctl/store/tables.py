"""The tables of the journal, and a check of those in a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import cache
from typing import Any

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS part (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS decision (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " trigger TEXT NOT NULL, effects TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS todo (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
    " body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS answered (key TEXT PRIMARY KEY, revision INTEGER NOT NULL,"
    " digest TEXT NOT NULL, ack TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
    " WITHOUT ROWID",
)
StoredMessage = tuple[int, str, Mapping[str, Any]]  # number, kind, body
Columns = list[tuple[str, str, int]]


def tables(db: sqlite3.Connection) -> dict[str, Columns]:
    """Name, type and position in the key of every column, by table."""
    schema: dict[str, Columns] = {}
    rows = db.execute(
        "SELECT t.name, c.name, c.type, c.pk"
        " FROM sqlite_master t, pragma_table_xinfo(t.name) c WHERE t.type != 'index'"
    )
    for table, name, kind, pk in rows:
        schema.setdefault(table, []).append((name, kind, pk))
    return schema


def unknown_table(schema: dict[str, Columns]) -> str | None:
    """The first table that does not belong to a journal, or has other columns; None if all fit."""
    known = _known()
    return next((name for name in schema if schema[name] != known.get(name)), None)


@cache
def _known() -> dict[str, Columns]:
    db = sqlite3.connect(":memory:")
    try:
        for statement in SCHEMA:
            db.execute(statement)
        return tables(db)
    finally:
        db.close()
