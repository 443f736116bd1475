"""Allows one controller per state folder, even if the folder cannot be written.

The lock is on the folder itself, which needs no disk space. The file `lock` in it names the process
that holds it, and is locked too, because older controllers lock only that file. If there is no
folder and none can be made, a file in the system's temporary folder is locked.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ..base.worker import Worker, run_on

log = logging.getLogger(__name__)
AGAIN_S = 1.0


class StateFolderInUse(Exception):
    """Another controller uses this state folder; the message names it."""


class Claim:
    """A state folder with mode 0700 that is ours until `close`. Raises `StateFolderInUse`.

    `trouble` says why it cannot be written; it is "" if it can.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[Path, int] = {}
        self.trouble = ""
        self.retry()

    def retry(self) -> None:
        """Lock what can be locked now. Raises `StateFolderInUse`."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            self.trouble = ""
        except OSError as error:
            self.trouble = f"{self._folder} cannot be written: {error.strerror or error}"
        try:
            self._take_all()
        except StateFolderInUse:
            self.close()
            raise

    async def keep(self, worker: Worker) -> None:
        """Lock what becomes available, and what replaced a locked file, forever.

        `worker` does it, because a disk may hang. Raises `StateFolderInUse`.
        """
        while True:
            await asyncio.sleep(AGAIN_S)
            await run_on(worker, self._mend, None)

    def _mend(self) -> None:
        gone = [file for file, lock in self._locks.items() if not _is(file, lock)]
        for file in gone:
            os.close(self._locks.pop(file))
        if gone or self.trouble:
            self.retry()

    def close(self) -> None:
        """Release the folder."""
        while self._locks:
            os.close(self._locks.popitem()[1])

    def _take_all(self) -> None:
        named = self._folder / "lock"
        try:
            if self._folder.is_dir():
                self._take(self._folder, os.O_RDONLY)
            else:
                self._take(_elsewhere(self._folder), os.O_RDWR | os.O_CREAT)
        except OSError as error:
            log.warning("a second controller on %s would not be detected: %s", self._folder, error)
        try:
            self._take(named, os.O_RDWR | os.O_CREAT)
            self._say_who(named)
        except OSError as error:
            self.trouble = self.trouble or f"{named} cannot be written: {error.strerror or error}"
            with suppress(OSError):
                self._take(named, os.O_RDONLY)

    def _take(self, file: Path, flags: int) -> None:
        """Lock a file, if it takes locks. Raises `StateFolderInUse`, or OSError if it cannot be
        opened.
        """
        if file in self._locks:
            return
        lock = os.open(file, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StateFolderInUse(self._who()) from None
        except OSError as error:  # a network folder, for example
            os.close(lock)
            log.debug("%s cannot be locked: %s", file, error)
            return
        self._locks[file] = lock

    def _say_who(self, named: Path) -> None:
        lock = self._locks.get(named)
        if lock is not None:
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)

    def _who(self) -> str:
        pid = "?"
        with suppress(OSError, UnicodeDecodeError):
            pid = (self._folder / "lock").read_text().strip() or pid
        return f"a controller is already running on {self._folder} (process {pid})"


def claimed(folder: Path) -> bool:
    """Whether a controller is running on this folder, or none could."""
    try:
        claim = Claim(folder)
    except (StateFolderInUse, OSError):
        return True
    claim.close()
    return False


def _is(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _elsewhere(folder: Path) -> Path:
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]
    return Path(tempfile.gettempdir()) / f"venctl-{name}.lock"
