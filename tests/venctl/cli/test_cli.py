"""The words of the command line: what it answers, where, and with which exit code."""

from __future__ import annotations

import json
import shlex
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.kit.process.site import STEADY, Site, venctl
from venctl.cli import main
from venctl.cli import status as running

FAULTY = STEADY.replace("type: heater", "type: a heater").replace("rated: 0.4 kW", "rated: 50")
ELSEWHERE = "--via mqtt --ven-id v1 --endpoint 127.0.0.1"


@pytest.mark.parametrize(
    "words",
    [
        "check",
        "run",
        "plan --shed '2 kW'",
        "graph",
        "verify",
        "listen",
        "trigger ping --via mqtt",
    ],
)
def test_a_faulty_file_is_told_with_every_place_by_every_command_that_reads_it(
    words: str, tmp_path: Path
) -> None:
    (tmp_path / "ven.yaml").write_text(FAULTY)
    done = venctl(*shlex.split(words), cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert "'a heater' is not a word; write 1 to 32 characters without spaces" in done.stderr
    assert "'50' is not a power; write it like 1.5 kW" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("check nix.yaml", 2, "nix.yaml does not exist; create one with `venctl init`"),
        ("run nix.yaml", 2, "nix.yaml does not exist; create one with `venctl init`"),
        ("state", 3, "no controller is running"),
        ("trigger ping", 3, "no controller is running"),
        ("env", 3, "no controller with a stand-in is running"),
        ("log", 3, "no decisions are recorded yet"),
        ("plan --shed 2", 2, "'2' is not a power; write it like 1.5 kW"),
        ("run --port 99999", 2, "'99999' is not a port"),
        ("run --ready-file /", 2, "'/' is not a file; it is a folder"),
        ("init", 1, "ven.yaml already exists; nothing was changed"),
        (f"trigger cancel {ELSEWHERE}", 2, "venctl trigger cancel --id evt-1"),
        (f"trigger circuit {ELSEWHERE}", 2, "venctl trigger circuit ev1 off"),
        (f"trigger event {ELSEWHERE}", 2, '--shed "2 kW"'),
        (f"trigger ping {ELSEWHERE} --port 9", 3, "cannot be reached"),
        (f"trigger ping {ELSEWHERE} --cert nix.pem --key nix.key", 2, "nix.pem cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: str, code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "ven.yaml").write_text(STEADY)
    done = venctl(*shlex.split(words), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("chart", ["event", "shadow"])
def test_graph_prints_either_chart_and_the_default_to_paste(chart: str, tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(STEADY)
    assert venctl("graph", chart, cwd=tmp_path).stdout.startswith("stateDiagram-v2")
    pasted = venctl("graph", chart, "--yaml", cwd=tmp_path).stdout
    assert f"\n{chart}:\n" in f"\n{pasted}"
    small = venctl("init", "small.yaml", cwd=tmp_path)
    assert small.returncode == 0, small.stderr
    with (tmp_path / "small.yaml").open("a") as out:
        out.write(pasted)
    assert venctl("check", "small.yaml", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        "check", "check --names", "graph", "graph shadow --yaml", "plan --shed '2 kW'", "state",
        "env", "log -n 1", "trigger ping", "trigger ping --via mqtt", "listen telemetry --count 1",
        "trigger event --shed '2 kW' --for '5 min'", "trigger circuit nix off",
    ],
)  # fmt: skip
def test_every_command_answers_as_json(site: Site, words: str) -> None:
    done = site.venctl(*shlex.split(words), "--json")
    assert done.returncode == (1 if "nix" in words else 0), done.stderr
    assert isinstance(json.loads(done.stdout), dict)


def test_run_greets_in_json_too(tmp_path: Path) -> None:
    site = Site(tmp_path).start("--json")
    site.connected().stop()
    said = json.loads(site.said().splitlines()[0])
    assert said["web"] == site.ready["web"] and said["link"] == "connected"
    site.close()


def test_whoever_follows_the_log_misses_no_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where more are taken between two looks than were asked for at first."""
    (tmp_path / "ven.yaml").write_text(STEADY)
    journal = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    journal.execute("CREATE TABLE decision (seq INTEGER, at_ms INTEGER, trigger, effects)")
    decided = [f"trigger {number}" for number in range(6)]

    def decide(*some: int) -> None:
        for number in some:
            journal.execute(
                "INSERT INTO decision VALUES (?, 0, ?, '')", (number + 1, decided[number])
            )

    rounds = iter([(3, 4), (5,)])

    def wait(_: float) -> None:
        some = next(rounds, None)
        if some is None:
            raise BrokenPipeError
        decide(*some)

    decide(0, 1, 2)
    monkeypatch.setattr(running, "time", SimpleNamespace(sleep=wait))
    where = ("--file", str(tmp_path / "ven.yaml"), "--state", str(tmp_path))
    assert main(["log", "-f", "-n", "1", *where]) == 0
    said = capsys.readouterr().out
    assert [name for name in decided if name in said] == decided[2:]
    journal.close()
