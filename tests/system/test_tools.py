"""The programs that tests need: how `.ci/system` gets them, and what a run says without them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.paths import ROOT
from tests.kit.tools import tool

SYSTEM, JAVASCRIPT = ROOT / ".ci" / "system", ROOT / ".ci" / "javascript"
PROGRAMS = ("mosquitto", "mosquitto_pub", "cc", "systemd-analyze", "npm")
APT = """
echo "apt-get $*" >> "$LOG"
[ "$1" != install ] || exit ${APT_EXIT:-0}
"""
SUDO = """
echo "sudo $*" >> "$LOG"
while [[ "$1" == -* ]]; do shift; done
exec "$@"
"""
INSTALLED = ["apt-get update -qq", "apt-get install -y -qq --no-install-recommends chromium"]


class Machine:
    """A PATH of its own on which only chromium is missing; `log` is what was run as root."""

    def __init__(self, folder: Path, user: int) -> None:
        self.bin, self._log = folder / "bin", folder / "log"
        self.bin.mkdir()
        self._log.touch()
        for name in ("bash", "env"):
            (self.bin / name).symlink_to(tool(name))
        for name in PROGRAMS:
            self.add(name)
        self.add("id", f"echo {user}")

    def add(self, name: str, script: str = "") -> None:
        (self.bin / name).write_text(f"#!/bin/bash\n{script}\n")
        (self.bin / name).chmod(0o755)

    @property
    def log(self) -> list[str]:
        return self._log.read_text().splitlines()

    def environ(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.bin), "LOG": str(self._log), **more}

    def run(self, script: Path = SYSTEM, **more: str) -> tuple[int, str]:
        """Without a terminal: the exit code, and all that was said."""
        done = subprocess.run(
            [script], env=self.environ(**more), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout

    def run_on_terminal(self, answer: str, **more: str) -> tuple[int, str]:
        """On a terminal on which somebody types `answer`."""
        ours, theirs = pty.openpty()
        os.write(ours, answer.encode())
        done = subprocess.run(
            [SYSTEM], env=self.environ(**more), stdin=theirs, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
        )  # fmt: skip
        os.close(ours)
        os.close(theirs)
        return done.returncode, done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, 0)
    machine.add("apt-get", APT)
    return machine


@pytest.fixture
def user(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, 1000)
    machine.add("apt-get", APT)
    machine.add("sudo", SUDO)
    return machine


def test_where_nothing_is_missing_nothing_is_said_or_done(user: Machine) -> None:
    user.add("chromium")
    assert user.run_on_terminal("") == (0, "")
    assert user.log == []


def test_another_browser_will_do(user: Machine) -> None:
    user.add("google-chrome")
    assert user.run() == (0, "")
    (user.bin / "google-chrome").unlink()
    assert user.run(CHROMIUM="/opt/browser") == (0, "")
    assert user.log == []


@pytest.mark.parametrize("answer", ["\n", "y\n", "Yes\n"])
def test_on_a_terminal_it_names_the_packages_asks_once_and_installs(
    user: Machine, answer: str
) -> None:
    code, said = user.run_on_terminal(answer)
    assert code == 0 and user.log[1::2] == INSTALLED
    assert "these Debian packages: chromium\n" in said and said.count("[Y/n]") == 1
    assert all(line.startswith("sudo env") for line in user.log[::2]), "may ask for a password"


@pytest.mark.parametrize("answer", ["n\n", "no\n", "what?\n", "\x04"])
def test_on_a_terminal_any_other_answer_installs_nothing(user: Machine, answer: str) -> None:
    code, said = user.run_on_terminal(answer)
    assert code == 0 and user.log == []
    assert said.endswith("Nothing was installed.\nTests that need chromium are skipped.\n")


def test_yes_may_be_said_beforehand(user: Machine) -> None:
    code, said = user.run_on_terminal("", YES="1")
    assert code == 0 and user.log[1::2] == INSTALLED
    assert said == "Installing Debian packages: chromium\n"


def test_without_a_terminal_it_installs_and_waits_for_nobodys_password(user: Machine) -> None:
    assert user.run() == (0, "Installing Debian packages: chromium\n")
    assert user.log[1::2] == INSTALLED
    assert all(line.startswith("sudo -n env") for line in user.log[::2])


def test_root_is_not_asked_and_needs_no_sudo(root: Machine) -> None:
    assert root.run_on_terminal("") == (0, "Installing Debian packages: chromium\n")
    assert root.log == INSTALLED


def without_apt(machine: Machine) -> str:
    (machine.bin / "apt-get").unlink()
    return "There is no apt-get here to install chromium."


def without_sudo(machine: Machine) -> str:
    (machine.bin / "sudo").unlink()
    return "Installing chromium needs root or sudo."


def without_the_right(machine: Machine) -> str:
    machine.add("sudo", "exit 1")
    return "apt-get could not install chromium."


def without_the_package(machine: Machine) -> str:
    machine.add("apt-get", APT.replace("${APT_EXIT:-0}", "100"))
    return "apt-get could not install chromium."


CANNOT = [without_apt, without_sudo, without_the_right, without_the_package]


@pytest.mark.parametrize("cannot", CANNOT)
def test_where_it_may_not_tests_are_skipped_unless_tools_are_required(
    user: Machine, cannot: object
) -> None:
    assert callable(cannot)
    why = cannot(user)
    code, said = user.run()
    assert code == 0 and said.endswith(f"{why}\nTests that need chromium are skipped.\n")
    code, said = user.run(TOOLS="required")
    assert code == 1 and said.endswith(f"{why}\nInstall chromium, then try again.\n")


def test_every_program_that_is_missing_is_named(user: Machine) -> None:
    for name in ("cc", "mosquitto_pub"):
        (user.bin / name).unlink()
    _, said = user.run()
    assert said == "Installing Debian packages: mosquitto-clients chromium gcc libc6-dev\n"
    _, said = user.run_on_terminal("n\n")
    assert said.endswith("Tests that need mosquitto_pub chromium cc are skipped.\n")


def test_the_javascript_is_checked_or_that_is_said(root: Machine) -> None:
    (root.bin / "dirname").symlink_to(tool("dirname"))
    root.add("npm", "exit 3")
    assert root.run(JAVASCRIPT)[0] == 3
    (root.bin / "npm").unlink()
    code, said = root.run(JAVASCRIPT)
    assert code == 0 and said.startswith("skipped: the page's JavaScript was not checked")
    assert root.run(JAVASCRIPT, TOOLS="required") == (1, said)


# -- what a run says ------------------------------------------------------------------------------

TESTS = """
import pytest
from tests.kit.paths import ROOT
from tests.kit.tools import tool

@pytest.mark.parametrize("n", range(2))
def test_that_needs_a_loom(n): tool("loom")

def test_that_needs_a_spindle(): tool("spindle", "wheel")

def test_that_needs_nothing(): tool("sh")
"""


def run_of(folder: Path, *args: str, **more: str) -> tuple[int, list[str]]:
    (folder / "test_them.py").write_text(TESTS)
    (folder / "conftest.py").write_text("from tests.kit.tools import pytest_sessionfinish")
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder), *args]
    done = subprocess.run(
        command, env=environ, cwd=folder, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_the_last_line_counts_what_was_skipped_for_each_program(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    code, lines = run_of(tmp_path, *workers, TOOLS="")
    assert code == 0 and "1 passed, 3 skipped" in lines[-3]
    assert lines[-2:] == ["2 tests need loom: skipped", "1 test needs spindle: skipped"]


def test_where_tools_are_required_such_a_skip_fails_the_run(tmp_path: Path) -> None:
    code, lines = run_of(tmp_path, TOOLS="required")
    assert code == 1
    assert lines[-1] == "TOOLS=required: install what is missing with ./.ci/system"
    code, lines = run_of(tmp_path, "-k", "nothing", TOOLS="required")
    assert code == 0 and "1 passed" in lines[-1]
