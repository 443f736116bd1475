"""A journal whose end is missing is betrayed by the note beside it, whoever took the end away."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine import Ven
from statemachine.state.triggers import Timer
from tests.kit.core.sample_sites import MAPLE, site
from venctl.store.high_water import HighWater
from venctl.store.journal import Batch, Journal
from venctl.store.journal_file import TAKEN_AWAY, WRITTEN_ANEW, JournalFile
from venctl.store.opening import read_journal

NOW_MS = 1_700_000_000_000


def journal(folder: Path) -> JournalFile:
    return JournalFile(
        lambda: read_journal(folder / "journal.db", lambda parts: None, lambda parts: {})
    )


def batch(anew: bool = False) -> Batch:
    timer = Timer(at_ms=NOW_MS, mono_ms=0)
    return Batch(Ven(site(MAPLE)).start(), [(timer, [])], anew=anew)


def written(folder: Path, times: int) -> None:
    """A journal that was written to so often, as a kill leaves it: all in its log."""
    file = journal(folder)
    file.load()
    for _ in range(times):
        file.write(batch())
    copies = {one: one.read_bytes() for one in folder.iterdir()}
    file.close()  # SQLite puts the log into the database
    for one, text in copies.items():
        one.write_bytes(text)


def lost(folder: Path) -> str | None:
    return journal(folder).load().lost


@pytest.mark.parametrize("times", [1, 7])
def test_a_journal_that_is_whole_tells_nothing(tmp_path: Path, times: int) -> None:
    written(tmp_path, times)
    assert HighWater(tmp_path / "journal.db").read() == times
    assert lost(tmp_path) is None and lost(tmp_path) is None
    written(tmp_path, times)
    assert HighWater(tmp_path / "journal.db").read() == 2 * times and lost(tmp_path) is None


def test_a_log_that_is_gone_is_told(tmp_path: Path) -> None:
    written(tmp_path, 3)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = journal(tmp_path)
    file.load()
    file.write(batch())
    file.write(batch())
    database = (tmp_path / "journal.db").read_bytes()
    file.close()
    (tmp_path / "journal.db").write_bytes(database)
    (tmp_path / "journal.db-wal").unlink(missing_ok=True)
    told = re.fullmatch(
        r"the journal lacks the last 2 of 5 stored writes "
        r"\(a copy is kept as (journal\.db\.cut-\d{8}T\d{6}Z)\); "
        r"their content is lost",
        lost(tmp_path) or "",
    )
    assert told is not None and (tmp_path / told[1]).read_bytes() == database


@settings(max_examples=25, deadline=None)
@given(cut=st.floats(0, 1), flip=st.none() | st.integers(0, 7))
def test_a_log_that_is_damaged_anywhere_is_told_or_costs_nothing(
    tmp_path_factory: pytest.TempPathFactory, cut: float, flip: int | None
) -> None:
    """SQLite leaves the end of such a log out and says nothing."""
    folder = tmp_path_factory.mktemp("log")
    written(folder, 4)
    log = folder / "journal.db-wal"
    text = bytearray(log.read_bytes())
    place = int(cut * (len(text) - 1))
    if flip is None:
        del text[place:]
    else:
        text[place] ^= 1 << flip
    log.write_bytes(text)
    found = journal(folder).load()
    assert found.lost is not None or (found.parts and found.writes == 4)


def test_a_journal_that_is_gone_is_no_first_day(tmp_path: Path) -> None:
    written(tmp_path, 3)
    for end in ("", "-wal", "-shm"):
        (tmp_path / f"journal.db{end}").unlink(missing_ok=True)
    assert (lost(tmp_path) or "").startswith(
        "the journal is missing, although 3 writes were stored in it"
    )
    written(tmp_path, 2)
    assert HighWater(tmp_path / "journal.db").read() == 5 and lost(tmp_path) is None, "told once"


def test_an_older_copy_put_back_is_told(tmp_path: Path) -> None:
    written(tmp_path, 2)
    copies = {one: one.read_bytes() for one in tmp_path.glob("journal.db*")}
    written(tmp_path, 3)
    for one, text in copies.items():
        if not one.name.endswith(".writes"):
            one.write_bytes(text)
    assert "lacks the last 3 of 5 stored writes" in (lost(tmp_path) or "")


@pytest.mark.parametrize("note", [b"", b"no number", b"7", b"-0000000000000000007\n", b"\xff" * 30])
def test_a_note_that_says_nothing_betrays_nothing(tmp_path: Path, note: bytes) -> None:
    written(tmp_path, 2)
    (tmp_path / "journal.db.writes").write_bytes(note)
    assert lost(tmp_path) is None


@given(st.integers(0, 29), st.integers(0, 7))
def test_a_note_with_a_bit_turned_over_betrays_nothing(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("note")
    HighWater(folder / "journal.db").note(8)
    note = folder / "journal.db.writes"
    text = bytearray(note.read_bytes())
    assert len(text) == 30
    text[place] ^= 1 << bit
    note.write_bytes(text)
    assert HighWater(folder / "journal.db").read() == 0


def _away(folder: Path) -> None:
    for one in folder.glob("journal.db*"):
        if not one.name.endswith(".writes"):
            one.unlink()


def _moved(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.mkdir()


def _log_gone(folder: Path) -> None:
    (folder / "journal.db-wal").unlink()


def _log_emptied(folder: Path) -> None:
    os.truncate(folder / "journal.db-wal", 0)


def _log_cut(folder: Path) -> None:
    log = folder / "journal.db-wal"
    os.truncate(log, log.stat().st_size // 2)


def _log_replaced(folder: Path) -> None:
    log = folder / "journal.db-wal"
    shutil.copy(log, folder / "copy")
    (folder / "copy").replace(log)


def _emptied(folder: Path) -> None:
    os.truncate(folder / "journal.db", 0)


def _replaced(folder: Path) -> None:
    shutil.copy(folder / "journal.db", folder / "copy")
    (folder / "copy").replace(folder / "journal.db")


def _write_and(then: Callable[[], None]) -> Callable[[Journal, Batch], None]:
    write = Journal.write

    def both(journal: Journal, batch: Batch) -> None:
        write(journal, batch)
        then()

    return both


AWAY = (_away, _moved, _log_gone, _log_emptied, _log_cut, _log_replaced, _emptied, _replaced)
# SQLite still has the old log, and puts all that is in it into the database when it is closed.
COSTS_NOTHING = (_log_gone, _log_replaced, _emptied, _replaced)


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("in_mid_write", [False, True], ids=["between writes", "in mid-write"])
def test_whatever_is_taken_away_while_it_is_used_is_noticed_and_all_is_written_anew(
    tmp_path: Path, away: Callable[[Path], None], times: int, in_mid_write: bool
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    file = journal(folder)
    file.load()
    for _ in range(times):
        file.write(batch())
    file.check()
    if in_mid_write:
        with patch.object(Journal, "write", _write_and(lambda: away(folder))):
            file.write(batch())
    else:
        away(folder)
    with pytest.raises(OSError, match=TAKEN_AWAY):
        file.write(batch())
    told = file.write(batch(anew=True))
    assert told == (None if away in COSTS_NOTHING else WRITTEN_ANEW)
    file.check()
    file.write(batch())
    file.close()
    found = journal(folder).load()
    assert found.lost is None and found.parts and found.writes >= times + 2
