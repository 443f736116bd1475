"""The disk that goes bad, tried on programs of its own: each mode gives the error it should."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.process.faulty_disk import Disk, Locker, SmallDisk

# A child that writes at every line it is sent, and says what came of it.
WRITER = """
import sqlite3, sys, threading
db = sqlite3.connect(sys.argv[1], isolation_level=None, check_same_thread=False)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE IF NOT EXISTS t (x)")
print("ready", flush=True)
def write():
    try:
        db.execute("INSERT INTO t VALUES (1)")
        print("written", flush=True)
    except sqlite3.Error as error:
        print(error.sqlite_errorname, flush=True)
for line in sys.stdin:
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
"""
OPENER = """
import os, sys
from pathlib import Path
folder, deed = Path(sys.argv[1]), sys.argv[2]
try:
    match deed:
        case "read": (folder / "old").read_text()
        case "list": list(os.scandir(folder))
        case "change": (folder / "old").open("r+").close()
        case "make": (folder / "new").open("w").close()
        case "write": (folder / "old").write_text("x")
        case "copy": __import__("shutil").copyfile(sys.argv[3], folder / "old")
        case "folder": (folder / "more").mkdir()
        case "folder again": folder.mkdir(parents=True, exist_ok=True)
        case "rename": (folder / "old").rename(folder / "older")
        case "unlink": (folder / "old").unlink()
        case "chmod": folder.chmod(0o700)
    print("done")
except OSError as error:
    print(error.errno)
"""
DEEDS = (
    "read", "list", "change", "folder again", "write", "copy", "make", "folder", "chmod",
    "unlink", "rename",
)  # fmt: skip
REFUSED = {
    "well": (),
    "full": ("write", "copy", "make", "folder"),
    "failing": ("write", "copy", "make", "folder", "chmod", "unlink", "rename"),
    "read_only": ("change", "write", "copy", "make", "folder", "chmod", "unlink", "rename"),
    "unreadable": tuple(deed for deed in DEEDS if deed != "folder again"),
}
ERRORS = {
    "full": errno.ENOSPC,
    "failing": errno.EIO,
    "read_only": errno.EROFS,
    "unreadable": errno.EIO,
}
FAILS = {
    "full": "SQLITE_FULL",
    "failing": "SQLITE_IOERR",
    "unreadable": "SQLITE_IOERR",
    "read_only": "SQLITE_IOERR",
}


class Writer:
    """A program with an open database on the disk."""

    def __init__(self, file: Path, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)],
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.said() == "ready"

    def write(self) -> str:
        self.ask()
        return self.said()

    def ask(self) -> None:
        print("go", file=self.process.stdin, flush=True)

    def said(self) -> str:
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.communicate(timeout=10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


@pytest.fixture
def disk(folder: Path) -> Iterator[Disk]:
    one = Disk(folder)
    yield one
    one.close()


@pytest.fixture
def writer(folder: Path, disk: Disk) -> Iterator[Writer]:
    one = Writer(folder / "w.db", disk.env)
    yield one
    disk.well()
    one.close()


@pytest.mark.parametrize("mode", FAILS)
def test_what_a_running_program_writes_is_refused_at_once_and_taken_once_the_disk_is_well(
    writer: Writer, disk: Disk, mode: str
) -> None:
    assert writer.write() == "written" and disk.hits == 0
    getattr(disk, mode)()
    assert writer.write().startswith(FAILS[mode]) and disk.hits > 0
    disk.well()
    assert writer.write() == "written"


@pytest.mark.parametrize("mode", REFUSED)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_bad_disk_refuses_what_its_mode_says_and_nothing_else(
    folder: Path, disk: Disk, mode: str, deed: str
) -> None:
    (folder / "old").write_text("old")
    source = folder.parent / "source"
    source.write_text("copied")
    getattr(disk, mode)()
    said = _try(folder, deed, disk, source)
    assert said == (str(ERRORS[mode]) if deed in REFUSED[mode] else "done")
    elsewhere = folder.parent / "state2"  # its name begins alike
    elsewhere.mkdir()
    (elsewhere / "old").write_text("old")
    assert _try(elsewhere, deed, disk, source) == "done"


def _try(folder: Path, deed: str, disk: Disk, source: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", OPENER, folder.name, deed, str(source)],
        cwd=folder.parent,
        env={**os.environ, **disk.env},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert not done.stderr, done.stderr
    return done.stdout.strip()


def test_a_slow_disk_takes_its_time_for_each_sync(writer: Writer, disk: Disk) -> None:
    disk.slow(400)
    began = time.monotonic()
    assert writer.write() == "written"
    assert time.monotonic() - began >= 0.4


def test_a_hanging_disk_writes_when_it_is_well_again(writer: Writer, disk: Disk) -> None:
    disk.hang()
    writer.ask()
    deadline = time.monotonic() + 10
    while not disk.hits and time.monotonic() < deadline:
        time.sleep(0.01)
    assert disk.hits and writer.process.poll() is None
    disk.well()
    assert writer.said() == "written"


def test_a_disk_that_hangs_and_then_fails_refuses_what_hung(writer: Writer, disk: Disk) -> None:
    disk.hang()
    writer.ask()
    disk.failing()
    assert writer.said().startswith("SQLITE_IOERR")


@pytest.mark.parametrize("exclusive", [False, True])
def test_another_program_locks_a_journal_and_lets_it_go(folder: Path, exclusive: bool) -> None:
    file = folder / "j.db"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (x)")
    db.close()
    locker = Locker(file, exclusive=exclusive)
    mine = sqlite3.connect(file, timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        mine.execute("INSERT INTO t VALUES (1)")
    if exclusive:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            mine.execute("SELECT * FROM t")
    locker.release()
    mine.execute("INSERT INTO t VALUES (1)")
    mine.close()


def test_a_lock_ends_by_itself_after_its_time(folder: Path) -> None:
    file = folder / "j.db"
    locker = Locker(file, seconds=0.2)
    deadline = time.monotonic() + 10
    while locker.holds and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not locker.holds


def test_a_small_disk_really_fills_and_takes_more_once_there_is_room(folder: Path) -> None:
    disk = SmallDisk(folder, "1m")
    try:
        writer = Writer(folder / "w.db", disk.env)
        assert writer.write() == "written"
        disk.full()
        answers = [writer.write() for _ in range(8)]  # what a page had room for may still go
        assert answers[-1] == "SQLITE_FULL"
        disk.well()
        assert writer.write() == "written"
        writer.close()
    finally:
        disk.close()
