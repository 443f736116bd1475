"""Programs that tests need and pip does not install; `.ci/system` has the list.

A test that needs a missing one is skipped, and the last line of the run counts it. Where
TOOLS=required is set, as in CI, such a skip fails the run. Devices by other hands are installed
by `make devices` only, which sets DEVICES=required.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

REQUIRED = os.environ.get("TOOLS") == "required"
DEVICES = os.environ.get("DEVICES") == "required"
SBIN = "/usr/sbin"  # Debian puts mosquitto there, which is not on everybody's PATH
_NEEDS = "Skipped: needs "
_BY_DEVICES = ", which `make devices` installs"


def tool(*names: str) -> str:
    """The path of the first of these programs that is here; otherwise the test is skipped."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), SBIN))
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        pytest.skip(f"needs {names[0]}")
    return found


def stranger(folder: Path, name: str) -> None:
    """Whether a package of npm is installed in `folder`; otherwise the test is skipped."""
    if not (folder / "node_modules" / name).is_dir():
        pytest.skip(f"needs {name}{_BY_DEVICES}")


def browser_path() -> str:
    """The path of Chromium or Chrome, or what CHROMIUM names."""
    return os.environ.get("CHROMIUM") or tool("chromium", "google-chrome")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """The last line says what was skipped for want of a program; fails where none may be."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    lines = _lines(reporter.stats.get("skipped", ())) if reporter else []
    if DEVICES and lines:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    elif REQUIRED and not all(_BY_DEVICES in line for line in lines):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        lines.append("TOOLS=required: install what is missing with ./.ci/system")
    yield
    for line in lines:
        reporter.write_line(line, yellow=True)


def _lines(skipped: Iterable[pytest.CollectReport | pytest.TestReport]) -> list[str]:
    """A line for each missing program, such as "12 tests need mosquitto: skipped"."""
    reasons = [one.longrepr[2] for one in skipped if isinstance(one.longrepr, tuple)]
    needed = Counter(r.removeprefix(_NEEDS) for r in reasons if r.startswith(_NEEDS))
    return [
        f"{count} {'test needs' if count == 1 else 'tests need'} {name}: skipped"
        for name, count in sorted(needed.items())
    ]
