"""Child processes with a deadline, whose words go to files: none can hold another up by a pipe."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEADLINE_S = 60.0
SITE = """
site: {id: bench, service: 24 kW}
circuits:
  heater1: {rated: 1.5 kW, shed: 100 %}
  lights1: {rated: 0.4 kW, shed: 70 %}
  misc1: {rated: 1.0 kW, shed: 60 %}
  ev1: {rated: 7.2 kW, shed: 100 %, enabled: false}
  hvac1: {rated: 3.5 kW, shed: 20 %, critical: true}
  fridge1: {rated: 0.2 kW, shed: 20 %, critical: true}
sim: {load: steady}
restore: {every: 100 ms}
"""


@contextmanager
def child(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python WORDS...` in a folder, gone when the block is left."""
    with (folder / "out.txt").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=folder,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(DEADLINE_S)


@contextmanager
def controller(folder: Path, site: str = SITE) -> Iterator[tuple[int, dict[str, Any]]]:
    """A `venctl run` that is ready: its process id and its ready file."""
    (folder / "ven.yaml").write_text(site)
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    ports = ("--port", "0", "--mqtt-port", "0", "--data-port", "0")
    with child(folder, "-m", "venctl", "run", *ports, "--ready-file", str(ready)) as process:
        until(ready.exists, "the controller")
        yield process.pid, json.loads(ready.read_text())


def done(folder: Path, *words: str) -> None:
    """Run a child to its end. Raises RuntimeError with its words where it failed."""
    with child(folder, *words) as process:
        if process.wait(DEADLINE_S):
            raise RuntimeError((folder / "out.txt").read_text())


def until(come: Callable[[], bool], what: str) -> None:
    """Return once it has come. Raises TimeoutError."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not come():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what} never came")
        time.sleep(0.001)
