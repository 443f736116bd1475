"""`venctl reload`, and which circuits people switched since the first start."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

from statemachine import Spec

from ..folder.state_folder import find_running
from . import DONE, NOBODY, REFUSED, USAGE
from .kit.clock import of_zone
from .kit.format import BY
from .kit.http import NoControllerError, call, running_controller


def reload(args: argparse.Namespace) -> int:
    """Load the edited file, or say why not; the old one then stays in effect."""
    try:
        running = running_controller(find_running(args.file, args.state))
        status, body = call(running, "POST", "/api/v1/reload", {})
    except NoControllerError as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    if args.json:
        print(json.dumps(body))
    elif status == 200:
        print("\n".join([body["file"], *(f"  {line}" for line in body["lines"])]))
    else:
        lines = [*body.get("faults", ()), f"venctl: {body['title']}. {body['detail']}"]
        print("\n".join(lines), file=sys.stderr)
    return DONE if status == 200 else USAGE if "faults" in body else REFUSED


def switched(spec: Spec, folder: Path) -> list[str]:
    """One line for each circuit that was switched since the first start: by whom and when."""
    clock = of_zone(spec.site.timezone)
    return [
        f"{id} has been {'on' if live['enabled'] else 'off'} "
        f"since {clock.text(live['switched_ms'] / 1000)}, "
        f"switched by {BY.get(live['switched_by'], live['switched_by'])}; "
        "`enabled` only applies on the first start"
        for id, live in _kept(folder / "journal.db").items()
        if id in spec.circuits and live["switched_ms"] is not None
    ]


def _kept(file: Path) -> dict[str, Any]:
    """The circuits as last stored in the journal; empty before the first start."""
    if not file.exists():
        return {}
    try:
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        rows = db.execute("SELECT name, value FROM part WHERE name GLOB 'circuits/*'").fetchall()
        db.close()
    except sqlite3.Error:
        return {}
    return {name.removeprefix("circuits/"): json.loads(value) for name, value in rows}
