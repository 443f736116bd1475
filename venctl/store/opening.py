"""Opens the journal: upgrades an older format, and sets a damaged file aside.

It is read through a connection that cannot write, so a file is known to be valid, damaged or
unreachable before anything is changed.
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
from statemachine.journal.integrity import check_parts
from statemachine.journal.upgrade import digest_of, upgrade_parts
from statemachine.kit.strict_json import compact_text
from statemachine.state.parts import FORMAT

from ..base.set_aside import SUFFIXES, check_readable, keep_copy, set_aside, sync_folder
from .file_identity import FileIdentity
from .high_water import HighWater
from .reading import (
    CORRUPT,
    JournalDamaged,
    JournalRows,
    JournalUnavailable,
    connection,
    had_content,
    read_rows,
    reason,
    size,
)
from .salvage import salvage_rows
from .tables import SCHEMA, StoredMessage

__all__ = ["JournalContent", "JournalUnavailable", "ReadJournal", "read_journal"]

Fits = Callable[[Mapping[str, Any]], None]
Salvage = Callable[[Mapping[str, Any]], Mapping[str, Any]]
MADE_LATER = "token"  # exists next to the journal since the end of the first start


@dataclass(frozen=True, slots=True)
class JournalContent:
    """The content of the journal in this version's format; empty at the first start.

    `parts` are as `statemachine.state.memory.from_parts` takes them. `answered` is key, revision,
    digest, ack as JSON and time of each answer; `todo` is number, kind and body of each message not
    known to be sent; both oldest first. `message` is the last message number. If something is lost,
    `lost` says why, and under which name a damaged journal is kept. `writes` counts the writes.
    """

    parts: Mapping[str, Any] = field(default_factory=dict)
    answered: Sequence[Answer] = ()
    todo: Sequence[StoredMessage] = ()
    message: int = 0
    lost: str | None = None
    writes: int = 0


@dataclass(frozen=True, slots=True)
class ReadJournal:
    """A journal that was read. `ready` returns a connection to write to it, or raises
    `JournalUnavailable`.

    `where` tells whether the file is still in place while it is in use.
    """

    found: JournalContent
    ready: Callable[[], sqlite3.Connection]
    where: FileIdentity
    high_water: HighWater


def read_journal(file: Path, fits: Fits, salvage: Salvage) -> ReadJournal:
    """Read a journal without changing a byte of it and without a sync.

    `fits` raises if the parts are not a usable state. A damaged file, or one of a newer version, is
    set aside as `.corrupt-...` or `.format7-...`, and the site continues with what `salvage` makes
    of the readable parts; without any, with a safe state in which every circuit is restored.
    Raises `JournalUnavailable`, after half a second at most.
    """
    file = _settled(file)
    with suppress(JournalDamaged):
        return _seen(file, fits)
    try:
        check_readable(file)
        return _seen(file, fits)  # a file that could not be read for a moment looks damaged too
    except OSError as error:
        raise JournalUnavailable(f"{file} cannot be read: {error.strerror or error}") from None
    except JournalDamaged as damage:
        return _as_seen(file, None, _rescued(file, damage, fits, salvage))


def _seen(file: Path, fits: Fits) -> ReadJournal:
    if (emptied := _emptied(file)) is not None:
        raise JournalDamaged(emptied)
    rows = read_rows(file) if size(file) else None
    if rows is not None and _forbids(file):
        raise JournalDamaged("its header marks it as read-only")
    return _as_seen(file, rows, _complete(file, _understood(rows, fits)))


def _as_seen(file: Path, rows: JournalRows | None, content: JournalContent) -> ReadJournal:
    ready = partial(_to_write, file, rows, content)
    return ReadJournal(content, ready, FileIdentity(file), HighWater(file))


def _complete(file: Path, content: JournalContent) -> JournalContent:
    """Complete `content` with a message if stored writes are missing."""
    noted = HighWater(file).read()
    missing = noted - content.writes
    if missing <= 0:
        return content
    lost = f"the journal is missing, although {noted:,} writes were stored in it"
    if content.parts:
        lost = f"the journal lacks the last {missing:,} of {noted:,} stored writes"
        if (kept := keep_copy(file, "cut")) is not None:
            lost += f" (a copy is kept as {kept})"
    return replace(content, writes=noted, lost=f"{lost}; their content is lost")


def _rescued(file: Path, damage: JournalDamaged, fits: Fits, salvage: Salvage) -> JournalContent:
    """What can be recovered from a damaged journal, which is set aside."""
    rows = salvage_rows(file) if damage.kind == CORRUPT else None
    lost, noted = _put_away(file, damage), HighWater(file).read()
    parts = salvage(rows.parts) if rows is not None else {}
    try:
        fits(parts)
    except Exception:  # a state that no decision can use is worthless
        parts = {}
    if rows is None or not parts:
        return JournalContent(lost=f"{lost}, without the earlier state", writes=noted)
    lost = f"{lost} with the {len(parts)} parts that could be read"
    writes = max(noted, rows.writes)
    return JournalContent(parts, rows.answered, rows.todo, rows.message, lost, writes)


def _settled(file: Path) -> Path:
    """The real path of the file; creates its folder. Raises `JournalUnavailable`."""
    try:
        if file.is_symlink() and not file.exists():
            raise JournalUnavailable(f"{file} points to {file.readlink()}, which does not exist")
        file = file.resolve()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for beside in (file.with_name(file.name + suffix) for suffix in SUFFIXES):
            if os.path.lexists(beside) and not stat.S_ISREG(beside.lstat().st_mode):
                raise JournalUnavailable(f"{beside} is not a file; move it away")
    except (OSError, RuntimeError) as error:
        raise JournalUnavailable(f"{file} cannot be accessed: {error}") from None
    return file


def _emptied(file: Path) -> str | None:
    """Why an empty or missing file is not a first start; None if it is, or the file has content."""
    try:
        if size(file):
            return None
        if had_content(file):
            return "the file is empty or missing, and only its companion files are left"
        if file.exists() and file.with_name(MADE_LATER).exists():
            return "the file is empty, although this site has run before"
    except OSError as error:
        raise JournalUnavailable(f"{file} cannot be accessed: {error.strerror or error}") from None
    return None


def _understood(rows: JournalRows | None, fits: Fits) -> JournalContent:
    """The rows in this version's format. Raises `JournalDamaged`."""
    if rows is None:
        return JournalContent()
    parts: Mapping[str, Any] = rows.parts
    try:
        if parts:
            parts = upgrade_parts(rows.format, parts)
            check_parts(parts)
            fits(parts)
    except MemoryError:
        raise JournalUnavailable("there is not enough memory to read the journal") from None
    except Exception as error:
        why = f"{type(error).__name__}: {error}"[:200]
        raise JournalDamaged(
            f"its content, in format {rows.format}, cannot be used: {why}"
        ) from None
    answered = [
        (key, revision, digest_of(rows.format, key, digest), ack, at_ms)
        for key, revision, digest, ack, at_ms in rows.answered
    ]
    return JournalContent(parts, answered, rows.todo, rows.message, writes=rows.writes)


def _put_away(file: Path, damage: JournalDamaged) -> str:
    try:
        name = set_aside(file, damage.kind)
    except OSError as error:
        why = error.strerror or error
        raise JournalUnavailable(
            f"{file} is damaged ({damage}) and cannot be renamed: {why}"
        ) from None
    return (
        f"the journal could not be used: {damage}; it is kept as {name}, and a new one was started"
    )


def _to_write(file: Path, rows: JournalRows | None, content: JournalContent) -> sqlite3.Connection:
    """A connection to the file in this format; creates the file if there is none."""
    try:
        if rows is None:
            os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        return _ready(file, rows, content)
    except OSError as error:
        why = f"{file} cannot be created: {error.strerror or error}"
    except sqlite3.Error as error:
        why = reason(file, error)
    if rows is None:
        _unmake(file)
    raise JournalUnavailable(why)


def _forbids(file: Path) -> bool:
    """Whether the header forbids writing: it should say 1, or 2 with a -wal."""
    try:
        with file.open("rb") as head:
            written = head.read(20)[18:19]
    except OSError:
        return False
    return written not in (b"", b"\1", b"\2")


def _unmake(file: Path) -> None:
    """Delete a new file that stayed empty; it would look like a journal that was emptied."""
    if size(file) == 0:
        file.unlink(missing_ok=True)


def _ready(file: Path, rows: JournalRows | None, content: JournalContent) -> sqlite3.Connection:
    db = connection(file, "mode=rw")
    try:
        mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        db.execute("PRAGMA synchronous=FULL")
        level = db.execute("PRAGMA synchronous").fetchone()[0]
        if (mode, level) != ("wal", 2):
            raise OSError(f"its file system does not support a write-ahead log ({mode}, {level})")
        _of_this_format(db, None if rows is None else rows.format, content)
        if rows is None:
            sync_folder(file.parent)
    except BaseException:
        db.close()
        raise
    return db


def _of_this_format(db: sqlite3.Connection, format: int | None, content: JournalContent) -> None:
    """Upgrade in one transaction: if interrupted, the file is as before. Always takes the lock."""
    older = format is not None and format < FORMAT
    db.execute("BEGIN IMMEDIATE")
    if older:
        db.execute("DROP INDEX IF EXISTS answered_at")
        db.execute("DROP TABLE IF EXISTS part")  # it had no rowids before
    for statement in SCHEMA:
        db.execute(statement)
    if older:
        _insert_parts(db, content)
        digests = [(digest, key) for key, _, digest, _, _ in content.answered]
        db.executemany("UPDATE answered SET digest = ? WHERE key = ?", digests)
    if format is None:  # recovered from a damaged one
        _insert_parts(db, content)
        db.executemany("INSERT INTO answered VALUES (?, ?, ?, ?, ?)", content.answered)
        letters = [(seq, kind, compact_text(body)) for seq, kind, body in content.todo]
        db.executemany("INSERT INTO todo VALUES (?, ?, ?)", letters)
        db.execute("INSERT OR REPLACE INTO counter VALUES ('message', ?)", (content.message,))
    db.execute(f"PRAGMA user_version={FORMAT}")  # always written, to prove that writing works
    db.execute("COMMIT")


def _insert_parts(db: sqlite3.Connection, content: JournalContent) -> None:
    parts = [(name, compact_text(value)) for name, value in content.parts.items()]
    db.executemany("INSERT INTO part VALUES (?, ?)", parts)
