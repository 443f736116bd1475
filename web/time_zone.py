"""The time zone to use: the site's, else this machine's, else UTC."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LINK, _NAME = Path("/etc/localtime"), Path("/etc/timezone")


def zone_of(timezone: str | None) -> ZoneInfo:
    """The zone for times of day; `timezone` is from ven.yaml. The result always has a key."""
    return ZoneInfo(timezone or machine_zone())


@cache
def machine_zone() -> str:
    """The name of this machine's time zone; UTC if it has no name."""
    setting = os.environ.get("TZ", "").lstrip(":")
    linked = str(_LINK.resolve()).partition("/zoneinfo/")[2]
    return next((name for name in (setting, linked, _written()) if _known(name)), "UTC")


def _written() -> str:
    """The zone of a machine whose `/etc/localtime` is a copy, as in some containers."""
    try:
        return _NAME.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _known(name: str) -> bool:
    try:
        return bool(name) and ZoneInfo(name).key == name
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
