"""Commands about the controller that runs: state, plan, log, env."""

from __future__ import annotations

import argparse
import json
import shlex
import sqlite3
import sys
import time
from typing import Any

from ..place import announced, find, site_id, state_folder
from . import DONE, NOBODY
from .clock import Clock, of_file, of_running, of_zone
from .http import NobodyAnswers, ask, call, found
from .words import BY


def state(args: argparse.Namespace) -> int:
    """The page in six lines."""
    try:
        _, now = ask(args, "/api/v1/state")
    except NobodyAnswers as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    print(json.dumps(now) if args.json else "\n".join(_six_lines(now)))
    return DONE


def _six_lines(now: dict[str, Any]) -> list[str]:
    clock = of_zone(now["site"]["timezone"])
    events = [
        f"{e['id']} {e['label'].lower()}, {e['requested_kw']:.2f} kW until {clock.text(e['end'])}"
        for e in now["events"]
    ]
    held = [f"{c['name']} -{c['shed_kw']:.2f}" for c in now["circuits"] if c["shed_kw"]]
    on = sum(c["enabled"] for c in now["circuits"])
    watches = ", observes only: nothing is switched" if now["mode"] == "observe" else ""
    return [
        f"{now['site']['name']} ({now['site']['id']}){watches}",
        f"power    {now['power_kw']:.2f} kW = base {now['base_power_kw']:.2f}"
        f" - shed {now['shed_kw']:.2f}",
        f"events   {'; '.join(events) or 'none'}",
        f"held     {', '.join(held) or 'nothing'}",
        f"circuits {on} of {len(now['circuits'])} on{_last_switch(now, clock)}",
        f"link     {_link(now['link'])}",
        *(f"ALARM    {alarm['text']}" for alarm in now["alarms"]),
    ]


def _link(link: dict[str, Any]) -> str:
    said = [f"{link['state']}, {link['broker']}"]
    if link["detail"]:
        said.append(link["detail"])
    if link["denied"]:
        said.append(f"the broker does not allow {', '.join(link['denied'])}")
    return "; ".join(said)


def _last_switch(now: dict[str, Any], clock: Clock) -> str:
    """Who switched a circuit last, and when."""
    switched = [c for c in now["circuits"] if c["switched_at"]]
    if not switched:
        return ""
    last = max(switched, key=lambda c: float(c["switched_at"]))
    word, by = "on" if last["enabled"] else "off", last["switched_by"]
    return f"; last {last['name']} {word} by {BY.get(by, by)}, {clock.text(last['switched_at'])}"


def events(args: argparse.Namespace) -> int:
    """The events that live now, and those that are remembered."""
    try:
        running = found(find(args.file, args.state))
        _, said = call(running, "GET", "/api/v1/events", None)
        clock = of_running(running)
    except NobodyAnswers as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    before = [event for event in said["past"] if not event["live"]]
    if args.json:
        print(json.dumps({"events": said["events"], "past": before}))
        return DONE
    for e in said["events"]:
        span = clock.span(e["start"], e["end"])
        print(f"{e['label'].lower():<11} {span}  {e['requested_kw']:.2f} kW  {_called(e)}")
    for e in before:
        print(f"{'over':<11} {clock.span(e['start'], e['end'])}  {'':>7}  {_called(e)}")
    if not said["events"] and not before:
        print("no events yet")
    return DONE


def _called(event: dict[str, Any]) -> str:
    return f"{event['id']}, called by {BY.get(event['source'], event['source'])}"


def log(args: argparse.Namespace) -> int:
    """What was decided and why, from the journal; works without a controller too."""
    file = state_folder(args.file, site_id(args.file), args.state) / "journal.db"
    if not file.exists():
        print(f"venctl: nothing is journaled yet: {file}", file=sys.stderr)
        return NOBODY
    db, clock = sqlite3.connect(f"file:{file}?mode=ro", uri=True), of_file(args.file)
    seen = 0
    while True:
        rows = db.execute(
            "SELECT seq, at_ms, trigger, effects FROM decision WHERE seq > ? "
            "ORDER BY seq DESC LIMIT ?",
            (seen, args.lines),
        ).fetchall()
        for seq, at_ms, trigger, effects in reversed(rows):
            seen = seq
            if args.json:
                did = effects.splitlines()
                print(json.dumps({"seq": seq, "at_ms": at_ms, "trigger": trigger, "effects": did}))
            else:
                print("\n".join(_decision(clock.text(at_ms / 1000), trigger, effects)))
        if not args.follow:
            return DONE
        sys.stdout.flush()
        time.sleep(0.5)


def _decision(when: str, trigger: str, effects: str) -> list[str]:
    return [f"{when}  {trigger}", *(f"{'':<21}-> {effect}" for effect in effects.splitlines())]


def env(args: argparse.Namespace) -> int:
    """What the aws command needs so that `aws iot-data` talks to the stand-in."""
    folder = state_folder(args.file, site_id(args.file), args.state)
    running = announced(folder) or {}
    data, tls = running.get("data"), running.get("tls")
    if data is None:
        print("venctl: no controller with a stand-in runs for this ven.yaml", file=sys.stderr)
        return NOBODY
    said = {
        "AWS_ENDPOINT_URL_IOT_DATA_PLANE": f"{'https' if tls else 'http'}://{data}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-west-2",
        **({"AWS_CA_BUNDLE": tls["ca"]} if tls else {}),
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in said.items()]
    print(json.dumps(said) if args.json else "\n".join(lines))
    return DONE
