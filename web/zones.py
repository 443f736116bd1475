"""Whose wall clock counts: the site's zone, else this machine's, else UTC."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

_MACHINE = Path("/etc/localtime")


def zone_of(timezone: str | None) -> ZoneInfo:
    """The zone a time of day is meant in; `timezone` is what ven.yaml says. Its key has a name."""
    return ZoneInfo(timezone or _machine_zone())


@cache
def _machine_zone() -> str:
    linked = str(_MACHINE.resolve()).partition("/zoneinfo/")[2]
    known = available_timezones()
    said = os.environ.get("TZ", "").lstrip(":")
    return next((name for name in (said, linked) if name in known), "UTC")
