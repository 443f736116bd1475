"""Shadows on disk: written, with fsync, before anybody hears that they were accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from dataclasses import asdict
from pathlib import Path

from .database import open_database
from .shadow import Key, Shadow

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS shadow (thing TEXT, name TEXT, body TEXT NOT NULL, "
    "PRIMARY KEY (thing, name)) WITHOUT ROWID"
)


class Store(MutableMapping[Key, Shadow]):
    """A dict of shadows that survives a kill. To be used on the thread that made it."""

    def __init__(self, file: Path) -> None:
        self._db = open_database(file, "FULL", SCHEMA)
        rows = self._db.execute("SELECT thing, name, body FROM shadow")
        self._all = {(thing, name): Shadow(**json.loads(body)) for thing, name, body in rows}

    def close(self) -> None:
        self._db.close()

    def __getitem__(self, key: Key) -> Shadow:
        return self._all[key]

    def __setitem__(self, key: Key, shadow: Shadow) -> None:
        body = json.dumps(asdict(shadow), ensure_ascii=False)
        self._db.execute("INSERT OR REPLACE INTO shadow VALUES (?, ?, ?)", (*key, body))
        self._all[key] = shadow

    def __delitem__(self, key: Key) -> None:
        self._db.execute("DELETE FROM shadow WHERE thing = ? AND name = ?", key)
        del self._all[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)
