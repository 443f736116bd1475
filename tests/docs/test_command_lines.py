"""Every command line of a document is one that `venctl` takes, and what can be run is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.paths import ROOT
from tests.kit.process.site import Site, venctl
from venctl.cli import parser

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCKS = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
SPANS = re.compile(r"`(venctl [a-z][^`\n]*)`")
NAMED = {"V": "volttron_local", "E": "127.0.0.1", "$REGION": "us-west-2", "$ACCOUNT": "1" * 12}
UNENDING = {"run", "cloud", "listen"}
SLOW = {"verify"}  # test_readme.py runs a short one
NOT_RUN = {
    **{
        " ".join(["circuits test", *words]): "the controller that runs here has the devices"
        for words in ([], ["--read-only"], ["--lease"])
    },
    **{
        " ".join(["discover", *words]): "there is nothing to find; test_places.py has fakes"
        for words in ([], ["192.168.1.20"], ["--through", "hass"], ["--mdns"])
    },
    "alarms --acknowledge ID": "the id is that of an alarm, and none stands",
    "simulate story.yaml": "it is written by a search that has found something",
    "simulate evening.yaml --svg evening.svg": "test_simulate.py plays it",
}
MONDAY = "time,circuit,kW\n2026-07-13T00:00,heater1,1.2\n2026-07-13T12:00,heater1,0.8\n"


def blocks(text: str) -> Iterator[str]:
    """Each line that begins with `venctl` in a block, whether fenced or indented."""
    indented = re.findall(r"^ {4}(venctl .*)$", text, re.MULTILINE)
    for line in [*"\n".join(BLOCKS.findall(text)).replace("\\\n", " ").split("\n"), *indented]:
        if line.strip().removeprefix("$ ").startswith("venctl "):
            yield line.strip().removeprefix("$ ")


def spans(text: str) -> list[str]:
    """Each `venctl ...` in a sentence."""
    return SPANS.findall(BLOCKS.sub("", text))


def words_of(line: str) -> list[str]:
    """What `venctl` is given: without comments, pipes and what goes to a file."""
    words = shlex.split(re.split(r"\s[|&>;]|\s#", line)[0], comments=True)[1:]
    return [NAMED.get(word, word) for word in words]


def complaint(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the real parser has against a command; "" where it takes it."""
    try:
        parser().parse_args(words)
    except SystemExit as ended:
        return capsys.readouterr().err if ended.code else ""
    return ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_command_line_of_a_block_is_complete(
    document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in blocks(document.read_text("utf-8")):
        assert complaint(words_of(line), capsys) == "", line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_command_of_a_sentence_is_one_though_it_may_leave_something_out(
    document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in spans(document.read_text("utf-8")):
        said = complaint(words_of(line), capsys)
        assert said == "" or "the following arguments are required" in said, line


def to_run(capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Every complete command that ends by itself, once; test_readme.py runs those of README."""
    readme = (ROOT / "README.md").read_text("utf-8")
    known = [words_of(line) for line in blocks(readme)]
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        for line in [*blocks(text), *spans(text)]:
            words = words_of(line)
            ends = words[0] not in UNENDING | SLOW and " ".join(words) not in NOT_RUN
            if ends and words not in known and complaint(words, capsys) == "":
                known.append(words)
                yield words


def test_what_can_be_run_is_run(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.folder / "monday.csv").write_text(MONDAY)
    ran = set()
    for words in to_run(capsys):
        first_day = tmp_path / "-".join(words).replace("/", "-")
        first_day.mkdir()
        where = first_day if words[0] == "init" else site.folder
        with_port = ["--port", site.ready["mqtt"].rpartition(":")[2]] * ("--endpoint" in words)
        done = venctl(*words, *with_port, cwd=where)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        ran.add(words[0])
    assert ran > {"check", "graph", "simulate", "aws", "trigger"}
