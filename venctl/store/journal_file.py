"""The journal on its thread: opened when needed, and closed after an error."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress

from .file_identity import FileIdentity
from .journal import Batch, Journal
from .opening import JournalContent, ReadJournal

Look = Callable[[], ReadJournal]
TAKEN_AWAY = "the journal was deleted, moved, replaced or cut short while it was in use"
WRITTEN_ANEW = f"{TAKEN_AWAY}; the current state was written again, but the history is lost"


class JournalFile:
    """One file. Raises `JournalUnavailable`, sqlite3.Error or OSError if the disk refuses."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._seen: ReadJournal | None = None
        self._journal: Journal | None = None
        self._where: FileIdentity | None = None
        self._writes = 0

    def load(self) -> JournalContent:
        """Read the stored state. Writes nothing."""
        self.close()
        self._seen = self._look()
        return self._seen.found

    def write(self, batch: Batch) -> str | None:
        """Write a batch; returns what was lost, if the file had to be set aside.

        Only the first batch after `load`, and one that is `anew`, may open a file: in a changed
        file, an incomplete batch would leave gaps.
        """
        self.check()
        lost = self._open(batch.anew) if self._journal is None else None
        assert self._journal is not None and self._where is not None
        try:
            self._journal.write(batch)
            self._writes = self._journal.writes
            self._where.note()
        except BaseException:
            self.close()
            raise
        return lost

    def check(self) -> None:
        """Raises OSError if the file is gone, because writes to it would be lost."""
        if self._where is not None and self._where.changed():
            self.close()
            raise OSError(TAKEN_AWAY)

    def _open(self, anew: bool) -> str | None:
        if self._seen is None and not anew:
            raise OSError(TAKEN_AWAY)
        seen, self._seen = self._seen or self._look(), None
        writes = max(seen.found.writes, self._writes)
        self._journal = Journal(seen.ready(), writes, seen.high_water)
        self._where = seen.where
        self._where.note()
        if anew and (seen.found.lost or seen.found.writes < self._writes):
            return WRITTEN_ANEW
        return seen.found.lost

    def close(self) -> None:
        """Close the file."""
        journal, self._journal, self._where = self._journal, None, None
        if journal is not None:
            with suppress(sqlite3.Error):
                journal.close()
