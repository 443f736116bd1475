"""Whether a database in use is still the file it was: what is written to another is lost.

SQLite writes on into files that were deleted, moved or emptied, and says nothing. A database in use
grows or stays as it is, and its write-ahead log stays the same file as long as it is open.
"""

from __future__ import annotations

from pathlib import Path

Seen = tuple[int, int, int]  # device, inode, size


class Whereabouts:
    """The database and its log, as they were last seen."""

    def __init__(self, file: Path) -> None:
        self._files = (file, file.with_name(file.name + "-wal"))
        self._seen: dict[Path, Seen] = {}

    def note(self) -> None:
        """They were written to; one that became another in the meantime stays noted as it was."""
        for file in self._files:
            now, before = _look(file), self._seen.get(file)
            if now is not None and (before is None or _is_still(before, now)):
                self._seen[file] = now

    def changed(self) -> bool:
        """One of them is gone, is another, or is shorter than it was. Raises OSError."""
        return any(not _is_still(seen, _look(file)) for file, seen in self._seen.items())


def _look(file: Path) -> Seen | None:
    try:
        there = file.stat()
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino, there.st_size


def _is_still(before: Seen, now: Seen | None) -> bool:
    return now is not None and now[:2] == before[:2] and now[2] >= before[2]
