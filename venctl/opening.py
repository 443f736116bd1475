"""Stand-in for the module that opens a journal; replaced at the merge."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from statemachine.memory import FORMAT

from .journal import SCHEMA


@dataclass(frozen=True, slots=True)
class Found:
    parts: Mapping[str, Any] = field(default_factory=dict)
    answered: Sequence[tuple[str, int, str, str, int]] = ()
    todo: Sequence[tuple[int, str, dict[str, Any]]] = ()
    message: int = 0
    lost: str | None = None


class NotNow(Exception):
    pass


def open_journal(
    file: Path, fits: Callable[[Mapping[str, Any]], None]
) -> tuple[sqlite3.Connection | None, Found]:
    try:
        db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=0.25)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"PRAGMA user_version={FORMAT}")
        db.executescript(SCHEMA)
    except sqlite3.Error as error:
        raise NotNow(str(error)) from None
    parts = {n: json.loads(v) for n, v in db.execute("SELECT * FROM part ORDER BY rowid")}
    todo = [(s, k, json.loads(b)) for s, k, b in db.execute("SELECT * FROM todo ORDER BY seq")]
    answered = db.execute("SELECT * FROM answered ORDER BY at_ms").fetchall()
    row = db.execute("SELECT value FROM counter").fetchone()
    fits(parts)
    return db, Found(parts, answered, todo, row[0] if row else 0)
