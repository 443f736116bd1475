"""A journal whose end is missing is betrayed by the note beside it, whoever took the end away."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine import Ven
from statemachine.triggers import Timer
from tests.strategies import MAPLE, site
from venctl.high_water import HighWater
from venctl.journal import Batch
from venctl.journal_file import TAKEN_AWAY, WRITTEN_ANEW, JournalFile
from venctl.opening import look_into

NOW_MS = 1_700_000_000_000


def journal(folder: Path) -> JournalFile:
    return JournalFile(
        lambda: look_into(folder / "journal.db", lambda parts: None, lambda parts: {})
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
    assert lost(tmp_path) == (
        "the journal lacks the last 2 of 5 writes that were stored; "
        "what they said is not known any more"
    )


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
        "the journal is gone, which had been written to 3 times"
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
    assert "lacks the last 3 of 5 writes" in (lost(tmp_path) or "")


@pytest.mark.parametrize("note", [b"", b"no number", b"7", b"-0000000000000000007\n", b"\xff" * 30])
def test_a_note_that_says_nothing_betrays_nothing(tmp_path: Path, note: bytes) -> None:
    written(tmp_path, 2)
    (tmp_path / "journal.db.writes").write_bytes(note)
    assert lost(tmp_path) is None


def test_a_journal_taken_away_while_it_is_used_is_told_and_written_anew(tmp_path: Path) -> None:
    file = journal(tmp_path)
    file.load()
    file.write(batch())
    for one in tmp_path.glob("journal.db*"):
        if not one.name.endswith(".writes"):
            one.unlink()
    with pytest.raises(OSError, match=TAKEN_AWAY):
        file.write(batch())
    assert file.write(batch(anew=True)) == WRITTEN_ANEW
    file.close()
    assert lost(tmp_path) is None
