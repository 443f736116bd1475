"""Counts the writes of a journal outside of it, to detect a journal whose end is missing.

A damaged or deleted write-ahead log leaves a valid database that lacks acknowledged writes. The
count is written after each commit and never synced: after a power cut it may be too low, which
detects less, but never too high. It has a checksum: a damaged count, or one of an earlier version,
is ignored.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from zlib import crc32


class HighWater:
    """The count next to `journal`. If the disk refuses it, only this detection is lost."""

    def __init__(self, journal: Path) -> None:
        self._file = journal.with_name(journal.name + ".writes")
        self._descriptor: int | None = None

    def read(self) -> int:
        """The number of writes; 0 if there is no count that can be read."""
        try:
            content = self._file.read_bytes()[:30]
            number = content[:20]
            return int(number) if number.isdigit() and content == _text(int(number)) else 0
        except OSError:
            return 0

    def note(self, writes: int) -> None:
        """Record the number of writes in the journal."""
        with suppress(OSError):
            if self._descriptor is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                self._descriptor = os.open(self._file, flags, 0o600)
            os.pwrite(self._descriptor, _text(writes), 0)

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _text(writes: int) -> bytes:
    number = b"%020d" % writes
    return b"%s %08x\n" % (number, crc32(number))
