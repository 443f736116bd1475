"""`venctl trigger`: over HTTP to the running controller, or over MQTT from any machine."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from ..folder.state_folder import Running, find
from . import DONE, NOBODY, REFUSED
from .kit.clock import Clock, of_running, over_mqtt
from .kit.http import NobodyAnswers, call, found
from .kit.words import millis_of, watts_of

ENDS = ("restore", "all-back", "cancel", "opt-out")


def trigger(args: argparse.Namespace) -> int:
    """Send one command, print its ack; 1 if it was refused."""
    if args.via == "mqtt" or (args.via is None and args.endpoint):
        from .remote import send

        clock = over_mqtt(args)
        # Dated, so that one which waits at the broker is not taken for a new one, nor the reverse.
        said = {**command(args, lambda: clock), "issued_at": round(time.time(), 3)}
        return send(args, said, clock)
    try:
        running = found(find(args.file, args.state))
        clock_of = cache(partial(of_running, running))
        _, ack = call(running, "POST", "/api/v1/commands", command(args, clock_of))
        if ack.get("status") not in (None, "rejected") and args.wait and args.what == "event":
            _wait(running, ack["event_id"])
        return answer(ack, args.json, clock_of)
    except NobodyAnswers as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY


def command(args: argparse.Namespace, clock_of: Callable[[], Clock]) -> dict[str, Any]:
    """The command that the arguments amount to, as it goes over the wire.

    The clock is asked for only where a time was typed, for it may cost a request.
    """
    said: dict[str, Any] = {"correlationId": args.corr_id or f"cli-{secrets.token_hex(6)}"}
    if args.ven_id:
        said["venId"] = args.ven_id
    if args.id:
        said["event_id"] = args.id
    if args.what in ENDS:
        said |= {"confirm_operator": True} if args.confirm else {}
        said |= {"reason": args.reason} if args.reason else {}
    match args.what:
        case "cancel" if not args.id:
            raise ValueError("which one? Write it like: venctl trigger cancel --id evt-1")
        case "event":
            said |= {"op": "event", "shed_kw": _shed_kw(args), "duration_sec": _duration_s(args)}
            if args.confirm:
                said["confirm_operator"] = True
            if args.at:
                said["start_ts"] = clock_of().epoch_s(args.at)
            return {name: value for name, value in said.items() if value is not None}
        case "circuit":
            if not args.circuit or not args.position:
                raise ValueError("write it like: venctl trigger circuit ev1 off")
            said |= {"op": "setLoad", "loadId": args.circuit, "enabled": args.position == "on"}
            return said | ({"confirm_critical": True} if args.confirm else {})
        case "all-back":
            return said | {"op": "all_back"}
        case "opt-out":
            if not args.id:
                raise ValueError("which event? Write it like: venctl trigger opt-out --id evt-1")
            return said | {"op": "optOut"} | ({"loadId": args.only} if args.only else {})
        case "opt-in":
            if not args.id or not args.only:
                raise ValueError("write it like: venctl trigger opt-in --id evt-1 --circuit ev1")
            return said | {"op": "optOut", "loadId": args.only, "out": False}
        case "lock" | "unlock":
            if not args.circuit:
                raise ValueError(f"write it like: venctl trigger {args.what} ev1")
            return said | {"op": "setLock", "loadId": args.circuit, "locked": args.what == "lock"}
    return said | {"op": args.what}


def answer(ack: dict[str, Any], as_json: bool, clock_of: Callable[[], Clock]) -> int:
    """Print an ack for people or for programs; the clock is asked for where it holds a time."""
    refused = ack.get("status", "rejected") == "rejected" or "op" not in ack
    if as_json:
        print(json.dumps(ack, ensure_ascii=False))
    elif refused:
        why = ack.get("detail") or ack.get("title") or ack.get("reason") or "refused"
        print(f"rejected: {ack.get('reason', ack.get('code', ''))}: {why}", file=sys.stderr)
    else:
        print("\n".join(_lines(ack, clock_of)))
    return REFUSED if refused else DONE


def _lines(ack: dict[str, Any], clock_of: Callable[[], Clock]) -> list[str]:
    lines = [f"{ack['op']} {ack['status']}" + (f"  {ack['event_id']}" if "event_id" in ack else "")]
    if ack["status"] == "duplicate":
        another = "; another event needs another --id" if ack["op"] == "event" else ""
        lines.append(f"nothing new was done: the same command was answered before{another}")
    if "start_ts" in ack:
        lines.append(f"runs   {clock_of().span(ack['start_ts'], ack['end_ts'])}")
    if "would_shed_kw" in ack:
        lines.append(f"this site only observes: nothing is shed; it would be {_would(ack)}")
    elif "actual_shed_kw" in ack:
        lines.append(f"shed   {_gets(ack['actual_shed_kw'], ack['requested_shed_kw'])}")
    for circuit in ack.get("circuits_curtailed", []):
        lines.append(
            f"  {circuit['name']:<14} {circuit['original_kw']:.2f} -> {circuit['final_kw']:.2f} kW"
            f"  (shed {circuit['curtailed_kw']:.2f})"
        )
    if "shortfall_kw" in ack:
        lines.append(f"short  {ack['shortfall_kw']:.2f} kW: no circuit has more to give")
    if ack.get("stored") is False:
        lines.append("not stored: it is done, and a crash would forget it; see `venctl state`")
    return lines


def _would(ack: dict[str, Any]) -> str:
    return _gets(ack["would_shed_kw"], ack["requested_shed_kw"])


def _gets(shed_kw: float, asked_kw: float) -> str:
    """Of what the site sheds, for other events and in whole steps too, what the event gets."""
    line = f"{min(shed_kw, asked_kw):.2f} of {asked_kw:.2f} kW"
    return f"{line}, {shed_kw:.2f} kW in all" if shed_kw - asked_kw >= 0.005 else line


def _shed_kw(args: argparse.Namespace) -> float:
    if (args.shed is None) == (args.shed_kw is None):
        raise ValueError('how much? Write --shed "2 kW"')
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
