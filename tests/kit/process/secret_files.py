"""Everything that can be wrong with a file of secrets, and who looks at it as a stranger."""

from __future__ import annotations

import encodings.idna
import json
import os
import select
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

T = TypeVar("T")
NOBODY = 65534
LOADED = encodings.idna  # whoever names a host needs it, and nobody may not be able to load it
HANGS_S = 20.0
STATES = (
    "missing", "empty", "blank", "truncated", "binary", "a directory", "no permission",
    "open to others", "a dangling link", "a pipe",
)  # fmt: skip


def bring(file: Path, state: str) -> None:
    """Put a healthy file of mode 0600 into one of `STATES`."""
    healthy = file.read_bytes()
    if state in ("missing", "a directory", "a dangling link", "a pipe"):
        file.unlink()
    match state:
        case "empty":
            file.write_bytes(b"")
        case "blank":
            file.write_bytes(b" \n\t\n")
        case "truncated":
            file.write_bytes(healthy[: len(healthy) // 3])
        case "binary":
            file.write_bytes(bytes(range(256)) * 2)
        case "a directory":
            file.mkdir()
            (file / "in it").touch()
        case "no permission":
            file.chmod(0)
        case "open to others":
            file.chmod(0o644)
        case "a dangling link":
            file.symlink_to(file.with_name("nowhere"))
        case "a pipe":
            os.mkfifo(file, 0o600)


def soon(call: Callable[[], T]) -> T:
    """What `call` answers or raises; fails if it hangs."""
    answers: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(call())
        except BaseException as error:
            raised.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(HANGS_S)
    assert not worker.is_alive(), "it hangs"
    if raised:
        raise raised[0]
    return answers[0]


def told(judge: Callable[[Path], str], folder: Path, state: str) -> str:
    """What `judge` says of a folder; whom root does not lack permission, nobody does."""
    if state == "no permission" and os.geteuid() == 0:
        return _as_nobody(judge, folder)
    return soon(lambda: judge(folder))


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that belongs to nobody, where nobody can get to it."""
    with tempfile.TemporaryDirectory(prefix="venctl-states-") as name:
        folder = Path(name)
        folder.chmod(0o700)
        yield folder


def _as_nobody(judge: Callable[[Path], str], folder: Path) -> str:
    """In a process of its own: who gave root up does not get it back."""
    for one in (folder, *folder.rglob("*")):
        os.lchown(one, NOBODY, NOBODY)
    mine, its = os.pipe()
    child = os.fork()
    if child == 0:
        _judge_as_nobody(judge, folder, its)
    os.close(its)
    try:
        assert select.select([mine], [], [], HANGS_S)[0], "it hangs"
        with open(mine, encoding="utf-8", closefd=False) as answer:
            well, said = json.load(answer)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(mine)
    assert well, said
    return str(said)


def _judge_as_nobody(judge: Callable[[Path], str], folder: Path, to: int) -> NoReturn:
    try:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        answer = True, judge(folder)
    except BaseException:
        answer = False, traceback.format_exc()
    os.write(to, json.dumps(answer).encode())
    os._exit(0)
