"""Small files that others read, written by a thread that retries until the disk accepts them, and
that writes them again if they are deleted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from .private_files import write_private
from .worker import Worker, run_on

log = logging.getLogger(__name__)
AGAIN_S = 2.0
T = TypeVar("T")


class BackgroundFiles:
    """The content for each file; the newest counts. Call from the loop only."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._said: dict[Path, str] = {}  # not written yet
        self._lasting: dict[Path, str] = {}
        self._refused: set[Path] = set()
        self._changed = asyncio.Event()

    def write(self, file: Path, text: str) -> None:
        """Write `text` to `file` soon."""
        self._said[file] = self._lasting[file] = text
        self._worker.do(partial(write_private, file, text), partial(self._done, file, text))

    def remove(self, file: Path) -> None:
        """Delete the file, if there is one."""
        self._said.pop(file, None)
        self._lasting.pop(file, None)
        with suppress(OSError):
            file.unlink(missing_ok=True)

    async def written(self, file: Path, patience_s: float) -> bool:
        """Wait for the file to be written, for at most `patience_s`; returns whether it was."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while file in self._said and file not in self._refused:
                    self._changed.clear()
                    await self._changed.wait()
        return file not in self._said

    async def run(self, work: Callable[[], T], patience_s: float, other: Callable[[], T]) -> T:
        """The result of `work` on the thread, or of `other` after `patience_s`."""
        try:
            return await run_on(self._worker, work, patience_s)
        except TimeoutError:
            return other()

    async def watch(self) -> None:
        """Write deleted files again, forever: their folder may be moved or emptied."""
        while True:
            await asyncio.sleep(AGAIN_S)
            try:
                gone = await run_on(self._worker, partial(_gone, [*self._lasting]), None)
            except OSError:
                continue  # a disk that refuses to look says nothing of what is there
            for file in gone:
                if file in self._lasting and file not in self._said:
                    log.warning("%s was deleted and is written again", file)
                    self.write(file, self._lasting[file])

    def _done(self, file: Path, text: str, _: object, error: Exception | None) -> None:
        if self._said.get(file) != text:
            return
        if error is None:
            del self._said[file]
            self._refused.discard(file)
        else:
            if file not in self._refused:
                log.warning("%s cannot be written yet: %s", file, error)
            self._refused.add(file)
            asyncio.get_running_loop().call_later(AGAIN_S, self._again, file, text)
        self._changed.set()

    def _again(self, file: Path, text: str) -> None:
        if self._said.get(file) == text:
            self.write(file, text)


def _gone(files: Sequence[Path]) -> list[Path]:
    return [file for file in files if not file.exists()]
