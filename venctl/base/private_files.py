"""Small files: read without waiting, written completely or not at all, private to their owner.

A pipe without a writer would block the reader, and a device may never end, so neither is read. A
disk or network share that does not answer still blocks its reader.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from .set_aside import sync_folder

log = logging.getLogger(__name__)
MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class FileContent:
    """The content of a file, and who could read it: its permissions and its owner's user id.

    `guarded`: systemd keeps the file for this service only, whatever the permissions say: to give
    us access through an access list, it must open the file to its group.
    """

    content: bytes
    mode: int
    owner: int
    trusted: frozenset[int]
    guarded: bool

    @property
    def open_to_others(self) -> bool:
        return bool(self.mode & 0o077) and not self.guarded

    @property
    def exposed(self) -> str | None:
        """Why the file is not secret, as a phrase after "it is"; None if it is."""
        if self.open_to_others:
            return f"open to other users (mode {self.mode:04o})"
        return None if self.owner in self.trusted else f"owned by another user ({self.owner})"


def read_file(file: Path, most: int = MOST) -> FileContent:
    """Read a regular file of at most `most` bytes. Raises OSError with a `strerror`."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "A pipe or a device, not a file", str(file))
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"Longer than {most:,} bytes", str(file))
        with os.fdopen(descriptor, "rb", closefd=False) as source:
            content = source.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"Longer than {most:,} bytes", str(file))
    mode, trusted, guarded = stat.S_IMODE(status.st_mode), _trusted(file.parent), _guarded(file)
    return FileContent(content, mode, status.st_uid, trusted, guarded)


def _trusted(folder: Path) -> frozenset[int]:
    """Users who may own a secret: this user, root, and the folder's owner, who could replace it."""
    return frozenset({os.geteuid(), 0, folder.stat().st_uid})


def _guarded(file: Path) -> bool:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and file.parent == Path(folder or "")


def read_text(file: Path, most: int = MOST) -> str:
    """The text of a regular file of at most `most` bytes.

    Raises OSError with a `strerror`, also if it is not UTF-8.
    """
    try:
        return read_file(file, most).content.decode("utf-8")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "Not UTF-8", str(file)) from None


def write_private(file: Path, content: str | bytes) -> None:
    """Write a file with mode 0600; after a crash it is either complete or as before.

    A directory of that name is renamed first. Raises OSError.
    """
    write_files({file: content.encode() if isinstance(content, str) else content})


def write_files(contents: Mapping[Path, bytes]) -> None:
    """The same for related files in one folder: a full disk leaves all as they were.

    A crash may leave only the first ones changed. Raises OSError.
    """
    news = {file: file.with_name(file.name + ".new") for file in contents}
    try:
        for file, content in contents.items():
            _clear(news[file])
            _fill(news[file], content)
        for file, new in news.items():
            if file.is_dir() and not file.is_symlink():
                _move_aside(file)
            new.replace(file)
    except OSError:
        for new in news.values():
            with suppress(OSError):
                new.unlink(missing_ok=True)
        raise
    _settle(next(iter(contents)).parent)


def _fill(new: Path, content: bytes) -> None:
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(descriptor)


def _clear(new: Path) -> None:
    """Remove what an interrupted write left, or anything else of that name."""
    if new.is_dir() and not new.is_symlink():
        _move_aside(new)
    else:
        new.unlink(missing_ok=True)


def _move_aside(folder: Path) -> None:
    names = (folder.with_name(f"{folder.name}.aside-{number}") for number in count())
    aside = next(name for name in names if not os.path.lexists(name))
    folder.rename(aside)
    log.warning("%s was a directory; it was renamed to %s", folder, aside)


def _settle(folder: Path) -> None:
    """Sync the new name to the disk. Not every file system can, and the file is good anyway."""
    with suppress(OSError):
        sync_folder(folder)
