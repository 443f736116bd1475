"""Whatever a command is given to read, and whatever number: a sentence and code 2, in no memory."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine import SpecError, read
from statemachine.kit.errors import WIDTH, Finding, Mark
from statemachine.verify.world.recorded import MOST_FAULTS, read_recorded
from tests.kit.paths import ROOT
from tests.kit.process.site import STEADY, venctl
from venctl import cli
from venctl.simulate.days import MOST_RECORDED

SITE = read(STEADY, "ven.yaml")
HEAD = "time,circuit,kW\n"
MOST_MEMORY = 1 << 30
READERS = (
    "check {}", "run {}", "verify {}", "doctor {}", "simulate --site {}", "graph --file {}",
    "plan --shed '1 kW' --file {}", "aws policy --file {}", "log --file {}", "env --file {}",
    "listen --file {}", "trigger ping --file {}", "trigger ping --via mqtt --file {}",
    "state --file {}", "shadow --file {}", "events --file {}", "reload {}",
)  # fmt: skip
PLACES = ("/dev/zero", "pipe", "folder", "huge.yaml")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a pipe nobody writes to, and files of 1 GB that take no room."""
    (tmp_path / "ven.yaml").write_text(STEADY)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("huge.yaml", "huge.csv"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(1 << 30)
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def refused(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says that is not done, in this process."""
    try:
        code = cli.main(shlex.split(words))
    except SystemExit as usage:
        code = int(usage.code or 0)
    said = capsys.readouterr()
    assert code == 2 and said.out == "", (code, said)
    assert "Errno" not in said.err and len(said.err) < 8_000
    return said.err


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("words", READERS)
def test_a_site_that_is_no_file_is_refused_in_a_sentence(
    words: str, place: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"venctl: {place} cannot be used: " in refused(words.format(place), capsys)


@pytest.mark.parametrize("place", [*PLACES, "huge.csv", "zero.yaml", "piped.yaml"])
def test_a_day_that_is_no_file_is_refused_in_a_sentence(
    place: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "zero.yaml").write_text("recorded: /dev/zero\n")
    (here / "piped.yaml").write_text("recorded: pipe\n")
    assert " cannot be used: " in refused(f"simulate {place}", capsys)


def test_an_endless_file_costs_no_memory(here: Path) -> None:
    """As somebody starts it, with little memory to be had."""
    for words in ("check /dev/zero", "simulate /dev/zero", "simulate huge.csv", "run /dev/zero"):
        done = subprocess.run(
            [sys.executable, "-m", "venctl", *words.split()],
            cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY)),
        )  # fmt: skip
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["-1", "0", "nan", "inf", "1e999", "9" * 30, "9" * 5_000, "x", ""])
@pytest.mark.parametrize(
    "words",
    [
        "verify --examples={}", "verify --seconds={}", "verify --seed={}", "log --lines={}",
        "listen --count={}", "run --port={}", "listen --port={}", "cloud --mqtt-port={}",
        "trigger event --shed-kw={}", "trigger event --shed-kw=1 --duration-sec={}",
        "simulate --look='{} s'", "simulate --every='{} s'", "simulate --shed='{} kW'",
        "simulate --shed='1 kW' --for='{} s'", "simulate --shed='1 kW' --at='{}'",
        "plan --shed='{} kW'", "plan --shed='1 kW' --for='{} s'", "aws policy --account='{}'",
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_meant_is_refused_in_a_sentence(
    words: str, text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text == "0" and not words.startswith(("verify --ex", "log", "listen", "simulate --look")):
        pytest.skip("nothing, or a free port, can be meant")
    said = refused(words.format(text), capsys)
    assert "Traceback" not in said and "validation error" not in said


@pytest.mark.parametrize("words", ["run", "state", "log", "doctor", "env", "simulate"])
@pytest.mark.parametrize("place", ["ven.yaml", "/dev/zero", "pipe"])
def test_a_state_folder_that_is_none_is_refused(
    words: str, place: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"'{place}' is not a folder" in refused(f"{words} --state {place}", capsys)


@pytest.mark.parametrize("place", ["damaged", "folder"])
def test_a_journal_that_cannot_be_read_is_told_in_a_sentence(
    place: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "state").mkdir()
    file = here / "state" / "journal.db"
    file.mkdir() if place == "folder" else file.write_bytes(b"x" * 5_000)
    assert "journal.db cannot be read: " in refused("log --state state", capsys)


@pytest.mark.parametrize(
    "rows",
    [
        "0,heater1,1\n4102444800,heater1,1\n",
        "1e300,heater1,1\n",
        "inf,heater1,1\n",
        "-5,heater1,1\n",
        f"0,heater1,{'9' * 5_000}\n",
        "0,heater1,nan\n",
        f'0,"{"x" * 300_000}",1\n',
        "\0" * 1_000_000,
        "nothing\n" * 100_000,
    ],
    ids=["130 years", "1e300", "inf", "before 1970", "5,000 digits", "nan", "a cell of 300 KB",
         "nothing but NUL", "100,000 faults"],
)  # fmt: skip
def test_a_day_that_cannot_have_been_recorded_is_refused_with_few_words(rows: str) -> None:
    for text in (HEAD + rows, rows):
        with pytest.raises(SpecError) as refusal:
            read_recorded(text, "day.csv", SITE)
        faults = refusal.value.faults
        assert 1 <= len(faults) <= MOST_FAULTS
        assert all(len(fault.pretty()) < 1_000 for fault in faults)


@given(st.text(max_size=200))
def test_whatever_a_line_of_a_recorded_day_says_it_is_read_or_refused(line: str) -> None:
    for text in (HEAD + line, "{" + line, '{"time": ' + "[" * 20_000 + line):
        try:
            read_recorded(text, "day", SITE)
        except SpecError as refusal:
            assert refusal.faults


@given(column=st.integers(1, 300_000), length=st.integers(0, 300_000))
def test_of_a_long_line_the_part_with_the_fault_is_shown(column: int, length: int) -> None:
    text = ("-" * (column - 1) + "X").ljust(length, "-")
    _, shown, caret = Finding(Mark("f", 1, column, text), "bad-value", "no").pretty().split("\n")
    assert len(shown) <= WIDTH + 10 and shown[len(caret) - 1] == "X"


class Endless(BaseHTTPRequestHandler):
    """Whoever has got the port of a controller that is gone, and never comes to an end."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b"x" * 65_536)

    def log_message(self, *_: object) -> None:
        pass


def test_an_answer_without_an_end_is_no_answer(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venctl.cli.kit.http.MOST_ANSWER", 1 << 20)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    Thread(target=server.serve_forever, daemon=True).start()
    web = f"127.0.0.1:{server.server_port}"
    (here / "state").mkdir()
    said = {"ven_id": "v1", "file": "ven.yaml", "web": web, "mqtt": "127.0.0.1:1"}
    (here / "state" / "controller.json").write_text(json.dumps(said))
    try:
        assert cli.main(["state", "--state", "state"]) == cli.NOBODY
        assert "so this is not a controller" in capsys.readouterr().err
    finally:
        server.shutdown()
        server.server_close()


def test_who_reads_no_further_hears_no_complaint(here: Path) -> None:
    reader = "import sys; sys.stdin.readline()"
    command = f"{sys.executable} -m venctl check --keys | {sys.executable} -c '{reader}'"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", command], cwd=here, env=env, capture_output=True, text=True)
    assert done.stderr == ""


def test_a_full_disk_behind_the_output_is_told_in_a_sentence(here: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "venctl", "check", "--names"],
            cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 2 and "No space left" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_recorded_day_of_many_circuits_still_fits(tmp_path: Path) -> None:
    rows = 86_400 // 10 * len(SITE.circuits)
    assert rows * len("2026-07-14T00:00:00,heater1,1.234\n") < MOST_RECORDED
    (tmp_path / "ven.yaml").write_text(STEADY)
    (tmp_path / "day.csv").write_text(HEAD + "0,heater1,1\n60,heater1,1.2\n")
    assert venctl("simulate", "day.csv", cwd=tmp_path).returncode == 0
