"""Fixtures: a site that runs, and a backend that talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
