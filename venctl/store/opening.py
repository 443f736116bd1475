"""Opens the journal: what is good is kept, what is older brought up, what is damaged set aside.

It is read over a connection that cannot write, so that a file turns out sound, damaged or out of
reach before anything was touched.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from statemachine.journal.answers import Answer
from statemachine.journal.integrity import check
from statemachine.journal.upgrade import brought_up, digest_of
from statemachine.kit.strict_json import compact_text
from statemachine.state.parts import FORMAT

from ..base.aside import SUFFIXES, keep_copy, legible, set_aside, sync
from .high_water import HighWater
from .reading import CORRUPT, Damaged, NotNow, Rows, connection, had_content, read, reason, size
from .salvaging import readable
from .tables import SCHEMA, Letter
from .whereabouts import Whereabouts

__all__ = ["Found", "NotNow", "Seen", "look_into"]

Fits = Callable[[Mapping[str, Any]], None]
Salvage = Callable[[Mapping[str, Any]], Mapping[str, Any]]
MADE_LATER = "token"  # beside the journal, from the end of a first start on


@dataclass(frozen=True, slots=True)
class Found:
    """What the journal held, brought up to this version; empty on the first day.

    `parts` are as `statemachine.state.memory.from_parts` takes them. `answered` is key, revision,
    digest, ack as JSON and time of each answer, `todo` number, kind and body of each message not
    known to have gone out, both oldest first; `message` the last message number. `lost` says,
    where something of it is lost: why, and as what a damaged journal is kept. `writes`: how often
    it was written to.
    """

    parts: Mapping[str, Any] = field(default_factory=dict)
    answered: Sequence[Answer] = ()
    todo: Sequence[Letter] = ()
    message: int = 0
    lost: str | None = None
    writes: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A journal that was read. `ready` answers a connection to write to it, or raises `NotNow`.

    `where` tells whether it is still there while it is written to.
    """

    found: Found
    ready: Callable[[], sqlite3.Connection]
    where: Whereabouts
    high_water: HighWater


def look_into(file: Path, fits: Fits, salvage: Salvage) -> Seen:
    """What is in a journal; not a byte of it is changed, and no disk has to sync for it.

    `fits` raises where no memory can be made of the parts it is given. What is damaged, or of a
    newer version, is set aside as `.corrupt-...` or `.format7-...`, and what `salvage` makes of
    the parts that can be read goes on; without any: a safe state, with every circuit given back.
    Raises `NotNow`, after half a second at most.
    """
    file = _settled(file)
    with suppress(Damaged):
        return _seen(file, fits)
    try:
        legible(file)
        return _seen(file, fits)  # what could not be read for a moment looked damaged too
    except OSError as error:
        raise NotNow(f"{file} cannot be read: {error.strerror or error}") from None
    except Damaged as damage:
        return _as_seen(file, None, _rescued(file, damage, fits, salvage))


def _seen(file: Path, fits: Fits) -> Seen:
    if (emptied := _emptied(file)) is not None:
        raise Damaged(emptied)
    rows = read(file) if size(file) else None
    if rows is not None and _forbids(file):
        raise Damaged("its header says that nobody may write to it")
    return _as_seen(file, rows, _complete(file, _understood(rows, fits)))


def _as_seen(file: Path, rows: Rows | None, found: Found) -> Seen:
    ready = partial(_to_write, file, rows, found)
    return Seen(found, ready, Whereabouts(file), HighWater(file))


def _complete(file: Path, found: Found) -> Found:
    """What was found, and whether it is all that was stored."""
    noted = HighWater(file).read()
    missing = noted - found.writes
    if missing <= 0:
        return found
    lost = f"the journal is gone, which had been written to {noted:,} times"
    if found.parts:
        lost = f"the journal lacks the last {missing:,} of {noted:,} writes that were stored"
        if (kept := keep_copy(file, "cut")) is not None:
            lost += f" (a copy is kept as {kept})"
    return replace(found, writes=noted, lost=f"{lost}; what they said is not known any more")


def _rescued(file: Path, damage: Damaged, fits: Fits, salvage: Salvage) -> Found:
    """What can be saved of a damaged journal, which is set aside."""
    rows = readable(file) if damage.kind == CORRUPT else None
    lost, noted = _put_away(file, damage), HighWater(file).read()
    parts = salvage(rows.parts) if rows is not None else {}
    try:
        fits(parts)
    except Exception:  # what no decision can be made of is of no use
        parts = {}
    if rows is None or not parts:
        return Found(lost=f"{lost}, which knows nothing of what was before", writes=noted)
    lost = f"{lost} with the {len(parts)} parts that could be read"
    writes = max(noted, rows.writes)
    return Found(parts, rows.answered, rows.todo, rows.message, lost, writes)


def _settled(file: Path) -> Path:
    """Where the file really lies, in a folder that is there. Raises `NotNow`."""
    try:
        if file.is_symlink() and not file.exists():
            raise NotNow(f"{file} points to {file.readlink()}, which is not there")
        file = file.resolve()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for beside in (file.with_name(file.name + suffix) for suffix in SUFFIXES):
            if os.path.lexists(beside) and not stat.S_ISREG(beside.lstat().st_mode):
                raise NotNow(f"{beside} is not a file; move it away")
    except (OSError, RuntimeError) as error:
        raise NotNow(f"{file} cannot be had: {error}") from None
    return file


def _emptied(file: Path) -> str | None:
    """Why a file without a byte, or none, is not the first day; None: it is, or there are bytes."""
    try:
        if size(file):
            return None
        if had_content(file):
            return "the file is empty, or gone, and only what was beside it is left"
        if file.exists() and file.with_name(MADE_LATER).exists():
            return "the file is empty, though this site has run before"
    except OSError as error:
        raise NotNow(f"{file} cannot be had: {error.strerror or error}") from None
    return None


def _understood(rows: Rows | None, fits: Fits) -> Found:
    """What the rows say, in this version's words. Raises `Damaged`."""
    if rows is None:
        return Found()
    parts: Mapping[str, Any] = rows.parts
    try:
        if parts:
            parts = brought_up(rows.format, parts)
            check(parts)
            fits(parts)
    except MemoryError:
        raise NotNow("there is no memory left to read the journal") from None
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:200]
        raise Damaged(f"no memory can be made of it, of format {rows.format}: {said}") from None
    answered = [
        (key, revision, digest_of(rows.format, key, digest), ack, at_ms)
        for key, revision, digest, ack, at_ms in rows.answered
    ]
    return Found(parts, answered, rows.todo, rows.message, writes=rows.writes)


def _put_away(file: Path, damage: Damaged) -> str:
    try:
        name = set_aside(file, damage.kind)
    except OSError as error:
        said = error.strerror or error
        raise NotNow(f"{file} is damaged ({damage}) and cannot be set aside: {said}") from None
    return f"the journal could not be used: {damage}; it is kept as {name}, and a new one begun"


def _to_write(file: Path, rows: Rows | None, found: Found) -> sqlite3.Connection:
    """A connection to the file, of this format; the file is made where there is none."""
    try:
        if rows is None:
            os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        return _ready(file, rows, found)
    except OSError as error:
        why = f"{file} cannot be made: {error.strerror or error}"
    except sqlite3.Error as error:
        why = reason(file, error)
    if rows is None:
        _unmake(file)
    raise NotNow(why)


def _forbids(file: Path) -> bool:
    """The header says that nobody may write: it should say 1, or 2 where there is a -wal."""
    try:
        with file.open("rb") as head:
            written = head.read(20)[18:19]
    except OSError:
        return False
    return written not in (b"", b"\1", b"\2")


def _unmake(file: Path) -> None:
    """Nothing came of the new file; left empty it would tell of a journal that was emptied."""
    if size(file) == 0:
        file.unlink(missing_ok=True)


def _ready(file: Path, rows: Rows | None, found: Found) -> sqlite3.Connection:
    db = connection(file, "mode=rw")
    try:
        mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        db.execute("PRAGMA synchronous=FULL")
        level = db.execute("PRAGMA synchronous").fetchone()[0]
        if (mode, level) != ("wal", 2):
            raise OSError(f"no write-ahead log can be kept there ({mode}, {level})")
        _of_this_format(db, None if rows is None else rows.format, found)
        if rows is None:
            sync(file.parent)
    except BaseException:
        db.close()
        raise
    return db


def _of_this_format(db: sqlite3.Connection, format: int | None, found: Found) -> None:
    """One transaction: cut off in it, the file is as it was. Takes the lock in any case."""
    older = format is not None and format < FORMAT
    db.execute("BEGIN IMMEDIATE")
    if older:
        db.execute("DROP INDEX IF EXISTS answered_at")
        db.execute("DROP TABLE IF EXISTS part")  # it was without rowids, and has them now
    for statement in SCHEMA:
        db.execute(statement)
    if older:
        _insert_parts(db, found)
        digests = [(digest, key) for key, _, digest, _, _ in found.answered]
        db.executemany("UPDATE answered SET digest = ? WHERE key = ?", digests)
    if format is None:  # what was saved of a damaged one
        _insert_parts(db, found)
        db.executemany("INSERT INTO answered VALUES (?, ?, ?, ?, ?)", found.answered)
        letters = [(seq, kind, compact_text(body)) for seq, kind, body in found.todo]
        db.executemany("INSERT INTO todo VALUES (?, ?, ?)", letters)
        db.execute("INSERT OR REPLACE INTO counter VALUES ('message', ?)", (found.message,))
    db.execute(f"PRAGMA user_version={FORMAT}")  # written in any case: so it can be written
    db.execute("COMMIT")


def _insert_parts(db: sqlite3.Connection, found: Found) -> None:
    parts = [(name, compact_text(one)) for name, one in found.parts.items()]
    db.executemany("INSERT INTO part VALUES (?, ?)", parts)
