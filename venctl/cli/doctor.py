"""`venctl doctor`: the connection to the cloud, step by step."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from statemachine import SpecError, read

from ..base.private_files import read_text
from ..devices.catalog import devices_beside
from ..doctor.steps import StepResult, Subject, examine
from ..folder.state_folder import Running, find_running, state_folder
from . import DONE, REFUSED, USAGE
from .kit.http import NoControllerError, call


def doctor(args: argparse.Namespace) -> int:
    """Print a line for each step; returns 1 if one fails."""
    try:
        spec = read(read_text(args.file), str(args.file), devices_beside(args.file))
    except SpecError as error:
        print("\n".join(fault.pretty() for fault in error.faults), file=sys.stderr)
        return USAGE
    folder = state_folder(args.file, spec.site.id, args.state)
    running = find_running(args.file, args.state)
    state = _state(running, folder)
    case = Subject(spec, args.file, folder, running if state else None, state)
    return asyncio.run(_examine(case, args.json))


async def _examine(case: Subject, as_json: bool) -> int:
    findings = []
    async for finding in examine(case):
        findings.append(finding)
        if not as_json:
            print("\n".join(_lines(finding)), flush=True)
    for finding in _alarms(case.state or {}):
        findings.append(finding)
        if not as_json:
            print("\n".join(_lines(finding)), flush=True)
    well = all(finding.ok for finding in findings)
    if as_json:
        print(json.dumps({"ok": well, "steps": [asdict(finding) for finding in findings]}))
    return DONE if well else REFUSED


def _alarms(state: Mapping[str, Any]) -> list[StepResult]:
    """The controller's alarms that nobody has acknowledged."""
    standing = state.get("alarms", ())
    return [
        StepResult("alarm", False, 0.0, f"{alarm['id']}: {alarm['text']}", alarm["do"])
        for alarm in standing
        if alarm["acknowledged_by"] is None
    ]


def _lines(finding: StepResult) -> list[str]:
    mark = _marks()[0 if finding.ok else 1]
    line = f"{mark} {finding.step:<10} {finding.took_ms:>7.1f} ms  {finding.said}"
    return [line, f"{'':<25}{finding.advice}"] if finding.advice else [line]


def _marks() -> tuple[str, str]:
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "+", "x"
    return "✓", "✗"


def _state(running: Running | None, folder: Path) -> Mapping[str, Any] | None:
    """The state that the running controller reports; None if none runs.

    Raises ValueError if it does not answer: a connection with its client id would disconnect it.
    """
    try:
        status, body = call(running, "GET", "/api/v1/state", None) if running else (0, {})
    except NoControllerError as nobody:
        status, body = 0, {"detail": str(nobody)}
    if status == 200:
        return dict(body)
    if _held(folder):
        why = body.get("detail", "its address is unknown")
        raise ValueError(f"a controller is using {folder} but does not answer ({why}); restart it")
    return None


def _held(folder: Path) -> bool:
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
