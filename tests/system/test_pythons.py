"""`.ci/pythons` runs the core's tests on each other Python, and `make` keeps them apart."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.kit.paths import ROOT
from tests.kit.tools import tool

OTHERS = "The core's tests on other Pythons than 3.11"
VERSIONS = ("3.11", "3.12", "3.13")


class Machine:
    """A PATH and a home of its own; make only notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.pyenv, self._log = folder / "bin", folder / ".pyenv", folder / "log"
        self.bin.mkdir()
        for name in ("bash", "dirname", "sed", "sort"):
            (self.bin / name).symlink_to(tool(name))
        write(self.bin / "python3", "echo 3.11")
        self.make("true")

    def make(self, ends: str) -> None:
        """What the tests do on a Python that $python names: "true" or "false"."""
        write(self.bin / "make", f'echo "$@" >> {self._log}; python="${{@: -1}}"; {ends}')

    def has(self, version: str) -> str:
        return write(self.bin / f"python{version}", f"echo {version}")

    def has_in_pyenv(self, version: str) -> str:
        """pyenv's shim is on the PATH, and it does not start that version."""
        short = version.rpartition(".")[0]
        write(self.bin / f"python{short}", "echo not switched on >&2; exit 127")
        python = self.pyenv / "versions" / version / "bin" / "python"
        python.parent.mkdir(parents=True)
        return write(python, f"echo {short}")

    def run(self) -> tuple[int, str]:
        """The exit code and the last line."""
        environ = {"PATH": str(self.bin), "HOME": str(self.pyenv.parent)}
        done = subprocess.run(
            [ROOT / ".ci" / "pythons"], env=environ, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout.splitlines()[-1]

    @property
    def asked(self) -> list[str]:
        """The interpreters that make was called with."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line.removeprefix("--no-print-directory core PYTHON=") for line in lines]


def write(file: Path, script: str) -> str:
    file.write_text(f"#!/bin/bash\n{script}\n")
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_each_other_python_runs_the_tests_and_those_that_are_not_found_are_named(
    machine: Machine,
) -> None:
    machine.has("3.11")
    found = [machine.has_in_pyenv("3.13.0")]
    code, said = machine.run()
    assert said == f"{OTHERS}: passed 3.13; failed none; not found 3.12"
    assert code == 0 and machine.asked == found


def test_of_several_in_pyenv_the_newest_runs(machine: Machine) -> None:
    machine.has_in_pyenv("3.12.9")
    newest = machine.has_in_pyenv("3.12.10")
    machine.run()
    assert machine.asked == [newest]


def test_one_that_fails_is_named_after_the_others_have_run(machine: Machine) -> None:
    found = [machine.has("3.12"), machine.has("3.13")]
    machine.make('[[ "$python" != *3.12 ]]')
    code, said = machine.run()
    assert said == f"{OTHERS}: passed 3.13; failed 3.12; not found none"
    assert code == 1 and machine.asked == found


def test_where_there_is_no_other_that_is_said(machine: Machine) -> None:
    assert machine.run() == (0, f"{OTHERS}: passed none; failed none; not found 3.12 3.13")
    assert machine.asked == []


def test_the_classifiers_name_every_python_that_may_install_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert tuple(named) == VERSIONS
    assert project["requires-python"] == f">={VERSIONS[0]}"


def recipe(*args: str) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    done = subprocess.run(
        ["make", "-n", "check", *args], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_python_that_is_named_has_an_environment_of_its_own() -> None:
    assert ".venv/bin/ruff" in recipe()
    version = "{}.{}".format(*sys.version_info)
    own = recipe(f"PYTHON={sys.executable}")
    assert f".venv-{version}/bin/ruff" in own and ".venv/" not in own.replace(sys.executable, "")
