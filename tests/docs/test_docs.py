"""What the pages under docs/ say of commands, links and limits, held against the program."""

from __future__ import annotations

import ast
import math
import os
import re
import shlex
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from statemachine.decide import phases
from statemachine.site import source
from statemachine.verify.world import recorded
from statemachine.wire import commands, envelope, terms
from statemachine.wire.commands import OPS, WHATS
from tests.kit.paths import ROOT
from tests.kit.process.site import STEADY, Site, until
from venctl.base import private_files
from venctl.cli import parser
from venctl.folder import site_token
from venctl.reach.supervisor import FILES_AGAIN_S
from venctl.simulate import days as simulate
from venctl.standin import certificates
from venctl.standin import rest as data_plane
from venctl.standin.broker import (
    broker,
    connection,
    retained,
    sessions,
    topics,
)
from venctl.standin.broker import (
    session_registry as roster,
)
from venctl.standin.shadow import service as shadow
from venctl.standin.shadow import topics as shadow_topics
from web import live
from web.http import bodies, server
from web.http import session as web_session

PAGES = sorted((ROOT / "docs").glob("*.md"))
SAYING = [
    ROOT / "ven.yaml",
    *sorted((ROOT / "examples").glob("*.yaml")),
    *(
        one
        for room in ("statemachine", "venctl", "web")
        for one in sorted((ROOT / room).rglob("*"))
    ),
]
STAND_IN = (ROOT / "docs" / "stand-in.md").read_text()


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "file",
    [one for one in SAYING if one.suffix in (".py", ".js", ".html", ".yaml")],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_every_command_that_is_written_down_is_one_that_venctl_knows(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in _commands(file.read_text()):
        with suppress(SystemExit):
            parser().parse_args(shlex.split(line.partition(" > ")[0], comments=True))
        said = capsys.readouterr().err
        assert "unrecognized" not in said and "invalid choice" not in said, f"venctl {line}"


def _commands(text: str) -> list[str]:
    """What stands after `venctl` in backticks, and in the lines of blocks of shell."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    typed = re.findall(r"^venctl (.+)$", blocks, re.MULTILINE)
    return typed + re.findall(r"`venctl ([a-z][^`\n]*)`", text)


def test_the_commands_of_the_stand_in_run_as_typed(tmp_path: Path) -> None:
    text = STEADY.replace("cloud: {kind: local}", "cloud: {kind: local, tls: true}", 1)
    site = Site(tmp_path, text).start().connected()
    try:
        until(lambda: site.state()["link"]["last_sent"], "telemetry")
        exports = [shlex.split(line)[1] for line in site.venctl("env").stdout.splitlines()]
        env = os.environ | dict(line.split("=", 1) for line in exports)
        block = re.findall(r"```sh\n(.*?)```", STAND_IN, re.DOTALL)[0]
        for line in block.splitlines():
            words = shlex.split(line)
            if words[0] == "venctl":
                assert site.venctl(*words[1:]).returncode == 0, line
            elif words[0] == "aws":
                run = [str(Path(sys.executable).with_name("aws")), *words[1:]]
                done = subprocess.run(
                    run, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60
                )
                assert done.returncode == 0, (line, done.stderr)
    finally:
        site.close()


def test_the_limits_of_the_stand_in_are_those_of_the_program() -> None:
    for said in (
        f"8 KB of `desired` plus `reported`{'' if shadow.MAX_DOCUMENT == 8_192 else ' no'}",
        f"{shadow.REQUESTS_A_SECOND} requests a second a thing",
        f"{shadow_topics.MAX_IN_FLIGHT} in flight a connection",
        f"{sessions.MAX_WAITING:,} messages and {sessions.MAX_WAITING_BYTES >> 20} MB each, "
        f"{sessions.MAX_TOGETHER_BYTES >> 20} MB together",
        f"{broker.MAX_SUBSCRIPTIONS} subscriptions",
        f"{roster.MAX_SESSIONS:,} sessions",
        f"{roster.LONGEST_S // 3600} h at most",
        f"{retained.MAX_MESSAGES:,} and {retained.MAX_BYTES >> 20} MB, then PUBACK 0x97",
        f"{connection.MAX_UNREAD >> 10} KB unread, {sessions.MAX_UNDER_WAY} messages under way",
        f"at most {topics.MAX_SLASHES} slashes and {topics.MAX_BYTES} bytes",
        f"a SUBSCRIBE {connection.MAX_FILTERS} filters",
        f"MQTT: {connection.MOST}, and {connection.CONNECT_WITHIN_S:.0f} s to say CONNECT",
        f"REST: {server.MOST}, {server.MOST_EACH} from one address, "
        f"{data_plane.READ_S} s for a body",
        f"live {certificates.LEAF_DAYS} days",
        f"less than {certificates.RENEW_DAYS} are left",
    ):
        assert said in STAND_IN, said


def test_the_limits_of_the_doors_are_those_of_the_program() -> None:
    text = (ROOT / "docs" / "faults.md").read_text()
    for said in (
        f"408 after {bodies.READ_S} s",
        f"over {bodies.MAX_BYTES >> 10} KB (REST: {data_plane.MAX_BODY >> 10} KB)",
        f"ends after {server.SETTINGS['keepalive_timeout']} s",
        f"| {server.MOST}, and {server.MOST_EACH} from one address",
        f"| {live.IN_ALL}, {live.PER_ADDRESS} from one address, {live.PER_BROWSER} of one browser",
        f"ends after {server.GONE_MS // 1000} s",
        f"at most {private_files.MOST >> 20} MB ({source.MAX_BYTES >> 10} KB for YAML)",
        f"{simulate.MOST_RECORDED >> 20} MB and {recorded.MOST_MS // recorded.DAY_MS} days",
    ):
        assert said in text, said


def test_the_figures_about_secrets_are_those_of_the_program() -> None:
    text = (ROOT / "docs" / "secrets.md").read_text()
    assert (web_session.PER_ADDRESS, web_session.WINDOW_S) == (5, 60)
    assert "Five wrong tokens from one address in a minute" in text
    assert f"or {web_session.IN_ALL} from all" in text
    assert f"must come to {site_token.LEAST_BITS}" in text
    assert f"at least {site_token.LEAST_LETTERS} different letters" in text
    least = [int(cells) for cells in re.findall(r"^\|[^|]+\| [\d.]+ \| (\d+) \|$", text, re.M)]
    kinds = [*dict(site_token.ALPHABETS), 64]
    assert least == [math.ceil(site_token.LEAST_BITS / math.log2(one)) for one in kinds]
    assert f"looks again each {FILES_AGAIN_S} s" in text


COMMANDS = (ROOT / "docs" / "commands.md").read_text()


def _fields_read() -> set[str]:
    """The names that are looked for in a command, each by `fields.get`, and those that have
    several spellings."""
    families = (*envelope.FAMILIES, envelope.LOAD)
    names = {name for family in families for name in family}
    for module in (commands, envelope, terms):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        for one in [one for one in ast.walk(tree) if isinstance(one, ast.Call)]:
            place = {"fields.get": 0, "_confirmed": 2}.get(ast.unparse(one.func))
            if place is not None and isinstance(one.args[place], ast.Constant):
                names.add(str(one.args[place].value))
    return names


def test_every_field_of_a_command_that_is_read_stands_in_the_document_and_no_other() -> None:
    table = COMMANDS.partition("## Fields")[2].partition("## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == _fields_read()


def test_every_op_and_every_question_stands_in_the_document_and_no_other() -> None:
    table = COMMANDS.partition("## Fields")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(OPS)
    assert all(f"`{what}`" in COMMANDS for what in WHATS)


def test_the_phases_of_a_decision_stand_in_the_document_in_their_order() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\d\. \*\*.*?\*\* \((.*?)\)\.", text, re.M)))
    assert told == [phase.__name__ for _, phase in phases.PHASES]
    assert f"{phases.MAX_ROUNDS} times at most" in text


def test_the_modules_that_are_mutated_stand_in_the_document_and_each_survivor_is_in_one() -> None:
    text = (ROOT / "docs" / "mutants.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    files = [ROOT / file for file in project["tool"]["mutmut"]["only_mutate"]]
    first = text.split("and runs their tests")[0]
    assert set(re.findall(r"`(\w+)`", first)) == {file.stem for file in files}
    functions = {
        f"{file.stem}.{node.name}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert set(re.findall(r"`([a-z_]+\.[a-z_]+)`", text)) <= functions


def test_every_document_is_listed_in_the_index() -> None:
    listed = re.findall(r"\]\((?:\.\./)?([\w-]+\.md)", (ROOT / "docs" / "index.md").read_text())
    assert {page.name for page in PAGES} - {"index.md"} <= set(listed)
