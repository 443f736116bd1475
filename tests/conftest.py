"""Fixtures: a site that runs, a backend that talks to it, and a broker of somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .mosquitto import Mosquitto
from .site import Backend, Site


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
