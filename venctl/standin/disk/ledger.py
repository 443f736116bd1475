"""Rows as they should be on disk, and which of them are not there yet."""

from __future__ import annotations

from threading import Lock

from .database import Key, Row, Rows


class Ledger:
    """One thread changes rows, another takes what changed to the disk, and says how that ended.

    Of a row only the newest state counts, and what came and went without ever being on disk leaves
    nothing behind: what waits is bounded by the rows there are, not by how long it waits.
    `pressing`: of some of it somebody is told only once it is on disk.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: Rows = {}
        self._on_disk: set[Key] = set()
        self._changed: dict[Key, None] = {}
        self._batch: dict[Key, Row | None] = {}
        self.pressing = False

    @property
    def dirty(self) -> bool:
        """Whether there is anything to take."""
        return bool(self._changed)

    def put(self, key: Key, row: Row) -> None:
        with self._lock:
            self._rows[key] = row
            self._changed[key] = None
            self.pressing = True

    def drop(self, key: Key, pressing: bool = True) -> None:
        with self._lock:
            self.pressing = self.pressing or pressing
            self._rows.pop(key, None)
            if self._batch.get(key, key in self._on_disk):
                self._changed[key] = None
            else:
                self._changed.pop(key, None)

    def take(self) -> dict[Key, Row | None]:
        """What changed, to be written at once; then `written` or `refused` is due."""
        with self._lock:
            self._batch = {key: self._rows.get(key) for key in self._changed}
            self._changed, self.pressing = {}, False
            return self._batch

    def written(self) -> None:
        with self._lock:
            for key, row in self._batch.items():
                if row is None:
                    self._on_disk.discard(key)
                else:
                    self._on_disk.add(key)
            self._batch = {}

    def refused(self) -> None:
        """Nothing of the batch is on disk: it is due again."""
        with self._lock:
            due = {**dict.fromkeys(self._batch), **self._changed}
            self._batch = {}
            self._changed = {k: None for k in due if k in self._rows or k in self._on_disk}

    def learn(self, rows: Rows) -> None:
        """What the disk held before; rows that are known already are newer."""
        with self._lock:
            self._on_disk = set(rows)
            self._rows = {**rows, **self._rows}

    def begin_anew(self) -> None:
        """The disk holds nothing any more: every row is due."""
        with self._lock:
            self._on_disk.clear()
            self._batch = {}
            self._changed = dict.fromkeys(self._rows)
