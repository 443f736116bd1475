"""Site time: how the command line reads and prints times.

A time without an offset is in the time zone of the site, and is refused if that zone is unknown.
A printed time has its year, and its zone if this machine uses another zone. In an hour that occurs
twice it also has the offset.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from statemachine.kit.localtime import next_s
from web.time_zone import machine_zone, zone_of

from ...folder.state_folder import Running, find_running, site_of
from .http import NoControllerError, call


@dataclass(frozen=True, slots=True)
class SiteClock:
    """`zone` is the site's. None means unknown: times are then printed in this machine's zone."""

    zone: ZoneInfo | None

    def text(self, epoch_s: float) -> str:
        """Format a point in time."""
        return self._bare(epoch_s) + self._name()

    def span(self, start_s: float, end_s: float) -> str:
        """Format a start and an end; the zone is named once."""
        return f"{self._bare(start_s)} to {self.text(end_s)}"

    def epoch_s(self, text: str) -> int:
        """Parse `18:00` (the next one) or `2026-11-24T18:00`. Raises ValueError like `next_s`."""
        return round(next_s(text, self.zone, time.time()))

    def _bare(self, epoch_s: float) -> str:
        at = datetime.fromtimestamp(epoch_s, self.zone or zone_of(None))
        twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
        return (at if twice else at.replace(tzinfo=None)).isoformat(" ", "seconds")

    def _name(self) -> str:
        if self.zone is None:
            return f" {machine_zone()}"
        return "" if self.zone.key == machine_zone() else f" {self.zone.key}"


def of_zone(timezone: str | None) -> SiteClock:
    """The clock of a site on this machine; `timezone` is None if its ven.yaml names none."""
    return SiteClock(zone_of(timezone))


def of_file(file: Path) -> SiteClock:
    """The clock of the site in a ven.yaml. Raises OSError or ValueError, for people to read."""
    timezone = site_of(file)[1]
    try:
        return of_zone(timezone)
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(
            f"{file}: {timezone!r} is not a known time zone; use a name such as Europe/Berlin"
        ) from None


def of_running(running: Running) -> SiteClock:
    """The clock of the running site. Raises `NoControllerError`."""
    status, body = call(running, "GET", "/api/v1/state", None)
    if status != 200:
        raise NoControllerError(
            f"the controller did not report its time zone: {body.get('detail')}"
        )
    return of_zone(body["site"]["timezone"])


def over_mqtt(args: argparse.Namespace) -> SiteClock:
    """The clock of the site that an MQTT command is for, if the ven.yaml tells its zone.

    A file without a zone means the zone of the controller's machine, so the zone is only known if
    the controller runs here.
    """
    try:
        ven_id, timezone = site_of(args.file)
        if args.ven_id not in (None, ven_id):
            return SiteClock(None)
        here = timezone or find_running(args.file, args.state)
        return of_file(args.file) if here else SiteClock(None)
    except (OSError, ValueError):
        return SiteClock(None)
