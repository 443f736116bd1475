"""Shadows on disk: written, with fsync, before a change is acknowledged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from ...base.worker import run_in_thread
from ..disk.database import Rows, SqlTable
from ..disk.writer import FIRST_S, Writer
from .service import Key, StoredShadow

TABLES = {
    "shadow": SqlTable(
        "shadow", ("thing TEXT", "name TEXT", "body TEXT NOT NULL"), 2, " WITHOUT ROWID"
    )
}
PARTS = [part.name for part in fields(StoredShadow)]
Shadows = dict[Key, StoredShadow]
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class ShadowStore(MutableMapping[Key, StoredShadow]):
    """A dict of shadows that survives a kill, for the thread that created it.

    `post` calls a function on that thread, for the content of a file that a slow disk delivers
    late. A change waits for the disk in `settled`.
    """

    def __init__(self, file: Path, post: Callable[..., object]) -> None:
        self._all: Shadows = {}
        self._writer = Writer(
            file, "FULL", TABLES, _read, lambda shadows: post(self._merge, shadows)
        )

    async def opened(self) -> None:
        """Read the file, if the disk answers within 1.5 s. Call this first."""
        shadows = await run_in_thread("opens shadows", partial(self._writer.first, FIRST_S))
        self._merge(shadows or {})

    async def settled(self) -> None:
        """Wait until changes are on disk, or the disk is known to be faulty."""
        await self._writer.settled()

    def leave(self) -> None:
        """Begin to stop, without waiting."""
        self._writer.leave()

    def close(self) -> None:
        """Write what the disk accepts within half a second, and close."""
        self._writer.close()

    def __getitem__(self, key: Key) -> StoredShadow:
        return self._all[key]

    def __setitem__(self, key: Key, shadow: StoredShadow) -> None:
        body = _text({name: getattr(shadow, name) for name in PARTS})
        self._all[key] = shadow
        self._writer.put(("shadow", *key), (*key, body))

    def __delitem__(self, key: Key) -> None:
        del self._all[key]
        self._writer.drop(("shadow", *key))

    def __iter__(self) -> Iterator[Key]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def _merge(self, shadows: Shadows) -> None:
        for key, shadow in shadows.items():
            if (newer := self._all.get(key)) is None:
                self._all[key] = shadow
            else:
                self[key] = _upon(shadow, newer)


class SyncedShadowStore(ShadowStore):
    """Each change waits for the disk, for 50 ms at most."""

    def __setitem__(self, key: Key, shadow: StoredShadow) -> None:
        super().__setitem__(key, shadow)
        self._writer.settle()


def _upon(old: StoredShadow, new: StoredShadow) -> StoredShadow:
    """Combine a shadow with an older one that was read late. Versions never decrease, and older
    desired values stay if there are no newer ones.
    """
    version = old.version + new.version
    if new.desired is not None or not new.exists:
        return replace(new, version=version)
    return replace(new, version=version, desired=old.desired, desired_metadata=old.desired_metadata)


def _read(rows: Rows) -> Shadows:
    return {(thing, name): StoredShadow(**json.loads(body)) for thing, name, body in rows.values()}
