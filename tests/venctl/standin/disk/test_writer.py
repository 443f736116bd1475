"""What keeps the stand-in's rows: nothing is lost, nothing grows, and nobody waits for the disk."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.process.site import until
from venctl.standin.disk import writer as module
from venctl.standin.disk.database import Rows, SqlTable
from venctl.standin.disk.pending_rows import PendingRows
from venctl.standin.disk.writer import Writer

TABLES = {"t": SqlTable("t", ("name TEXT", "value"), 1, " WITHOUT ROWID")}
NAMES = st.integers(0, 5)
DEEDS = st.one_of(
    st.tuples(st.just("put"), NAMES, st.integers()),
    st.tuples(st.just("drop"), NAMES, st.just(0)),
    st.tuples(st.sampled_from(["take", "written", "refused", "anew"]), st.just(0), st.just(0)),
)


@given(kept=st.dictionaries(NAMES, st.integers()), deeds=st.lists(DEEDS, max_size=40))
def test_whatever_is_refused_the_disk_comes_to_hold_what_there_is_and_no_more_waits_than_that(
    kept: dict[int, int], deeds: list[tuple[str, int, int]]
) -> None:
    ledger, rows, batch = PendingRows(), dict(kept), None
    disk: dict[Any, Any] = {("t", name): (name, value) for name, value in kept.items()}
    ledger.learn(dict(disk))
    for deed, name, value in [*deeds, ("written", 0, 0), ("take", 0, 0), ("written", 0, 0)]:
        if deed == "put":
            rows[name] = value
            ledger.put(("t", name), (name, value))
        elif deed == "drop":
            rows.pop(name, None)
            ledger.drop(("t", name))
        elif deed == "take" and batch is None:
            batch = dict(ledger.take())
            assert set(batch) <= {("t", name) for name in rows} | set(disk)
        elif deed == "anew" and batch is None:
            disk.clear()
            ledger.begin_anew()
        elif deed == "refused" and batch is not None:
            ledger.refused()
            batch = None
        elif deed == "written" and batch is not None:
            disk = {k: r for k, r in {**disk, **batch}.items() if r is not None}
            ledger.written()
            batch = None
    assert disk == {("t", name): (name, value) for name, value in rows.items()}
    assert not ledger.dirty


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than a sick disk is given."""
    monkeypatch.setattr(module, "PATIENCE_S", 10.0)


Make = Callable[..., "Writer[Rows]"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.db"


@pytest.fixture
def make(file: Path) -> Iterator[Make]:
    made: list[Writer[Rows]] = []

    def one(read: Callable[[Rows], Rows] = dict, hear: Callable[[Rows], object] = print) -> Any:
        made.append(Writer(file, "NORMAL", TABLES, read, hear))
        return made[-1]

    yield one
    for writer in made:
        writer.close()


def rows(file: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        return dict(db.execute("SELECT name, value FROM t"))


def lock(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    return db


def put(writer: Writer[Rows], name: str, value: Any) -> None:
    writer.put(("t", name), (name, value))
    writer.settle()


@pytest.mark.usefixtures("patient")
def test_what_is_settled_is_committed_while_the_disk_is_well(make: Make, file: Path) -> None:
    writer = make()
    assert writer.first(10) == {}
    for value in range(50):
        put(writer, "a", value)
        assert rows(file) == {"a": value}
    writer.drop(("t", "a"))
    writer.settle()
    assert rows(file) == {}


@pytest.mark.usefixtures("patient")
def test_a_locked_file_holds_nobody_and_gets_the_newest_state_of_each_row(
    make: Make, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = make()
    writer.first(10)
    put(writer, "a", 0)
    locked = lock(file)
    for value in range(100):
        put(writer, "a", value)
        put(writer, f"passing {value}", value)
        writer.drop(("t", f"passing {value}"))
    until(lambda: "locked" in caplog.text, "a word about it")
    assert rows(file) == {"a": 0}
    locked.close()
    until(lambda: rows(file) == {"a": 99}, "the newest state")
    until(lambda: "can be written again" in caplog.text, "a word about its end")
    put(writer, "a", 100)
    assert rows(file) == {"a": 100}, "the promise holds again"


@pytest.mark.usefixtures("patient")
async def test_who_may_not_block_waits_for_the_commit_and_never_holds_its_loop(
    make: Make, file: Path
) -> None:
    writer, turns = make(), 0
    await asyncio.to_thread(writer.first, 10)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    writer.put(("t", "a"), ("a", 1))
    await writer.settled()
    assert rows(file) == {"a": 1}
    locked, before = lock(file), turns
    writer.put(("t", "a"), ("a", 2))
    await writer.settled()
    assert turns > before and rows(file) == {"a": 1}
    locked.close()
    counting.cancel()


def test_the_thread_outlives_what_nobody_expected(
    make: Make, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = make()
    writer.first(10)
    put(writer, "a", object())
    put(writer, "b", 1)
    until(lambda: "cannot be written" in caplog.text, "a word about it")
    assert any(record.exc_info for record in caplog.records)
    put(writer, "a", 2)
    until(lambda: rows(file) == {"a": 2, "b": 1}, "both rows")


def test_a_file_that_turns_out_broken_while_in_use_is_kept_and_all_rows_are_in_a_new_one(
    make: Make, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = make()
    writer.first(10)
    put(writer, "a", 1)
    real, error = module.write, sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    def broken(*_: object) -> None:
        monkeypatch.setattr(module, "write", real)
        raise error

    monkeypatch.setattr(module, "write", broken)
    put(writer, "b", 2)
    until(lambda: "can be written again" in caplog.text, "a word about its end")
    assert rows(file) == {"a": 1, "b": 2}
    assert len(list(file.parent.glob("rows.db.corrupt-*Z"))) == 1


def test_what_a_file_held_is_heard_of_later_where_it_cannot_be_read_at_first(
    make: Make, file: Path
) -> None:
    first = make()
    first.first(10)
    put(first, "a", 1)
    put(first, "b", 1)
    first.close()
    hidden = file.rename(file.with_suffix(".away"))
    file.mkdir()
    heard: list[Rows] = []
    second = make(hear=heard.append)
    assert second.first(10) is None
    put(second, "a", 2)
    file.rmdir()
    hidden.rename(file)
    until(lambda: rows(file) == {"a": 2, "b": 1}, "both")
    assert heard == [{("t", "a"): ("a", 1), ("t", "b"): ("b", 1)}]


def test_close_does_not_wait_for_a_thread_that_hangs(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, released = make(), threading.Event()
    writer.first(10)
    monkeypatch.setattr(module, "write", lambda *_: released.wait(60))
    put(writer, "a", 1)
    writer.close()
    assert not released.is_set()
    released.set()


def test_trouble_is_told_once_however_long_it_lasts(
    make: Make, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    writer = make()
    writer.first(10)
    locked = lock(file)
    put(writer, "a", 1)
    tries: list[object] = []
    real = writer._begin_trouble
    writer._begin_trouble = lambda *why: (tries.append(why), real(*why))  # type: ignore[assignment,func-returns-value]
    until(lambda: len(tries) >= 3, "three tries")
    locked.close()
    until(lambda: rows(file) == {"a": 1}, "the row")
    until(lambda: len(caplog.records) == 2, "a word at the beginning and one at the end")
