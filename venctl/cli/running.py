"""Commands about the controller that runs: state, plan, log, env."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from typing import Any
from urllib.parse import urlencode

from ..place import find, site_id, state_folder
from . import DONE, NOBODY, REFUSED
from .http import NobodyAnswers, call
from .words import hours, millis_of, watts_of


def _ask(args: argparse.Namespace, path: str) -> tuple[int, Any]:
    running = find(args.file, args.state)
    if running is None:
        raise NobodyAnswers("no controller runs for this ven.yaml; start one with `venctl run`")
    return call(running, "GET", path, None)


def state(args: argparse.Namespace) -> int:
    """The page in six lines."""
    try:
        _, now = _ask(args, "/api/v1/state")
    except NobodyAnswers as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    print(json.dumps(now) if args.json else "\n".join(_six_lines(now)))
    return DONE


def _six_lines(now: dict[str, Any]) -> list[str]:
    events = [
        f"{e['id']} {e['label'].lower()}, {e['requested_kw']:.2f} kW until {hours(e['end'])}"
        for e in now["events"]
    ]
    held = [f"{c['name']} -{c['shed_kw']:.2f}" for c in now["circuits"] if c["shed_kw"]]
    on = sum(c["enabled"] for c in now["circuits"])
    return [
        f"{now['site']['name']} ({now['site']['id']})",
        f"power    {now['power_kw']:.2f} kW = base {now['base_power_kw']:.2f}"
        f" - shed {now['shed_kw']:.2f}",
        f"events   {'; '.join(events) or 'none'}",
        f"held     {', '.join(held) or 'nothing'}",
        f"circuits {on} of {len(now['circuits'])} on",
        f"link     {_link(now['link'])}",
    ]


def _link(link: dict[str, Any]) -> str:
    said = [f"{link['state']}, {link['broker']}"]
    if link["detail"]:
        said.append(link["detail"])
    if link["denied"]:
        said.append(f"the broker does not allow {', '.join(link['denied'])}")
    return "; ".join(said)


def plan(args: argparse.Namespace) -> int:
    """What an event would do now: per circuit how much, and why or why not."""
    asked = {"shed_kw": watts_of(args.shed) / 1000, "duration_s": millis_of(args.length) / 1000}
    try:
        status, said = _ask(args, f"/api/v1/preview?{urlencode(asked)}")
    except NobodyAnswers:
        status, said = 200, _plan_of_file(args, watts_of(args.shed))
    if status != 200:
        print(f"venctl: {said.get('detail') or said.get('title')}", file=sys.stderr)
        return REFUSED
    if args.json:
        print(json.dumps(said))
        return DONE
    print(f"{said['shed_kw']:.2f} of {said['asked_kw']:.2f} kW asked", end="")
    print(f", {said['shortfall_kw']:.2f} kW short" if said["shortfall_kw"] else "")
    for c in said["circuits"]:
        print(f"  {c['name']:<14} {c['free_kw']:.2f} -> {c['left_kw']:.2f} kW  {c['reason']}")
    if said.get("refusal"):
        print(f"but it would be refused: {said['refusal']['detail']}")
    return DONE


def _plan_of_file(args: argparse.Namespace, target_w: int) -> dict[str, Any]:
    """The plan of a site that does not run, each circuit at its rated power."""
    from statemachine.capacity import loads
    from statemachine.curtail import plan_shed
    from statemachine.memory import blank

    from .site import site

    spec = site(args.file)
    memory = blank(spec)
    for id, circuit in spec.circuits.items():
        rated_w = circuit.rated if circuit.enabled else 0
        memory = memory.circuit(id, drawn_w=rated_w, free_w=rated_w)
    every = loads(spec, memory)
    made = plan_shed(every, target_w, {})
    return {
        "asked_kw": target_w / 1000,
        "shed_kw": made.total_w / 1000,
        "shortfall_kw": max(0, target_w - made.total_w) / 1000,
        "circuits": [
            {
                "id": load.circuit,
                "name": spec.name_of(load.circuit),
                "free_kw": load.load_w / 1000,
                "left_kw": (load.load_w - made.cuts.get(load.circuit, 0)) / 1000,
                "reason": made.reasons[load.circuit],
            }
            for load in every
        ],
    }


def log(args: argparse.Namespace) -> int:
    """What was decided and why, from the journal; works without a controller too."""
    file = state_folder(args.file, site_id(args.file), args.state) / "journal.db"
    if not file.exists():
        print(f"venctl: nothing is journaled yet: {file}", file=sys.stderr)
        return NOBODY
    db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    seen = 0
    while True:
        rows = db.execute(
            "SELECT seq, at_ms, trigger, effects FROM decision WHERE seq > ? "
            "ORDER BY seq DESC LIMIT ?",
            (seen, args.lines),
        ).fetchall()
        for seq, at_ms, trigger, effects in reversed(rows):
            seen = seq
            _print_decision(args.json, seq, at_ms, trigger, effects)
        if not args.follow:
            return DONE
        sys.stdout.flush()
        time.sleep(0.5)


def _print_decision(as_json: bool, seq: int, at_ms: int, trigger: str, effects: str) -> None:
    if as_json:
        did = effects.splitlines()
        print(json.dumps({"seq": seq, "at_ms": at_ms, "trigger": trigger, "effects": did}))
        return
    print(f"{hours(at_ms / 1000)}  {trigger}")
    for effect in effects.splitlines():
        print(f"                 -> {effect}")


def env(args: argparse.Namespace) -> int:
    """What the aws command needs so that `aws iot-data` talks to the stand-in."""
    folder = state_folder(args.file, site_id(args.file), args.state)
    try:
        data = json.loads((folder / "controller.json").read_text())["data"]
    except (OSError, ValueError, KeyError):
        data = None
    if data is None:
        print("venctl: no controller with a stand-in runs for this ven.yaml", file=sys.stderr)
        return NOBODY
    said = {
        "AWS_ENDPOINT_URL_IOT_DATA_PLANE": f"http://{data}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-west-2",
    }
    lines = [f"export {name}={value}" for name, value in said.items()]
    print(json.dumps(said) if args.json else "\n".join(lines))
    return DONE
