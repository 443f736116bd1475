"""How often a journal was written to, noted outside of it: betrays a journal whose end is missing.

A write-ahead log that was damaged or deleted leaves a database that is sound, and older than what
was acknowledged. The note is made after each commit and never synced: after a power cut it may be
too low, which betrays less, never too high. It has a checksum: a note that was damaged, or is of an
earlier version, says nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from zlib import crc32


class HighWater:
    """The note beside `journal`. A disk that refuses it costs only what it could betray."""

    def __init__(self, journal: Path) -> None:
        self._file = journal.with_name(journal.name + ".writes")
        self._descriptor: int | None = None

    def read(self) -> int:
        """How many writes were noted; 0 where there is no note that can be read."""
        try:
            said = self._file.read_bytes()[:30]
            number = said[:20]
            return int(number) if number.isdigit() and said == _text(int(number)) else 0
        except OSError:
            return 0

    def note(self, writes: int) -> None:
        """So many writes are in the journal now."""
        with suppress(OSError):
            if self._descriptor is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                self._descriptor = os.open(self._file, flags, 0o600)
            os.pwrite(self._descriptor, _text(writes), 0)

    def close(self) -> None:
        """Let go of the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _text(writes: int) -> bytes:
    number = b"%020d" % writes
    return b"%s %08x\n" % (number, crc32(number))
