"""The journal on its thread: opened when it is needed, let go of when there is trouble with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress

from .journal import Batch, Journal
from .opening import Found, Seen
from .whereabouts import Whereabouts

Look = Callable[[], Seen]
TAKEN_AWAY = "the journal was deleted, moved, replaced or cut short while it was in use"
WRITTEN_ANEW = f"{TAKEN_AWAY}; all that is in force was written anew, and what was before is gone"


class JournalFile:
    """One file. `NotNow`, sqlite3.Error or OSError is raised where the disk refuses."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._seen: Seen | None = None
        self._journal: Journal | None = None
        self._where: Whereabouts | None = None
        self._writes = 0

    def load(self) -> Found:
        """What is remembered. Nothing is written before there is something to write."""
        self.close()
        self._seen = self._look()
        return self._seen.found

    def write(self, batch: Batch) -> str | None:
        """Answers what was lost, if the file had to be set aside for it.

        Only the first batch after `load`, and one that is `anew`, may open a file: whatever has
        become of it, less than all there is would leave it with holes.
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
        """What is written to a file that is not there any more is lost. Raises OSError."""
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
        """Let go of the file."""
        journal, self._journal, self._where = self._journal, None, None
        if journal is not None:
            with suppress(sqlite3.Error):
                journal.close()
