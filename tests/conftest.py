"""Fixtures: a site that runs, a backend that talks to it, and a broker of somebody else's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from .mosquitto import Mosquitto
from .site import Backend, Site

settings.register_profile("no clock", deadline=None)  # how fast a machine is, is no fault of ours
settings.load_profile("no clock")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `make test &`, and our children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What takes minutes goes first, so that no worker is left alone with it at the end.
LONG = (
    *("verify", "local_disk", "day", "editing", "convergence", "simulated_site", "bad_start"),
    *("doctor", "run", "readme", "crash_matrix", "duplicates", "power_loss", "soak", "audit"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in LONG)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """`venctl run` asks for files of its own; a test that calls it in our process must not leave
    that to the next."""
    before = os.umask(0o022)
    yield
    os.umask(before)


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
