"""The stand-in's SQLite files: a broken one costs what it held, and is set aside."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)


def open_database(file: Path, synchronous: str, schema: str) -> sqlite3.Connection:
    """A connection in autocommit mode, for the thread that asks; `synchronous` as SQLite has it."""
    try:
        return _opened(file, synchronous, schema)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        aside = file.with_name(f"{file.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        log.warning("%s cannot be read (%s); it is kept as %s", file, error, aside.name)
        file.rename(aside)
        for end in ("-wal", "-shm"):
            file.with_name(file.name + end).unlink(missing_ok=True)
        return _opened(file, synchronous, schema)


def _opened(file: Path, synchronous: str, schema: str) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(f"PRAGMA synchronous={synchronous}")
        if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check found faults")
        db.executescript(schema)
    except BaseException:
        db.close()
        raise
    return db
