"""A file that cannot be used is set aside beside its place, whole, and under a name of its own."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

SUFFIXES = ("", "-wal", "-shm", "-journal")  # a SQLite database and what is kept beside it
PIECE_BYTES = 1 << 20


def set_aside(file: Path, why: str) -> str:
    """Rename a database and what is beside it to `{name}.{why}-{UTC}`; answers that name.

    An earlier one is never overwritten. The database goes first: whoever is cut off in between
    leaves a -wal without it, which is told from a first day. Raises OSError, also where the disk
    cannot read all of it just now: then it is not known to be of no use.
    """
    legible(file)
    kept = _free(file, why)
    for suffix in SUFFIXES:
        if os.path.lexists(beside := file.with_name(file.name + suffix)):
            beside.rename(file.with_name(kept + suffix))
    sync(file.parent)
    return kept


def keep_copy(file: Path, why: str) -> str | None:
    """Copy a database under such a name; None where the disk takes none."""
    try:
        kept = _free(file, why)
        copy(file, file.with_name(kept))
    except OSError:
        return None
    return kept


def copy(file: Path, to: Path) -> None:
    """Copy a database and what is beside it, but for the -shm: SQLite makes it anew.

    Raises OSError.
    """
    for suffix in set(SUFFIXES) - {"-shm"}:
        if (beside := file.with_name(file.name + suffix)).exists():
            shutil.copyfile(beside, to.with_name(to.name + suffix))


def legible(file: Path) -> None:
    """Every byte of a database and of what is beside it can be had. Raises OSError where not.

    SQLite tells of pages that the disk could not read in the same words as of damaged ones.
    """
    for suffix in SUFFIXES:
        beside = file.with_name(file.name + suffix)
        if beside.is_file():
            _read(beside)


def sync(folder: Path) -> None:
    """What was made or renamed in a folder outlives a power cut, where its disk can see to it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> None:
    descriptor, place = os.open(file, os.O_RDONLY | os.O_CLOEXEC), 0
    try:
        while piece := os.pread(descriptor, PIECE_BYTES, place):
            place += len(piece)
    finally:
        os.close(descriptor)


def _free(file: Path, why: str) -> str:
    name = f"{file.name}.{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    for more in ("", *(f".{place}" for place in range(2, 100))):
        if not any(os.path.lexists(file.with_name(name + more + suffix)) for suffix in SUFFIXES):
            return name + more
    raise FileExistsError(f"there are a hundred {name} already")
