"""`venctl shadow`: desired and reported values, and the result of each request."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..folder.state_folder import find_running
from . import DONE, NOBODY
from .kit.clock import SiteClock, of_running
from .kit.http import NoControllerError, call, running_controller

WORDS = {
    "in_sync": "in sync",
    "pending": "pending",
    "unknown": "unknown: the shadow has not been read since the link came up",
    "off": "off",
}
OFF = "off          this site has no device shadow; to have one, set `cloud: {shadow: serve}`"


def shadow(args: argparse.Namespace) -> int:
    """Print desired and reported values by key, with the reason for each refused value."""
    try:
        running = running_controller(find_running(args.file, args.state))
        _, body = call(running, "GET", "/api/v1/shadow", None)
        clock = of_running(running)
    except NoControllerError as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    print(json.dumps(body, ensure_ascii=False) if args.json else "\n".join(_lines(body, clock)))
    return DONE


def _lines(body: dict[str, Any], clock: SiteClock) -> list[str]:
    off = body["state"] == "off"
    lines = [OFF] if off else [_document(document, clock) for document in body["shadows"]]
    lines += [f"alarm    {alarm['text']}" for alarm in body["alarms"]]
    wide = max(len(row["key"]) for row in body["rows"])
    lines.append(f"{'key':<{wide}}  {'desired':<8} {'reported':<8} state")
    lines += [
        f"{row['key']:<{wide}}  {_value(row['desired']):<8} {_value(row['reported']):<8} "
        + _state(row)
        for row in body["rows"]
    ]
    listed = {row["key"].split(".")[1] for row in body["rows"] if "." in row["key"]}
    for refusal in body["refused"]:
        if refusal["id"] not in listed:
            lines.append(f"refused  {refusal['id']}: {_why(refusal)}, {clock.text(refusal['at'])}")
    return lines


def _document(document: dict[str, Any], clock: SiteClock) -> str:
    version = "version unknown" if document["version"] is None else f"version {document['version']}"
    line = f"{document['title']:<12} {document['label'].lower()}, {version}"
    line += f", {document['circuits']} circuits"
    if document["reported_at"]:
        line += f", reported {clock.text(document['reported_at'])}"
    if refusal := document["last_refusal"]:
        line += f"; last refusal by the service: {refusal['code']} {refusal['message']}"
    return line


def _state(row: dict[str, Any]) -> str:
    if row["state"] == "rejected":
        return f"rejected: {_why(row)}"
    return WORDS[row["state"]]


def _why(refused: dict[str, Any]) -> str:
    return f"{refused['reason']} ({refused['code']})"


def _value(value: Any) -> str:
    return {None: "-", True: "on", False: "off"}.get(value, str(value))
