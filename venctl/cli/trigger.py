"""`venctl trigger`: a command over HTTP to the local controller, or over MQTT to any."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from ..folder.state_folder import Running, find_running
from . import DONE, NOBODY, REFUSED
from .kit.clock import SiteClock, of_running, over_mqtt
from .kit.format import millis_of, watts_of
from .kit.http import NoControllerError, call, running_controller

ENDS = ("restore", "all-back", "cancel", "opt-out")


def trigger(args: argparse.Namespace) -> int:
    """Send one command and print its ack; returns 1 if it was refused."""
    if args.via == "mqtt" or (args.via is None and args.endpoint):
        from .remote import send

        clock = over_mqtt(args)
        # Dated, because the broker may deliver it late: the VEN must tell old from new.
        body = {**command(args, lambda: clock), "issued_at": round(time.time(), 3)}
        return send(args, body, clock)
    try:
        running = running_controller(find_running(args.file, args.state))
        clock_of = cache(partial(of_running, running))
        _, ack = call(running, "POST", "/api/v1/commands", command(args, clock_of))
        if ack.get("status") not in (None, "rejected") and args.wait and args.what == "event":
            _wait(running, ack["event_id"])
        return answer(ack, args.json, clock_of)
    except NoControllerError as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY


def command(args: argparse.Namespace, clock_of: Callable[[], SiteClock]) -> dict[str, Any]:
    """The command for these arguments, as it is sent.

    The clock is only fetched if a time was typed, because it may cost a request.
    """
    body: dict[str, Any] = {"correlationId": args.corr_id or f"cli-{secrets.token_hex(6)}"}
    if args.ven_id:
        body["venId"] = args.ven_id
    if args.id:
        body["event_id"] = args.id
    if args.what in ENDS:
        body |= {"confirm_operator": True} if args.confirm else {}
        body |= {"reason": args.reason} if args.reason else {}
    match args.what:
        case "cancel" if not args.id:
            raise ValueError("cancel needs the event's id: venctl trigger cancel --id evt-1")
        case "event":
            body |= {"op": "event", "shed_kw": _shed_kw(args), "duration_sec": _duration_s(args)}
            if args.confirm:
                body["confirm_operator"] = True
            if args.at:
                body["start_ts"] = clock_of().epoch_s(args.at)
            return {name: value for name, value in body.items() if value is not None}
        case "circuit":
            if not args.circuit or not args.position:
                raise ValueError(
                    "circuit needs a circuit and on or off: venctl trigger circuit ev1 off"
                )
            body |= {"op": "setLoad", "loadId": args.circuit, "enabled": args.position == "on"}
            return body | ({"confirm_critical": True} if args.confirm else {})
        case "all-back":
            return body | {"op": "all_back"}
        case "opt-out":
            if not args.id:
                raise ValueError("opt-out needs the event's id: venctl trigger opt-out --id evt-1")
            return body | {"op": "optOut"} | ({"loadId": args.only} if args.only else {})
        case "opt-in":
            if not args.id or not args.only:
                example = "venctl trigger opt-in --id evt-1 --circuit ev1"
                raise ValueError(f"opt-in needs the event's id and a circuit: {example}")
            return body | {"op": "optOut", "loadId": args.only, "out": False}
        case "lock" | "unlock":
            if not args.circuit:
                raise ValueError(f"{args.what} needs a circuit: venctl trigger {args.what} ev1")
            return body | {"op": "setLock", "loadId": args.circuit, "locked": args.what == "lock"}
    return body | {"op": args.what}


def answer(ack: dict[str, Any], as_json: bool, clock_of: Callable[[], SiteClock]) -> int:
    """Print an ack as text or JSON; the clock is only fetched if the ack has a time."""
    refused = ack.get("status", "rejected") == "rejected" or "op" not in ack
    if as_json:
        print(json.dumps(ack, ensure_ascii=False))
    elif refused:
        why = ack.get("detail") or ack.get("title") or ack.get("reason") or "refused"
        print(f"rejected: {ack.get('reason', ack.get('code', ''))}: {why}", file=sys.stderr)
    else:
        print("\n".join(_lines(ack, clock_of)))
    return REFUSED if refused else DONE


def _lines(ack: dict[str, Any], clock_of: Callable[[], SiteClock]) -> list[str]:
    lines = [f"{ack['op']} {ack['status']}" + (f"  {ack['event_id']}" if "event_id" in ack else "")]
    if ack["status"] == "duplicate":
        another = "; a new event needs a new --id" if ack["op"] == "event" else ""
        lines.append(f"nothing was done: this command was already answered{another}")
    if "start_ts" in ack:
        lines.append(f"runs   {clock_of().span(ack['start_ts'], ack['end_ts'])}")
    if "would_shed_kw" in ack:
        lines.append(f"observe mode: nothing is shed; it would shed {_would(ack)}")
    elif "actual_shed_kw" in ack:
        lines.append(f"shed   {_gets(ack['actual_shed_kw'], ack['requested_shed_kw'])}")
    for circuit in ack.get("circuits_curtailed", []):
        lines.append(
            f"  {circuit['name']:<14} {circuit['original_kw']:.2f} -> {circuit['final_kw']:.2f} kW"
            f"  (shed {circuit['curtailed_kw']:.2f})"
        )
    if "shortfall_kw" in ack:
        lines.append(f"short  {ack['shortfall_kw']:.2f} kW: no circuit can shed more")
    if ack.get("stored") is False:
        lines.append(
            "not stored: the command was carried out, but a crash would lose it; see `venctl state`"
        )
    return lines


def _would(ack: dict[str, Any]) -> str:
    return _gets(ack["would_shed_kw"], ack["requested_shed_kw"])


def _gets(shed_kw: float, asked_kw: float) -> str:
    """How much of what the site sheds counts for this event; the rest is other events' or steps."""
    line = f"{min(shed_kw, asked_kw):.2f} of {asked_kw:.2f} kW"
    return f"{line}, {shed_kw:.2f} kW in total" if shed_kw - asked_kw >= 0.005 else line


def _shed_kw(args: argparse.Namespace) -> float:
    if (args.shed is None) == (args.shed_kw is None):
        raise ValueError('give the amount to shed with one option: --shed "2 kW" or --shed-kw 2')
    return float(args.shed_kw) if args.shed is None else watts_of(args.shed) / 1000


def _duration_s(args: argparse.Namespace) -> float | None:
    if args.length is not None:
        return millis_of(args.length) / 1000
    return None if args.duration_sec is None else float(args.duration_sec)


def _wait(running: Running, event_id: str) -> None:
    while any(event["id"] == event_id for event in _live(running)):
        time.sleep(0.5)


def _live(running: Running) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = call(running, "GET", "/api/v1/state", None)[1]["events"]
    return events
