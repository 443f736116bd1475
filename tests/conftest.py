"""Fixtures: a site that runs, a backend that talks to it, and a broker of somebody else's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.kit.core.contract import Contract, watched
from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.process.site import Backend, Site
from tests.kit.tools import pytest_sessionfinish

__all__ = ["pytest_sessionfinish"]  # a hook

settings.register_profile("no clock", deadline=None)  # how fast a machine is, is no fault of ours
settings.load_profile("no clock")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `make test &`, and our children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What takes minutes goes first, so that no worker is left alone with it at the end.
LONG = {
    "venctl/simulate/test_verify.py",
    "venctl/standin/disk/test_disk.py",
    "statemachine/verify/test_days.py",
    "system/test_reload.py",
    "statemachine/shadow/test_convergence.py",
    "system/test_simulated_site.py",
    "system/test_bad_start.py",
    "venctl/doctor/test_doctor.py",
    "system/test_run.py",
    "docs/test_readme.py",
    "docs/test_command_lines.py",
    "system/test_crash_matrix.py",
    "system/test_duplicates.py",
    "system/test_power_loss.py",
    "system/test_soak.py",
    "statemachine/audit/test_audit.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.nodeid.split("::")[0].removeprefix("tests/") not in LONG)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """`venctl run` asks for files of its own; a test that calls it in our process must not leave
    that to the next."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session", autouse=True)
def watched_api() -> Iterator[Contract]:
    """Every answer of every application that a test makes is held against the document."""
    with watched() as contract:
        yield contract


@pytest.fixture(autouse=True)
def contract(watched_api: Contract) -> Iterator[Contract]:
    """Fails a test whose application answered otherwise than the document has it."""
    yield watched_api
    assert not watched_api.broken()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    one = Site(tmp_path).start().connected()
    yield one
    one.close()


@pytest.fixture
def backend(site: Site) -> Iterator[Backend]:
    one = Backend(int(site.ready["mqtt"].rpartition(":")[2]))
    yield one
    one.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker with its defaults, in a folder of its own."""
    folder = tmp_path / "broker"
    folder.mkdir()
    one = Mosquitto(folder, None, "")
    yield one
    one.kill()
