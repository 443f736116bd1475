"""A journal that is locked, out of reach, read-only or gone is never taken for a damaged one."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from statemachine.state.parts import FORMAT
from tests.kit.core.write_journals import Story, tell
from tests.kit.paths import ROOT
from tests.kit.simulated.storing import look_and_open
from venctl.base.set_aside import set_aside
from venctl.store.opening import JournalUnavailable

NOBODY = 65_534
HOLD = {
    "a transaction": "db.execute('BEGIN EXCLUSIVE')",
    "a write": "db.execute('BEGIN IMMEDIATE'); db.execute('DELETE FROM todo')",
    "a whole connection": (
        "db.execute('PRAGMA locking_mode=EXCLUSIVE'); db.execute('DELETE FROM todo WHERE seq = 0')"
    ),
    "a lock of the system": (
        "import fcntl; held = open(file, 'r+b'); fcntl.lockf(held, fcntl.LOCK_EX)"
    ),
}
OPEN = f"""
import json, os, resource, sys, urllib.parse  # pathlib of 3.13 imports it late
from pathlib import Path
from venctl.store.opening import JournalUnavailable, read_journal
if os.geteuid() == 0:
    os.setuid({NOBODY})
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    seen = read_journal(Path(sys.argv[1]), lambda parts: None, lambda parts: dict())
    found = seen.found
    said = [None, sorted(found.parts), len(found.todo), found.lost]
    try:
        seen.ready()
    except JournalUnavailable as error:
        said[0] = str(error)
except JournalUnavailable as error:
    said = str(error)
print(json.dumps(said))
"""


def fine(parts: Mapping[str, Any]) -> None:
    """Every memory will do."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The journal of a site in mid-event, closed in good order."""
    return lived(tmp_path)


def lived(folder: Path, cut_off: bool = False) -> Path:
    """A journal in a folder; `cut_off` leaves what was decided last in its -wal."""
    with tempfile.TemporaryDirectory() as made:
        story = Story(Path(made) / "journal.db")
        tell(story)
        if cut_off:
            for end in ("", "-wal"):
                (folder / f"journal.db{end}").write_bytes(
                    (Path(f"{made}/journal.db{end}")).read_bytes()
                )
        story.db.close()
        if not cut_off:
            (folder / "journal.db").write_bytes((Path(made) / "journal.db").read_bytes())
    return folder / "journal.db"


def names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir() if not one.name.endswith("-shm")}


@contextmanager
def another_program(file: Path, holds: str) -> Iterator[None]:
    """Another process that has a lock until the end of the block."""
    text = (
        f"import sqlite3, sys\nfile = {str(file)!r}\n{'' if 'fcntl' in holds else CONNECT}{holds}\n"
    )
    told = "print('held', flush=True)\nsys.stdin.read()\n"
    with subprocess.Popen(
        [sys.executable, "-c", text + told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            yield
        finally:
            process.kill()


CONNECT = "db = sqlite3.connect(file, isolation_level=None)\n"


@pytest.mark.parametrize("what", HOLD)
def test_a_journal_that_another_program_has_locked_is_left_alone(file: Path, what: str) -> None:
    before = file.read_bytes()
    with another_program(file, HOLD[what]):
        with pytest.raises(JournalUnavailable, match=r"another program has locked"):
            look_and_open(file, fine)
        assert names(file.parent) <= {"journal.db", "journal.db-wal"}
        assert file.read_bytes() == before
    connection, found = look_and_open(file, fine)
    assert found.lost is None and "events/now" in found.parts
    connection.close()


def test_a_lock_on_a_journal_without_a_log_is_no_damage_either(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    with another_program(file, HOLD["a transaction"]), pytest.raises(JournalUnavailable):
        look_and_open(file, fine)
    assert names(file.parent) == {"journal.db"}


# -- what is no file -------------------------------------------------------------------------------


def test_what_stands_in_its_place_and_is_no_file_is_left_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone").symlink_to(tmp_path / "unmounted" / "journal.db")
    (tmp_path / "to-pipe").symlink_to(tmp_path / "pipe")
    (tmp_path / "beside.db").touch()
    (tmp_path / "beside.db-wal").mkdir()
    before = names(tmp_path)
    for name in ("folder", "pipe", "loop", "gone", "to-pipe", "beside.db", "beside.db/journal.db"):
        with pytest.raises(JournalUnavailable) as refused:
            look_and_open(tmp_path / name, fine)
        assert str(tmp_path) in str(refused.value)
    assert names(tmp_path) == before


def test_a_link_to_a_journal_is_followed_and_damage_set_aside_where_it_lies(
    tmp_path: Path,
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "journal.db").write_bytes(b"no journal" * 900)
    (tmp_path / "journal.db").symlink_to(tmp_path / "disk" / "journal.db")
    connection, found = look_and_open(tmp_path / "journal.db", fine)
    assert found.lost is not None
    connection.close()
    assert (tmp_path / "journal.db").is_symlink()
    assert [one.read_bytes() for one in (tmp_path / "disk").glob("*.corrupt-*Z")]


# -- the first day, and what looks like it ---------------------------------------------------------


def test_a_new_journal_lies_in_a_folder_that_is_made_and_loses_no_commit(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "journal.db"
    connection, found = look_and_open(file, fine)
    assert not found.parts and found.lost is None
    asked = ("journal_mode", "synchronous", "user_version", "busy_timeout")
    said = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in asked]
    connection.close()
    assert said == ["wal", 2, FORMAT, 250]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def rollback(pages_before: int) -> bytes:
    """A journal of a transaction that was cut off, as SQLite begins it: no page is in it yet."""
    head = bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", 0, 1, pages_before, 512, 4096)
    return head.ljust(512, b"\0")


@pytest.mark.parametrize(
    "left",
    [
        {},
        {"": b""},
        {"": b"", "-wal": b""},
        {"-shm": b"x" * 99},
        {"": b"", "-journal": b""},
        {"": b"", "-journal": bytes(512)},
        {"": b"", "-journal": rollback(0)},
    ],
)
def test_a_start_cut_off_at_once_on_the_first_day_is_still_the_first_day(
    tmp_path: Path, left: dict[str, bytes]
) -> None:
    for end, text in left.items():
        (tmp_path / f"journal.db{end}").write_bytes(text)
    connection, found = look_and_open(tmp_path / "journal.db", fine)
    assert found.lost is None
    connection.close()


def test_a_file_that_was_emptied_is_damage_and_no_first_day(tmp_path: Path) -> None:
    for place, (ends, beside) in enumerate(
        [
            ({"": b"", "-wal": b"w" * 99}, ()),
            ({"-wal": b"w" * 99}, ()),
            ({"": b"", "-journal": rollback(3)}, ()),
            ({"": b""}, ("token",)),
        ]
    ):
        folder = tmp_path / str(place)
        folder.mkdir()
        for end, text in ends.items():
            (folder / f"journal.db{end}").write_bytes(text)
        for name in beside:
            (folder / name).touch()
        connection, found = look_and_open(folder / "journal.db", fine)
        assert found.lost is not None and "empty" in found.lost
        connection.close()
        kept = {one.name.partition("Z")[2]: one for one in folder.glob("*.corrupt-*")}
        assert {end: one.read_bytes() for end, one in kept.items()} == ends


def test_what_is_set_aside_never_takes_the_name_of_another(tmp_path: Path) -> None:
    kept = []
    for text in (b"one", b"two", b"three"):
        (tmp_path / "journal.db").write_bytes(text)
        (tmp_path / "journal.db-wal").write_bytes(text + b"-wal")
        kept.append(set_aside(tmp_path / "journal.db", "corrupt"))
    assert [(tmp_path / name).read_bytes() for name in kept] == [b"one", b"two", b"three"]
    assert (tmp_path / f"{kept[1]}-wal").read_bytes() == b"two-wal"
    assert len(set(kept)) == 3


# -- read, and not written -------------------------------------------------------------------------


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that anybody may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "state"
        folder.mkdir()
        Path(name).chmod(0o755)
        yield folder
        folder.chmod(0o755)


def opened(file: Path, disk: str = "as it is") -> Any:
    """What a start without any privilege makes of the journal, or why it cannot be read.

    Why it cannot be written, the names of its parts, how many letters, and what was lost.
    """
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(file), disk],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("cut_off", [False, True], ids=["closed", "cut off"])
def test_a_journal_on_a_read_only_medium_is_read_all_the_same(shared: Path, cut_off: bool) -> None:
    file = lived(shared, cut_off)
    before = names(shared)
    for one in shared.iterdir():
        one.chmod(0o444)
    shared.chmod(0o555)
    refused, parts, letters, lost = opened(file)
    assert refused and lost is None
    assert {"site", "events/now", "events/later"} <= set(parts) and letters
    assert names(shared) == before


def test_a_journal_that_may_not_be_read_is_not_set_aside(shared: Path) -> None:
    file = lived(shared)
    file.chmod(0)
    os.chown(shared, NOBODY if os.geteuid() == 0 else -1, -1)
    assert "journal.db" in opened(file)
    assert names(shared) == {"journal.db"}


def test_a_folder_that_cannot_be_made_is_said(shared: Path) -> None:
    shared.chmod(0o555)
    assert "Permission denied" in opened(shared / "site" / "journal.db")


def owned(folder: Path) -> None:
    for one in (folder, *folder.iterdir()):
        os.chown(one, NOBODY if os.geteuid() == 0 else -1, -1)


def test_on_a_full_disk_a_journal_is_read_and_not_set_aside(shared: Path) -> None:
    file = lived(shared)
    owned(shared)
    refused, parts, letters, lost = opened(file, "full")
    assert refused and lost is None and "events/now" in parts and letters
    assert names(shared) <= {"journal.db", "journal.db-wal"}


def test_on_a_full_disk_a_first_day_waits_and_leaves_nothing_behind(shared: Path) -> None:
    owned(shared)
    refused, parts, _, lost = opened(shared / "journal.db", "full")
    assert "journal.db" in refused and not parts and lost is None
    assert names(shared) == set()


def test_on_a_full_disk_a_damaged_journal_is_set_aside_and_the_site_starts(shared: Path) -> None:
    (shared / "journal.db").write_bytes(b"no journal" * 900)
    owned(shared)
    refused, parts, _, lost = opened(shared / "journal.db", "full")
    assert refused and not parts and "journal.db.corrupt-" in lost
    with suppress(PermissionError):
        assert [one.read_bytes() for one in shared.glob("*.corrupt-*Z")] == [b"no journal" * 900]


def test_a_damaged_journal_on_a_read_only_medium_is_left_there_and_said(shared: Path) -> None:
    (shared / "journal.db").write_bytes(b"no journal" * 900)
    shared.chmod(0o555)
    said = opened(shared / "journal.db")
    assert "is damaged" in said and "cannot be renamed" in said
    assert names(shared) == {"journal.db"}
