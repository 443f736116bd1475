"""Every command of the README is run, in the order in which it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from statemachine import read
from statemachine.shadow.ack_record import MEANING
from tests.kit.paths import ROOT
from tests.kit.process.site import Site, until, venctl
from venctl.devices.catalog import shipped

SHADOW = "The shadow, with the aws command"
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def under(heading: str, number: int = 0) -> str:
    """The commands under a heading, in its first block or a later one."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[number]


def commands(block: str) -> list[list[str]]:
    """The command lines of a block, continuation lines joined, comments dropped."""
    joined = block.replace("\\\n", " ")
    return [words for line in joined.splitlines() if (words := shlex.split(line, comments=True))]


def test_the_smallest_site_of_the_readme_is_the_one_that_init_writes(tmp_path: Path) -> None:
    assert venctl("init", cwd=tmp_path).returncode == 0
    smallest = blocks("yaml")[0]
    assert read(smallest, "README.md") == read((tmp_path / "ven.yaml").read_text(), "ven.yaml")
    assert len(smallest.splitlines()) == 8


def test_the_real_circuits_of_the_readme_are_accepted() -> None:
    wired = "site: {id: my_ven, service: 24 kW}\n" + blocks("yaml")[1]
    spec = read(wired, "README.md", shipped())
    assert [circuit.simulated for circuit in spec.circuits.values()] == [False] * 3
    assert spec.meter is not None


def test_the_make_targets_of_the_readme_are_there() -> None:
    said = {words[1] for words in commands(under("Install"))}
    assert said == {"run", "test"}
    for target in said:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)


def test_trouble_is_found_under_the_headings_of_the_old_document() -> None:
    trouble = README.partition("## Troubleshooting\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.+)$", trouble, re.MULTILINE) == [
        "Port 8080 in Use",
        "Shadow Not Updating",
        "Web UI Not Accessible in Codespaces",
        "Event Not Triggering",
    ]


def test_the_tour_and_the_commands_of_every_day_do_as_the_readme_says(site: Site) -> None:
    for words in commands(under("A one-minute tour") + under("Every day")):
        done = site.venctl(*words[1:])
        assert done.returncode == 0, (words, done.stderr)


def test_the_aws_commands_run_as_typed(site: Site) -> None:
    aws = Path(sys.executable).with_name("aws")
    if not aws.exists():
        found = shutil.which("aws")
        if found is None:
            pytest.fail("no aws command: pip install -e '.[test]'")
        aws = Path(found)
    until(lambda: site.state()["link"]["last_sent"], "telemetry")
    said = {w[1].partition("=")[0]: w[1].partition("=")[2]
            for w in commands(site.venctl("env").stdout)}  # fmt: skip
    for words in commands(under(SHADOW))[1:]:
        run = [str(aws), *(w.replace("/tmp", str(site.folder)) for w in words[1:])]
        done = subprocess.run(run, env={**os.environ, **said}, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)
    assert "reported" in (site.folder / "shadow.json").read_text()
    until(lambda: site.state()["power_kw"] == 6.5, "HVAC off")


def test_the_commands_about_the_shadow_do_as_the_readme_says(site: Site) -> None:
    for words in commands(under(SHADOW, 1)):
        done = site.venctl(*words[1:])
        assert done.returncode == 0, (words, done.stderr)


def test_every_code_of_the_ack_record_is_explained() -> None:
    table = (ROOT / "docs" / "shadow.md").read_text()
    for code in MEANING:
        assert re.search(rf"^\| .*\b{code}\b.* \|", table, re.MULTILINE), code


def test_old_commands_have_a_new_one_that_parses(site: Site) -> None:
    for line in re.findall(r"`(venctl trigger [^`]+ --via mqtt [^`]+)`", README):
        host, _, port = site.ready["mqtt"].partition(":")
        words = [{"V": "volttron_local", "E": host}.get(word, word) for word in shlex.split(line)]
        done = site.venctl(*words[1:], "--port", port)
        assert done.returncode == 0, (line, done.stderr)
