"""`venctl plan`: what an event would do, on the running site or on the file alone."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.parse import urlencode

from ..folder.state_folder import find_running
from . import DONE, NOBODY, REFUSED
from .kit.clock import SiteClock, of_file, of_running
from .kit.format import millis_of, watts_of
from .kit.http import NoControllerError, TokenRefusedError, call, running_controller


def plan(args: argparse.Namespace) -> int:
    """Print how much each circuit would shed and why, and what other amounts would do."""
    asked = {"shed_kw": watts_of(args.shed) / 1000, "duration_s": millis_of(args.length) / 1000}
    try:
        running = running_controller(find_running(args.file, args.state))
        status, said = call(running, "GET", f"/api/v1/preview?{urlencode(asked)}", None)
        clock = of_running(running)
    except TokenRefusedError as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    except NoControllerError:
        status, said = 200, _of_file(args, asked)
        clock = of_file(args.file)
    if status != 200:
        print(f"venctl: {said.get('detail') or said.get('title')}", file=sys.stderr)
        return REFUSED
    print(json.dumps(said) if args.json else "\n".join(_lines(said, clock)))
    return DONE


def _of_file(args: argparse.Namespace, asked: dict[str, float]) -> dict[str, Any]:
    """The same preview for a site that is not running, each circuit at its typical load."""
    from statemachine.curtail.estimate import typical_memory
    from statemachine.state.triggers import DrEvent
    from statemachine.wire.commands import Origin, command_from
    from web.planning import preview

    from .kit.site import site

    spec = site(args.file)
    said = {"op": "event", "shed_kw": asked["shed_kw"], "duration_sec": asked["duration_s"]}
    event = command_from(said, spec.site.id, Origin("cli", "", 0, 0))
    if not isinstance(event, DrEvent):
        raise ValueError(getattr(event, "detail", "the controller cannot read this as an event"))
    return {**preview(spec, typical_memory(spec), event), "typical": True}


def _lines(said: dict[str, Any], clock: SiteClock) -> list[str]:
    return [*_head(said, clock), *_circuits(said), "", *_others(said)]


def _head(said: dict[str, Any], clock: SiteClock) -> list[str]:
    lines = []
    if "typical" in said:
        lines.append("no controller is running; each circuit is assumed at its typical load")
    if said["mode"] == "observe":
        lines.append("observe mode: nothing would be switched")
    if said["covered_until"]:
        lines.append(_covered(said, clock))
        return lines + _refused(said)
    gets = min(said["shed_kw"], said["asked_kw"])
    line = f"sheds {gets:.2f} of {said['asked_kw']:.2f} kW for {_length(said['duration_s'])}"
    line += f", from {said['power_before_kw']:.2f} to {said['power_after_kw']:.2f} kW"
    line += f", {said['shortfall_kw']:.2f} kW short" if said["shortfall_kw"] else ""
    over_kw = said["shed_kw"] - gets
    if over_kw >= 0.005:
        line += f", {over_kw:.2f} kW more than requested because circuits shed in steps"
    line += f", starting {clock.text(said['starts_at'])}" if said["starts_at"] else ""
    lines.append(line)
    return lines + _refused(said)


def _covered(said: dict[str, Any], clock: SiteClock) -> str:
    """The effect of an event that running events already cover: none while they run."""
    line = f"nothing would change until {clock.text(min(said['covered_until'], said['ends_at']))}"
    line += f", because running events already shed {said['running_kw']:.2f} kW"
    if said["ends_at"] <= said["covered_until"]:
        return line
    return (
        f"{line}; then it would shed {said['asked_kw']:.2f} kW until {clock.text(said['ends_at'])}"
    )


def _refused(said: dict[str, Any]) -> list[str]:
    refusal = said["refusal"]
    return [f"the event would be refused: {refusal['detail']}"] if refusal else []


def _circuits(said: dict[str, Any]) -> list[str]:
    wide = max((len(circuit["name"]) for circuit in said["circuits"]), default=0)
    return [
        f"  {c['name']:<{wide}}  {c['free_kw']:5.2f} -> {c['left_kw']:5.2f} kW  {c['reason']}"
        for c in said["circuits"]
    ]


def _others(said: dict[str, Any]) -> list[str]:
    names = {circuit["id"]: circuit["name"] for circuit in said["circuits"]}
    lines = ["  asked    shed   short  circuits (! = critical)"]
    for other in said["others"]:
        marks = dict.fromkeys(other["critical"], "!")
        who = ", ".join(names[id] + marks.get(id, "") for id in other["circuits"])
        short = f"{other['shortfall_kw']:.2f}" if other["shortfall_kw"] else "-"
        lines.append(
            f"  {other['asked_kw']:.0f} kW  {other['shed_kw']:7.2f} {short:>7}  {who or 'none'}"
        )
    return lines


def _length(seconds: float) -> str:
    from statemachine.kit.quantity import millis_text

    return millis_text(round(seconds * 1000))
