"""Disks that go bad under a running program: full, failing, slow, hanging, or locked by another.

`Disk` is a shim in front of glibc's file calls (`faulty_disk.c`), for every program started with
its `env`; what it is told counts at once. `SmallDisk` really fills. `Locker` is another program
that keeps a lock on an SQLite file.
"""

from __future__ import annotations

import atexit
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.kit.tools import tool

MODES = ("well", "full", "failing", "unreadable", "read_only", "slow", "hang", "bad_pages")
HEAD, PATH_BYTES = struct.Struct("iiI"), 4096
MARK = "LOCKED"
_LOCK = f"""
import select, sqlite3, sys
file, exclusive, seconds = sys.argv[1], sys.argv[2] == "True", float(sys.argv[3])
db = sqlite3.connect(file, timeout=10, isolation_level=None)
if exclusive:
    db.execute("PRAGMA locking_mode=EXCLUSIVE")
db.execute("BEGIN EXCLUSIVE")
print("{MARK}", flush=True)
select.select([sys.stdin], [], [], seconds)
db.execute("ROLLBACK")
db.close()
"""


@cache
def compiled(name: str) -> Path:
    """A shim of this folder, compiled once a session; skips the test where that cannot be."""
    if not sys.platform.startswith("linux"):
        pytest.skip("a shim in front of the disk needs Linux")
    compiler = tool("cc", "gcc", "clang")
    folder = tempfile.mkdtemp(prefix=f"{name}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made, source = Path(folder) / f"{name}.so", Path(__file__).with_name(f"{name}.c")
    command = [compiler, "-O2", "-Wall", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        pytest.skip(f"the shim does not compile here: {done.stderr[-400:]}")
    return made


def preloaded(name: str) -> str:
    """$LD_PRELOAD with that shim in front of whatever is in it."""
    before, shim = os.environ.get("LD_PRELOAD"), str(compiled(name))
    return f"{shim}:{before}" if before else shim


class Disk:
    """The disk below `folder`, as programs started with `env` see it; well at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        number, name = tempfile.mkstemp(prefix="disk-")
        self._control = Path(name)
        os.truncate(number, HEAD.size + PATH_BYTES)
        self._said = mmap.mmap(number, HEAD.size + PATH_BYTES)
        os.close(number)
        path = os.fsencode(self.folder)
        self._said[HEAD.size : HEAD.size + len(path)] = path
        self.env = {"LD_PRELOAD": preloaded("faulty_disk"), "FAULTY_DISK": name}

    def well(self) -> None:
        self._become("well")

    def full(self) -> None:
        """ENOSPC for whatever writes, grows or is made; what is there can be read and renamed."""
        self._become("full")

    def failing(self) -> None:
        """EIO for whatever writes, syncs, makes or renames; what is there can be read."""
        self._become("failing")

    def unreadable(self) -> None:
        """EIO for everything, also for opening and reading."""
        self._become("unreadable")

    def read_only(self) -> None:
        """EROFS for whatever writes, makes or renames, as after errors=remount-ro."""
        self._become("read_only")

    def slow(self, ms: int) -> None:
        """Each sync takes so long."""
        self._become("slow", ms)

    def hang(self) -> None:
        """No sync returns before another mode is set."""
        self._become("hang")

    def bad_pages(self) -> None:
        """EIO for whatever is read beyond the first 4 kB of a file; the rest works."""
        self._become("bad_pages")

    @property
    def hits(self) -> int:
        """How many calls met a fault so far."""
        return int(HEAD.unpack_from(self._said)[2])

    def close(self) -> None:
        self.well()
        self._said.close()
        self._control.unlink()

    def _become(self, mode: str, ms: int = 0) -> None:
        # One field at a time: the program counts its faults beside them.
        struct.pack_into("i", self._said, 4, ms)
        struct.pack_into("i", self._said, 0, MODES.index(mode))


class SmallDisk:
    """A real file system of `size` on `folder`, that really fills; skips without the right to."""

    def __init__(self, folder: Path, size: str = "8m") -> None:
        self.folder = folder
        self.env: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0 or shutil.which("mount") is None:
            pytest.skip("a disk that really fills needs root and mount")
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
        if done.returncode:
            pytest.skip(f"mount is not permitted here: {done.stderr.strip()}")
        self._ballast = folder / "ballast"

    def full(self) -> None:
        """Not one byte is left."""
        with self._ballast.open("ab", buffering=0) as out:
            for piece in (65536, 4096, 1):
                try:
                    while out.write(b"x" * piece):
                        pass
                except OSError:
                    continue

    def well(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True, timeout=10)


class Locker:
    """Another program that locks an SQLite file until `release`, or for `seconds` at most.

    `exclusive`: with `PRAGMA locking_mode=EXCLUSIVE`, so that nobody can even read; that comes
    only where nobody else has the file open.
    """

    def __init__(self, file: Path, seconds: float = 60.0, exclusive: bool = False) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOCK, str(file), str(exclusive), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        assert said == MARK, f"{file} was not locked"

    @property
    def holds(self) -> bool:
        return self._process.poll() is None

    def release(self) -> None:
        self._process.communicate(timeout=15)
