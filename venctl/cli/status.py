"""Commands about the running controller: `venctl state`, `events`, `log` and `env`."""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit_log import read as audited
from ..folder.state_folder import find_running, running_info, site_id, state_folder
from . import DONE, NOBODY
from .kit.clock import SiteClock, of_file, of_running, of_zone
from .kit.format import BY
from .kit.http import NoControllerError, ask, call, running_controller

FRESH_S = 15
FEW = 3
AUDITED = (
    *("at", "door", "who", "op", "status", "reason", "detail", "event_id", "revision", "loadId"),
    *("asked", "correlation", "confirmed", "why", "missed"),
)
ENOUGH = 0.95
ALL = -1  # to SQLite: no limit
WAYS = {
    "following": "when another event ends",
    "rest": "after its minimum off time",
    "max_off": "when it reaches its longest off time",
    "budget": "when it reaches its limit for today",
    "room": "once the main breaker has capacity for it",
    "by_hand": "when somebody switches it on",
    "later": "when no event needs it",
}


def state(args: argparse.Namespace) -> int:
    """Print the current state of the site in six lines, plus devices, faults and alarms."""
    try:
        _, now = ask(args, "/api/v1/state")
    except NoControllerError as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    print(json.dumps(now) if args.json else "\n".join(_six_lines(now)))
    return DONE


def _six_lines(now: dict[str, Any]) -> list[str]:
    clock = of_zone(now["site"]["timezone"])
    events = [_event(e, clock) for e in now["events"]]
    held = [_held(c, clock) for c in now["circuits"] if c["shed_kw"] or c["back_how"]]
    on = sum(c["enabled"] for c in now["circuits"])
    watches = ", observe mode: nothing is switched" if now["mode"] == "observe" else ""
    return [
        f"{now['site']['name']} ({now['site']['id']}){watches}",
        f"power    {_power(now)}",
        f"events   {'; '.join(events) or 'none'}",
        f"held     {', '.join(held) or 'nothing'}",
        f"circuits {on} of {len(now['circuits'])} on{_simulated(now)}{_last_switch(now, clock)}",
        f"link     {_link(now['link'])}",
        *_devices(now, clock),
        *(f"FAULT    {c['name']}: {c['ails']}" for c in now["circuits"] if c["ails"]),
        *(_alarm(alarm) for alarm in now["alarms"]),
    ]


def _alarm(alarm: dict[str, Any]) -> str:
    by = alarm["acknowledged_by"]
    seen = f", acknowledged by {BY.get(by, by)}" if by else f"; {alarm['do']}"
    return f"{'alarm' if by else 'ALARM'}    {alarm['text']}{seen}"


def _power(now: dict[str, Any]) -> str:
    if now["reading_at"] is None:
        return "not read yet"
    age_s = now["t"] - now["reading_at"]
    if age_s > FRESH_S:
        return f"no reading for {age_s:.0f} s"
    base, shed = now["base_power_kw"], now["shed_kw"]
    if now["power_kw"] is None:
        return f"not known, the main meter cannot be read; shed {shed:.2f} kW"
    return f"{now['power_kw']:.2f} kW = base {base:.2f} - shed {shed:.2f}"


def _event(event: dict[str, Any], clock: SiteClock) -> str:
    """The terms of an event, and how much of it is met now."""
    requested_kw, required_kw = event["requested_kw"], event["required_kw"]
    end = clock.text(event["end"])
    line = f"{event['id']} {event['label'].lower()}, {requested_kw:.2f} kW until {end}"
    if not required_kw:
        return line
    if event["delivery"] == "superseded":
        return f"{line}, another event asks for more"
    if event["measured_kw"] is None:
        return f"{line}, not measured now"
    text = f"{line}, {event['measured_kw']:.2f} of {required_kw:.2f} kW shed now"
    by_person_kw = event["by_person_kw"]
    text += f", plus {by_person_kw:.2f} kW switched off by people" if by_person_kw else ""
    possible = event["possible_kw"]
    short = f", only {possible:.2f} kW possible" if possible < required_kw * ENOUGH else ""
    return f"{text}{short}{', on target' if event['on_target'] and not short else ''}"


def _held(circuit: dict[str, Any], clock: SiteClock) -> str:
    """How much a circuit sheds, and when it returns."""
    how, at = circuit["back_how"], circuit["back_at"]
    when = f" until {clock.text(at)}" if at else ""
    why = f", back {WAYS[how]}" if how not in (None, "event", "turn") else ""
    return f"{circuit['name']} -{circuit['shed_kw']:.2f}{when}{why}"


def _link(link: dict[str, Any]) -> str:
    parts = [f"{link['state']}, {link['broker']}"]
    if link["detail"]:
        parts.append(link["detail"])
    if link["denied"]:
        parts.append(f"the broker does not allow {', '.join(link['denied'])}")
    return "; ".join(parts)


def _simulated(now: dict[str, Any]) -> str:
    """Which circuits are not real."""
    names = [c["name"] for c in now["circuits"] if c["simulated"]]
    if not names:
        return ""
    return (
        ", all simulated" if len(names) == len(now["circuits"]) else f", simulated: {_few(names)}"
    )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"{', '.join(names[:FEW])}{more}"


def _devices(now: dict[str, Any], clock: SiteClock) -> Iterator[str]:
    """The device of each circuit that has one, the main meter, and links that are down."""
    for circuit in now["circuits"]:
        if (device := circuit["device"]) is not None:
            said = f"{_age(now, circuit['read_at'])}{_last_command(device, clock)}"
            yield f"device   {circuit['name']}: {_device(device)}, {said}"
    if (main := now["main_meter"]) is not None:
        yield f"device   main meter: {_device(main)}, {_age(now, main['read_at'])}"
    for link in now["device_links"]:
        if link["up"] is False:
            since = f"down since {clock.text(link['since'])}"
            yield f"FAULT    link {link['id']}: {since}; {link['fault']}"


def _device(device: dict[str, Any]) -> str:
    return f"{device['title']}, {device['address']}"


def _age(now: dict[str, Any], read_at: float | None) -> str:
    return "not read yet" if read_at is None else f"read {max(0, now['t'] - read_at):.0f} s ago"


def _last_command(device: dict[str, Any], clock: SiteClock) -> str:
    told = device["last_command"]
    if told is None:
        return ""
    seen = {True: "read back", False: "NOT read back", None: "not read back yet"}
    return f"; told to be {told['what']} {clock.text(told['at'])}, {seen[told['read_back']]}"


def _last_switch(now: dict[str, Any], clock: SiteClock) -> str:
    """Who last switched a circuit, and when."""
    switched = [c for c in now["circuits"] if c["switched_at"]]
    if not switched:
        return ""
    last = max(switched, key=lambda c: float(c["switched_at"]))
    word, by = "on" if last["enabled"] else "off", last["switched_by"]
    when = clock.text(last["switched_at"])
    return f"; last change: {last['name']} {word} by {BY.get(by, by)}, {when}"


def events(args: argparse.Namespace) -> int:
    """Print the current events, and the past ones that are remembered."""
    try:
        running = running_controller(find_running(args.file, args.state))
        _, body = call(running, "GET", "/api/v1/events", None)
        clock = of_running(running)
    except NoControllerError as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    before = [event for event in body["past"] if not event["live"]]
    if args.json:
        print(json.dumps({"events": body["events"], "past": before}))
        return DONE
    for e in body["events"]:
        span = clock.span(e["start"], e["end"])
        print(f"{e['label'].lower():<11} {span}  {e['requested_kw']:.2f} kW  {_called(e)}")
    for e in before:
        print(f"{'over':<11} {clock.span(e['start'], e['end'])}  {'':>7}  {_called(e)}")
    if not body["events"] and not before:
        print("no events yet")
    return DONE


def _called(event: dict[str, Any]) -> str:
    return f"{event['id']}, called by {BY.get(event['source'], event['source'])}"


def log(args: argparse.Namespace) -> int:
    """Print the decisions in the journal; also works without a controller."""
    folder = state_folder(args.file, site_id(args.file), args.state)
    if args.csv:
        return _print_audit(folder, of_file(args.file))
    file = folder / "journal.db"
    if not file.exists():
        print(f"venctl: no decisions are recorded yet: {file} does not exist", file=sys.stderr)
        return NOBODY
    try:
        _print_decisions(file, args)
    except sqlite3.Error as error:
        raise OSError(f"{file} cannot be read: {error}") from None
    return DONE


def _print_audit(folder: Path, clock: SiteClock) -> int:
    """Print who requested what in the last 13 months, as CSV."""
    out = csv.DictWriter(sys.stdout, AUDITED, extrasaction="ignore", lineterminator="\n")
    out.writeheader()
    for row in audited(folder):
        request = json.dumps(row.get("asked") or {}, ensure_ascii=False)
        out.writerow({**row, "at": clock.text(row.get("at_ms", 0) / 1000), "asked": request})
    return DONE


def _print_decisions(file: Path, args: argparse.Namespace) -> None:
    db, clock = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True), of_file(args.file)
    seen, most = 0, args.lines
    while True:
        rows = db.execute(
            "SELECT seq, at_ms, trigger, effects FROM decision WHERE seq > ? "
            "ORDER BY seq DESC LIMIT ?",
            (seen, most),
        ).fetchall()
        for seq, at_ms, trigger, effects in reversed(rows):
            seen = seq
            if args.json:
                did = effects.splitlines()
                print(json.dumps({"seq": seq, "at_ms": at_ms, "trigger": trigger, "effects": did}))
            else:
                print("\n".join(_decision(clock.text(at_ms / 1000), trigger, effects)))
        if not args.follow:
            return
        most = ALL
        sys.stdout.flush()
        time.sleep(0.5)


def _decision(when: str, trigger: str, effects: str) -> list[str]:
    return [f"{when}  {trigger}", *(f"{'':<21}-> {effect}" for effect in effects.splitlines())]


def env(args: argparse.Namespace) -> int:
    """Print the environment that makes `aws iot-data` use the stand-in."""
    folder = state_folder(args.file, site_id(args.file), args.state)
    running = running_info(folder) or {}
    data, tls = running.get("data"), running.get("tls")
    if data is None:
        print("venctl: no controller with a stand-in is running for this ven.yaml", file=sys.stderr)
        return NOBODY
    variables = {
        "AWS_ENDPOINT_URL_IOT_DATA_PLANE": f"{'https' if tls else 'http'}://{data}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-west-2",
        **({"AWS_CA_BUNDLE": tls["ca"]} if tls else {}),
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    print(json.dumps(variables) if args.json else "\n".join(lines))
    return DONE
