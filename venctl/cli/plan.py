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
    request = {"shed_kw": watts_of(args.shed) / 1000, "duration_s": millis_of(args.length) / 1000}
    try:
        running = running_controller(find_running(args.file, args.state))
        status, preview = call(running, "GET", f"/api/v1/preview?{urlencode(request)}", None)
        clock = of_running(running)
    except TokenRefusedError as error:
        print(f"venctl: {error}", file=sys.stderr)
        return NOBODY
    except NoControllerError:
        status, preview = 200, _of_file(args, request)
        clock = of_file(args.file)
    if status != 200:
        print(f"venctl: {preview.get('detail') or preview.get('title')}", file=sys.stderr)
        return REFUSED
    print(json.dumps(preview) if args.json else "\n".join(_lines(preview, clock)))
    return DONE


def _of_file(args: argparse.Namespace, request: dict[str, float]) -> dict[str, Any]:
    """The same preview for a site that is not running, each circuit at its typical load."""
    from statemachine.curtail.estimate import typical_memory
    from statemachine.state.triggers import DrEvent
    from statemachine.wire.commands import Origin, command_from
    from web.planning import preview

    from .kit.site import site

    spec = site(args.file)
    body = {"op": "event", "shed_kw": request["shed_kw"], "duration_sec": request["duration_s"]}
    event = command_from(body, spec.site.id, Origin("cli", "", 0, 0))
    if not isinstance(event, DrEvent):
        raise ValueError(getattr(event, "detail", "the controller cannot read this as an event"))
    return {**preview(spec, typical_memory(spec), event), "typical": True}


def _lines(preview: dict[str, Any], clock: SiteClock) -> list[str]:
    return [*_head(preview, clock), *_circuits(preview), "", *_others(preview)]


def _head(preview: dict[str, Any], clock: SiteClock) -> list[str]:
    lines = []
    if "typical" in preview:
        lines.append("no controller is running; each circuit is assumed at its typical load")
    if preview["mode"] == "observe":
        lines.append("observe mode: nothing would be switched")
    if preview["covered_until"]:
        lines.append(_covered(preview, clock))
        return lines + _refused(preview)
    gets = min(preview["shed_kw"], preview["asked_kw"])
    line = f"sheds {gets:.2f} of {preview['asked_kw']:.2f} kW for {_length(preview['duration_s'])}"
    line += _course(preview)
    line += f", {preview['shortfall_kw']:.2f} kW short" if preview["shortfall_kw"] else ""
    over_kw = preview["shed_kw"] - gets
    if over_kw >= 0.005:
        line += f", {over_kw:.2f} kW more than requested because circuits shed in steps"
    line += f", starting {clock.text(preview['starts_at'])}" if preview["starts_at"] else ""
    lines.append(line)
    return lines + _refused(preview)


def _course(preview: dict[str, Any]) -> str:
    before_kw, after_kw = preview["power_before_kw"], preview["power_after_kw"]
    if before_kw is None:
        return "; what the site draws is not known"
    return f", from {before_kw:.2f} to {after_kw:.2f} kW"


def _covered(preview: dict[str, Any], clock: SiteClock) -> str:
    """The effect of an event that running events already cover: none while they run."""
    covered_until, ends_at = preview["covered_until"], preview["ends_at"]
    line = f"nothing would change until {clock.text(min(covered_until, ends_at))}"
    line += f", because running events already shed {preview['running_kw']:.2f} kW"
    if ends_at <= covered_until:
        return line
    return f"{line}; then it would shed {preview['asked_kw']:.2f} kW until {clock.text(ends_at)}"


def _refused(preview: dict[str, Any]) -> list[str]:
    refusal = preview["refusal"]
    return [f"the event would be refused: {refusal['detail']}"] if refusal else []


def _circuits(preview: dict[str, Any]) -> list[str]:
    wide = max((len(circuit["name"]) for circuit in preview["circuits"]), default=0)
    return [
        f"  {c['name']:<{wide}}  {c['free_kw']:5.2f} -> {c['left_kw']:5.2f} kW  {c['reason']}"
        for c in preview["circuits"]
    ]


def _others(preview: dict[str, Any]) -> list[str]:
    names = {circuit["id"]: circuit["name"] for circuit in preview["circuits"]}
    lines = ["  asked    shed   short  circuits (! = critical)"]
    for other in preview["others"]:
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
