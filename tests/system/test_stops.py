"""Whatever moment a stop comes at: an orderly end, with nothing left behind and nothing to see."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.paths import ROOT
from tests.kit.process.site import STEADY, until
from tests.kit.process.standin import StandIn

FREE = ("--port", "0", "--mqtt-port", "0", "--data-port", "0")
STOPS = int(os.environ.get("STOPS", "6"))


class Command:
    """A command in a folder of its own, in mid-start."""

    def __init__(self, folder: Path, *words: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "ven.yaml").write_text(STEADY)
        self.folder, self._output = folder, folder / "output.txt"
        with self._output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "venctl", *words],
                cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=out, stderr=out,
            )  # fmt: skip

    def said(self) -> str:
        return self._output.read_text()

    def hears(self) -> bool:
        """Whether our code has begun to run: before that only the kernel and Python answer."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    def begun(self) -> Command:
        until(self.hears, "a handler for SIGTERM", 60)
        return self

    def stopped(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()

    def left(self) -> set[str]:
        names = {"controller.json", "in-force.yaml"}
        return {file.name for file in self.folder.rglob("*") if file.name in names}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_controller_that_is_told_to_stop_while_it_starts_ends_well(
    number: signal.Signals, tmp_path: Path
) -> None:
    """`STOPS=100` is the long form."""
    dice = random.Random(number)
    for _ in range(STOPS):
        command = Command(tmp_path, "run", *FREE).begun()
        moment_s = dice.uniform(0, 1.5)
        with pytest.raises(subprocess.TimeoutExpired):
            command.process.wait(moment_s)
        assert command.stopped(number) == 0, (moment_s, command.said())
        assert "Traceback" not in command.said() and command.left() == set()


@pytest.mark.parametrize("words", [("run", *FREE), ("cloud", *FREE[2:]), ("log", "-f")])
def test_a_stop_is_heard_before_anything_is_loaded(words: tuple[str, ...], tmp_path: Path) -> None:
    command = Command(tmp_path, *words).begun()
    assert command.stopped(signal.SIGTERM) == 0
    assert command.said() == "" and not (tmp_path / ".venctl").exists()


def test_a_reload_that_is_asked_for_while_it_starts_is_done_once_it_runs(tmp_path: Path) -> None:
    command = Command(tmp_path, "run", *FREE).begun()
    command.process.send_signal(signal.SIGHUP)
    until(lambda: "ven.yaml: nothing changes" in command.said(), "the reload", 60)
    assert command.stopped(signal.SIGTERM) == 0


def _follows(folder: Path) -> Command:
    running = Command(folder, "run", *FREE)
    until(lambda: "state " in running.said(), "a greeting", 60)
    assert running.stopped(signal.SIGTERM) == 0
    following = Command(folder, "log", "-f")
    until(following.said, "a decision", 60)
    return following


def _listens(folder: Path) -> Command:
    cloud = StandIn(folder)
    broker = ("--endpoint", "127.0.0.1", "--port", str(cloud.mqtt_port), "--ven-id", "v1")
    listening = Command(folder / "listener", "listen", *broker)
    until(lambda: "listening on" in listening.said(), "the broker", 60)
    assert cloud.stop() == 0
    return listening


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("at_work", [_follows, _listens])
def test_who_listens_until_told_to_stop_stops(
    at_work: Callable[[Path], Command], number: signal.Signals, tmp_path: Path
) -> None:
    command = at_work(tmp_path)
    assert command.stopped(number) == 0 and "Traceback" not in command.said()


@pytest.mark.parametrize("words", ["verify --seconds 600 --examples 1000000", "simulate long.yaml"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_trial_that_is_cut_short_never_says_that_every_rule_held(
    words: str, number: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / "long.yaml").write_text("length: 300 d\n")
    command = Command(tmp_path, *words.split())
    loaded = Path(f"/proc/{command.process.pid}/maps")
    until(lambda: "pydantic" in loaded.read_text(), "the trial begins to load", 60)
    assert command.stopped(number) == -number
    assert "Traceback" not in command.said() and "every rule held" not in command.said()
