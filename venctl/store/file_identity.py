"""Checks that a database in use is still the same file; writes to any other are lost.

SQLite keeps writing to files that were deleted, moved or emptied, without an error. A database in
use never shrinks, and its write-ahead log stays the same file while it is open.
"""

from __future__ import annotations

from pathlib import Path

Seen = tuple[int, int, int]  # device, inode, size


class FileIdentity:
    """The database and its log as last seen."""

    def __init__(self, file: Path) -> None:
        self._files = (file, file.with_name(file.name + "-wal"))
        self._seen: dict[Path, Seen] = {}

    def note(self) -> None:
        """Record the files after a write, except a file that was replaced meanwhile."""
        for file in self._files:
            now, before = _look(file), self._seen.get(file)
            if now is not None and (before is None or _is_still(before, now)):
                self._seen[file] = now

    def changed(self) -> bool:
        """Whether one of them is gone, was replaced, or is shorter than before. Raises OSError."""
        return any(not _is_still(seen, _look(file)) for file, seen in self._seen.items())


def _look(file: Path) -> Seen | None:
    try:
        there = file.stat()
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino, there.st_size


def _is_still(before: Seen, now: Seen | None) -> bool:
    return now is not None and now[:2] == before[:2] and now[2] >= before[2]
