"""The journal on its thread: opened when it is needed, let go of when there is trouble with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress

from .journal import Batch, Journal
from .opening import Found

Open = Callable[[], tuple[sqlite3.Connection | None, Found]]


class JournalFile:
    """One file. `NotNow`, sqlite3.Error or OSError is raised where the disk refuses."""

    def __init__(self, open: Open) -> None:
        self._open = open
        self._journal: Journal | None = None

    def load(self) -> Found:
        """What is remembered; `read_only` says whether the file can be written too."""
        self.close()
        connection, found = self._open()
        if connection is not None:
            self._journal = Journal(connection)
        return found

    def write(self, batch: Batch) -> str | None:
        """Answers what was lost, if the file had to be set aside for it."""
        found = self.load() if self._journal is None else None
        if self._journal is None:
            raise sqlite3.OperationalError(found.read_only if found else None)
        try:
            self._journal.write(batch)
        except BaseException:
            self.close()
            raise
        return None if found is None else found.lost

    def close(self) -> None:
        """Let go of the file."""
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(sqlite3.Error):
                journal.close()
