"""`venctl alarms`: current alarms, what to do about each, and who acknowledged it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.parse import quote

from ..folder.state_folder import find_running
from . import DONE, NOBODY, REFUSED
from .kit.clock import SiteClock, of_running
from .kit.format import BY
from .kit.http import NoControllerError, call, running_controller


def alarms(args: argparse.Namespace) -> int:
    """Print the current alarms; with an id, acknowledge that alarm first.

    Returns 1 if an alarm is not acknowledged, or if no alarm has that id.
    """
    try:
        running = running_controller(find_running(args.file, args.state))
        if args.acknowledge is not None:
            path = f"/api/v1/alarms/{quote(args.acknowledge, safe='')}/acknowledge"
            status, body = call(running, "POST", path, {})
            if status != 200:
                print(f"venctl: {body.get('detail') or body.get('title')}", file=sys.stderr)
                return REFUSED
        standing = call(running, "GET", "/api/v1/state", None)[1]["alarms"]
        clock = of_running(running)
    except NoControllerError as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    if args.json:
        print(json.dumps({"alarms": standing}))
    else:
        print("\n".join(line for alarm in standing for line in _lines(alarm, clock)) or "no alarms")
    return REFUSED if any(alarm["acknowledged_by"] is None for alarm in standing) else DONE


def _lines(alarm: dict[str, Any], clock: SiteClock) -> list[str]:
    lines = [
        f"{alarm['id']}, since {clock.text(alarm['since'])}",
        f"  {alarm['text']}",
        f"  what to do: {alarm['do']}",
    ]
    if by := alarm["acknowledged_by"]:
        lines.append(f"  acknowledged by {BY.get(by, by)}, {clock.text(alarm['acknowledged_at'])}")
    return lines
