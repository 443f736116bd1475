"""`venctl init`: a first file from flags, from a terminal, or the smallest one."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from statemachine import Spec
from statemachine.audit.reader import examine
from statemachine.describe.schema import schema
from tests.kit.paths import ROOT
from venctl.cli import main
from venctl.devices.catalog import shipped


def written(file: Path) -> Spec:
    spec, faults = examine(file.read_text("utf-8"), file.name)
    assert spec is not None and faults == []
    return spec


def test_flags_name_the_site_and_its_circuits(tmp_path: Path) -> None:
    file = tmp_path / "ven.yaml"
    flags = ["--id", "my-house", "--name", "My #1: House", "--service", "10 kW"]
    circuits = ["heater:1.5kW:100%", "heater:2 kW:50 %", "hvac:3kW:20%:critical", "other:1kW"]
    for said in circuits:
        flags += ["--circuit", said]
    assert main(["init", str(file), *flags]) == 0
    spec = written(file)
    assert (spec.site.id, spec.site.name, spec.site.service) == ("my-house", "My #1: House", 10_000)
    assert list(spec.circuits) == ["heater1", "heater2", "hvac1", "other1"]
    assert spec.circuits["heater2"].shed == 50 and spec.circuits["hvac1"].critical
    assert spec.circuits["other1"].shed == 0
    assert "# main breaker" in file.read_text()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--circuit", "hot plate:3kW"], "the types are: heater"),
        (["--circuit", "heater:3kW:100%:urgent"], "heater:1.5kW:100%"),
        (["--circuit", "heater:3:100%"], "'3' is not a power"),
        (["--service", "huge"], "'huge' is not a power"),
        (["--id", "my ven"], "'my ven' is not a thing name"),
    ],
)
def test_flags_that_cannot_be_meant_write_nothing(
    flags: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "ven.yaml"), *flags]) == 2
    assert words in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "ven.yaml"
    file.write_text("mine")
    assert main(["init", str(file), "--name", "New", "--schema"]) == 1
    assert file.read_text() == "mine" and list(tmp_path.iterdir()) == [file]


def test_the_schema_is_written_beside_it_where_asked(tmp_path: Path) -> None:
    file = tmp_path / "ven.yaml"
    assert main(["init", str(file), "--schema"]) == 0
    assert file.read_text().startswith("# yaml-language-server: $schema=ven.schema.json\n")
    assert json.loads((tmp_path / "ven.schema.json").read_text()) == schema(shipped())
    written(file)


def typed(tmp_path: Path, answers: list[str]) -> tuple[int, str]:
    """`venctl init` on a terminal, with somebody answering."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "venctl", "init"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(ours)
    return child.wait(30), said.decode()


def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    code, said = typed(tmp_path, ["Elm Street 3", "elm-3", "18 kW", "1, 3 7"])
    assert code == 0, said
    spec = written(tmp_path / "ven.yaml")
    assert (spec.site.name, spec.site.id, spec.site.service) == ("Elm Street 3", "elm-3", 18_000)
    assert list(spec.circuits) == ["water_heater1", "ev1", "hvac1"]
    assert "Pool pump" in said


def test_empty_answers_take_what_is_offered(tmp_path: Path) -> None:
    code, said = typed(tmp_path, ["", "", "", ""])
    assert code == 0, said
    spec = written(tmp_path / "ven.yaml")
    assert (spec.site.id, spec.site.name, spec.site.service) == ("my_ven", None, 24_000)
    assert list(spec.circuits) == ["heater1", "ev1", "hvac1", "fridge1"]


def test_a_number_that_is_not_in_the_menu_is_refused(tmp_path: Path) -> None:
    code, said = typed(tmp_path, ["", "", "", "1 9"])
    assert code == 2 and "'9' is not in the list" in said and not list(tmp_path.iterdir())
