"""Every state that a power cut could leave the files of a program in.

`Recorder` writes down what programs do to the files of a folder (`recorded_disk.c`), and what they
had promised by then. `images` plays the record and makes the folders that a cut may leave: what was
synced is there; of what was written since, any of the calls, whole or torn at sectors of 512 bytes;
and a new, moved or removed name counts for certain once its folder was synced.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from random import Random

from tests.kit.process.faulty_disk import preloaded

HEAD = struct.Struct("iiiiqq")
SECTOR = 512
KEPT, LOST = 0.25, 0.5  # chances: all that was not synced is there; nothing of it


class Kind(IntEnum):
    """As `recorded_disk.c` numbers them."""

    MAKE, WRITE, SIZE, SYNC, UNLINK, RENAME, PROMISE = range(1, 8)


@dataclass(frozen=True, slots=True)
class Call:
    """One call, on paths below the folder."""

    kind: Kind
    path: str
    other: str
    at: int
    size: int
    written: bytes


@dataclass(slots=True)
class _File:
    """What is on the disk for certain, and what was done since the last sync."""

    synced: bytearray = field(default_factory=bytearray)
    since: list[Call] = field(default_factory=list)

    def sync(self) -> None:
        for call in self.since:
            _do(self.synced, call, range(_sectors(call)))
        self.since.clear()

    def after_a_cut(self, dice: Random) -> bytes:
        left, luck = bytearray(self.synced), dice.random()
        for call in self.since:
            if luck < KEPT:
                _do(left, call, range(_sectors(call)))
            elif luck > LOST and dice.random() < 0.7:
                torn = dice.random() < 0.3
                count = _sectors(call)
                there = [n for n in range(count) if not torn or dice.random() < 0.5]
                _do(left, call, there)
        return bytes(left)


class Recorder:
    """Programs started with `env` are recorded, as far as they write below `folder`."""

    def __init__(self, folder: Path, trace: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        trace.touch()
        self._folder, self.trace = folder.resolve(), trace
        self.env = {
            "LD_PRELOAD": preloaded("recorded_disk"),
            "RECORDED_FOLDER": str(self._folder),
            "RECORDED_TRACE": str(trace),
        }

    def calls(self) -> list[Call]:
        """All that was done so far."""
        text, place, found = self.trace.read_bytes(), 0, list[Call]()
        start = len(str(self._folder)) + 1
        while place < len(text):
            kind, path_bytes, other_bytes, _, at, size = HEAD.unpack_from(text, place)
            place += HEAD.size
            path = os.fsdecode(text[place : place + path_bytes])
            place += path_bytes
            other = os.fsdecode(text[place : place + other_bytes])
            place += other_bytes
            written = text[place : place + size] if kind == Kind.WRITE else b""
            place += len(written)
            path = path if kind == Kind.PROMISE else path[start:]
            found.append(Call(Kind(kind), path, other[start:], at, size, written))
        return found


def promise(trace: Path, text: str) -> None:
    """Somebody counts on it from here on."""
    told = text.encode()
    descriptor = os.open(trace, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, HEAD.pack(Kind.PROMISE, len(told), 0, 0, 0, 0) + told)
    finally:
        os.close(descriptor)


class _Disk:
    """The files of the folder, as programs see them, and as a cut may leave them."""

    def __init__(self) -> None:
        self._seen: dict[str, _File] = {}
        self._synced: dict[str, _File] = {}
        self._names: list[tuple[Call, _File]] = []

    def do(self, call: Call) -> None:
        file = self._seen.get(call.path)
        match call.kind:
            case Kind.SYNC if file is None:
                there = [one for one in self._names if _parent(one[0].path) == call.path]
                _all_done(self._synced, there)
                self._names = [one for one in self._names if one not in there]
            case Kind.SYNC:
                file.sync()
            case Kind.WRITE | Kind.SIZE if file is not None:
                file.since.append(call)
            case Kind.MAKE | Kind.UNLINK | Kind.RENAME:
                self._names.append((call, file or _File()))
                _all_done(self._seen, self._names[-1:])

    def after_a_cut(self, dice: Random) -> dict[str, bytes]:
        names, luck = dict(self._synced), dice.random()
        done = len(self._names)
        if luck > KEPT:
            done = 0 if luck < LOST else dice.randint(0, done)
        _all_done(names, self._names[:done])
        return {path: file.after_a_cut(dice) for path, file in names.items()}


def images(calls: list[Call], count: int, dice: Random, folder: Path) -> Iterator[list[str]]:
    """Make `folder` as a cut may leave it, `count` times; what was promised before each."""
    disk, promised, place = _Disk(), list[str](), 0
    for cut in sorted(dice.choices(range(1, len(calls) + 1), k=count)):
        for call in calls[place:cut]:
            if call.kind == Kind.PROMISE:
                promised.append(call.path)
            else:
                disk.do(call)
        place = cut
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path, content in disk.after_a_cut(dice).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield promised


def _all_done(names: dict[str, _File], calls: list[tuple[Call, _File]]) -> None:
    for call, file in calls:
        names.pop(call.path, None)
        if call.kind != Kind.UNLINK:
            names[call.other or call.path] = file


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _sectors(call: Call) -> int:
    first, last = call.at // SECTOR, (call.at + len(call.written) - 1) // SECTOR
    return last - first + 1 if call.written else 1


def _do(content: bytearray, call: Call, sectors: range | list[int]) -> None:
    if call.kind == Kind.SIZE:
        del content[call.size :]
        content.extend(bytes(call.size - len(content)))
        return
    first = call.at // SECTOR
    for number in sectors:
        begin = max(call.at, (first + number) * SECTOR)
        end = min(call.at + len(call.written), (first + number + 1) * SECTOR)
        content.extend(bytes(max(0, end - len(content))))
        content[begin:end] = call.written[begin - call.at : end - call.at]
