"""Commands about a ven.yaml: check, verify, graph, init."""

from __future__ import annotations

import argparse
import json
import sys

from statemachine import Spec, SpecError, read
from statemachine.actions import ACTIONS
from statemachine.diagram import mermaid
from statemachine.guards import GUARDS
from statemachine.reader import standard
from statemachine.report import largest
from statemachine.triggers import EVENT_TRIGGERS, SHADOW_TRIGGERS

from ..place import state_folder
from . import DONE, REFUSED, USAGE
from .editing import switched

SMALL = """\
site: {{id: {id}, service: 24 kW}}
circuits:                          # first to give way on top; critical ones are asked last
  heater1: {{type: heater, rated: 1.5 kW, shed: 100 %}}
  lights1: {{type: lights, rated: 0.4 kW, shed: 70 %}}
  ev1:     {{type: ev,     rated: 7.2 kW, shed: 100 %, enabled: false}}
  hvac1:   {{type: hvac,   rated: 3.5 kW, shed: 20 %, critical: true}}
  fridge1: {{type: fridge, rated: 0.2 kW, shed: 20 %, critical: true}}
limits: {{longest_event: 4 h}}
"""


def check(args: argparse.Namespace) -> int:
    """Everything that is wrong with a ven.yaml, each with its place and what to write instead."""
    if args.names:
        _names(args.json)
        return DONE
    spec = _read(args)
    if spec is None:
        return USAGE
    shed = sum(circuit.shed_percent > 0 for circuit in spec.circuits.values())
    rows = len(spec.event.transitions) + len(spec.shadow.transitions)
    said = {"circuits": len(spec.circuits), "may_be_shed": shed, "rows": rows, "faults": []}
    words = f"{args.file}: {len(spec.circuits)} circuits, {shed} may be shed, {rows} rows; no fault"
    sizes = largest(spec)
    notes = switched(spec, state_folder(args.file, spec.site.id, args.state))
    if args.json:
        print(json.dumps({**said, "shadow_bytes": sizes, "switched": notes}))
        return DONE
    print(words)
    for key, size in sizes.items():
        print(f"  shadow {key or 'classic':<12} at most {size:,} of 8,192 bytes")
    for note in notes:
        print(note)
    return DONE


def _names(as_json: bool) -> None:
    said = {
        "guards": sorted(GUARDS),
        "actions": sorted(ACTIONS),
        "event": list(EVENT_TRIGGERS),
        "shadow": list(SHADOW_TRIGGERS),
    }
    if as_json:
        print(json.dumps(said))
        return
    for kind, names in said.items():
        print(f"{kind:<8} {', '.join(names)}")


def verify(args: argparse.Namespace) -> int:
    """Try the rules on this site; 1 if one is broken."""
    from ..verify import verify as tried

    spec = _read(args)
    if spec is None:
        return USAGE
    broken = tried(spec, args.examples, args.seed)
    for rule in broken:
        print(rule, file=sys.stderr)
    if not broken:
        print("every rule held")
    return REFUSED if broken else DONE


def graph(args: argparse.Namespace) -> int:
    """A chart as mermaid, or the default chart as YAML."""
    if args.yaml:
        head, key, rest = standard().partition("shadow:\n")
        form, text = "yaml", key + rest if args.chart == "shadow" else head
    else:
        spec = _read(args)
        if spec is None:
            return USAGE
        form, text = "mermaid", mermaid(spec.event if args.chart == "event" else spec.shadow)
    print(json.dumps({"chart": args.chart, form: text}) if args.json else text.rstrip("\n"))
    return DONE


def init(args: argparse.Namespace) -> int:
    """Write a ven.yaml of eight lines, never over one that is there."""
    text = SMALL.format(id=args.id)
    read(text, str(args.file))
    try:
        with args.file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        print(f"venctl: {args.file} is there already; nothing was changed", file=sys.stderr)
        return REFUSED
    words = f"{args.file} written; now: venctl run {args.file}"
    print(json.dumps({"file": str(args.file)}) if args.json else words)
    return DONE


def _read(args: argparse.Namespace) -> Spec | None:
    try:
        return read(args.file.read_text("utf-8"), str(args.file))
    except SpecError as error:
        if getattr(args, "json", False):
            faults = [
                {
                    "file": f.mark.file,
                    "line": f.mark.line,
                    "column": f.mark.column,
                    "problem": f.problem,
                    "hint": f.hint,
                }
                for f in error.faults
            ]
            print(json.dumps({"faults": faults}))
        else:
            print("\n".join(fault.pretty() for fault in error.faults), file=sys.stderr)
        return None
