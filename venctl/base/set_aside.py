"""Moves a database that cannot be used out of the way, complete and under a new name."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

SUFFIXES = ("", "-wal", "-shm", "-journal")  # a SQLite database and its companion files
PIECE_BYTES = 1 << 20


def set_aside(file: Path, why: str) -> str:
    """Rename a database and its companion files to `{name}.{why}-{UTC}`; returns that name.

    An earlier one is never overwritten. The database is renamed first: an interruption then leaves
    a -wal without it, which is not mistaken for a first start. Raises OSError, also if the disk
    cannot read all of it now: then it may still be usable.
    """
    check_readable(file)
    kept = _free(file, why)
    for suffix in SUFFIXES:
        if os.path.lexists(beside := file.with_name(file.name + suffix)):
            beside.rename(file.with_name(kept + suffix))
    sync_folder(file.parent)
    return kept


def keep_copy(file: Path, why: str) -> str | None:
    """Copy a database to such a name; None if the disk refuses."""
    try:
        kept = _free(file, why)
        copy(file, file.with_name(kept))
    except OSError:
        return None
    return kept


def copy(file: Path, to: Path) -> None:
    """Copy a database and its companion files, except the -shm, which SQLite creates again.

    Raises OSError.
    """
    for suffix in set(SUFFIXES) - {"-shm"}:
        if (beside := file.with_name(file.name + suffix)).exists():
            shutil.copyfile(beside, to.with_name(to.name + suffix))


def check_readable(file: Path) -> None:
    """Read every byte of a database and its companion files. Raises OSError if that fails.

    SQLite reports pages that the disk could not read in the same words as damaged ones.
    """
    for suffix in SUFFIXES:
        beside = file.with_name(file.name + suffix)
        if beside.is_file():
            _read(beside)


def sync_folder(folder: Path) -> None:
    """Make new and renamed files in a folder survive a power cut, if its disk supports it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> None:
    descriptor, offset = os.open(file, os.O_RDONLY | os.O_CLOEXEC), 0
    try:
        while piece := os.pread(descriptor, PIECE_BYTES, offset):
            offset += len(piece)
    finally:
        os.close(descriptor)


def _free(file: Path, why: str) -> str:
    name = f"{file.name}.{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    for more in ("", *(f".{number}" for number in range(2, 100))):
        if not any(os.path.lexists(file.with_name(name + more + suffix)) for suffix in SUFFIXES):
            return name + more
    raise FileExistsError(f"100 files named {name} already exist; delete some of them")
