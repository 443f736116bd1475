"""The clock that times are typed and printed by on the command line: the site's.

A time without an offset is read in the zone of the site it is meant for, and refused where nobody
can say which zone that is. A printed time has its year, and its zone where this machine's clock is
another; in an hour that comes twice it has the offset too.
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

from ...folder.state_folder import Running, find, site_of
from .http import NobodyAnswers, call


@dataclass(frozen=True, slots=True)
class Clock:
    """`zone` is the site's; None where nobody knows it, and this machine's clock is printed."""

    zone: ZoneInfo | None

    def text(self, epoch_s: float) -> str:
        """A moment as people read it."""
        return self._bare(epoch_s) + self._name()

    def span(self, start_s: float, end_s: float) -> str:
        """From when to when; the zone is named once."""
        return f"{self._bare(start_s)} to {self.text(end_s)}"

    def epoch_s(self, text: str) -> int:
        """`18:00` (the next one) or `2026-11-24T18:00` as typed. Raises ValueError as `next_s`."""
        return round(next_s(text, self.zone, time.time()))

    def _bare(self, epoch_s: float) -> str:
        at = datetime.fromtimestamp(epoch_s, self.zone or zone_of(None))
        twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
        return (at if twice else at.replace(tzinfo=None)).isoformat(" ", "seconds")

    def _name(self) -> str:
        if self.zone is None:
            return f" {machine_zone()}"
        return "" if self.zone.key == machine_zone() else f" {self.zone.key}"


def of_zone(timezone: str | None) -> Clock:
    """The clock of a site that runs on this machine; None where its ven.yaml names no zone."""
    return Clock(zone_of(timezone))


def of_file(file: Path) -> Clock:
    """The clock of the site of a ven.yaml. Raises OSError or ValueError with a sentence."""
    timezone = site_of(file)[1]
    try:
        return of_zone(timezone)
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(f"{file}: no time zone is called {timezone!r}") from None


def of_running(running: Running) -> Clock:
    """The clock of the site that runs. Raises `NobodyAnswers`."""
    status, said = call(running, "GET", "/api/v1/state", None)
    if status != 200:
        raise NobodyAnswers(f"the controller does not say its time zone: {said.get('detail')}")
    return of_zone(said["site"]["timezone"])


def over_mqtt(args: argparse.Namespace) -> Clock:
    """The clock of the site that a command over MQTT is for; its zone is known from the ven.yaml.

    A file that names no zone means that of the machine the controller runs on, so it is known only
    where that is this one.
    """
    try:
        ven_id, timezone = site_of(args.file)
        if args.ven_id not in (None, ven_id):
            return Clock(None)
        here = timezone or find(args.file, args.state)
        return of_file(args.file) if here else Clock(None)
    except (OSError, ValueError):
        return Clock(None)
