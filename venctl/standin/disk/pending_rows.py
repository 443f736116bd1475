"""The rows that should be on disk, and which of them are not yet."""

from __future__ import annotations

from threading import Lock

from .database import Key, Row, Rows


class PendingRows:
    """One thread changes rows; another writes the changes to disk and reports the result.

    Only the newest state of a row counts, and a row that was never on disk leaves nothing behind
    when it is dropped: the number of waiting changes is limited by the rows, not by the waiting
    time. `pressing`: somebody waits for some of the changes to be on disk.
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
        """Whether there are changes to write."""
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
        """Take the changes to write; call `written` or `refused` afterwards."""
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
        """The batch was not written: its changes must be written again."""
        with self._lock:
            due = {**dict.fromkeys(self._batch), **self._changed}
            self._batch = {}
            self._changed = {k: None for k in due if k in self._rows or k in self._on_disk}

    def learn(self, rows: Rows) -> None:
        """Add rows from the disk; rows that are already known are newer."""
        with self._lock:
            self._on_disk = set(rows)
            self._rows = {**rows, **self._rows}

    def begin_anew(self) -> None:
        """The file is empty: every row must be written."""
        with self._lock:
            self._on_disk.clear()
            self._batch = {}
            self._changed = dict.fromkeys(self._rows)
