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

from . import DONE, REFUSED, USAGE

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
        print("guards  ", ", ".join(sorted(GUARDS)))
        print("actions ", ", ".join(sorted(ACTIONS)))
        print("event   ", ", ".join(EVENT_TRIGGERS))
        print("shadow  ", ", ".join(SHADOW_TRIGGERS))
        return DONE
    spec = _read(args)
    if spec is None:
        return USAGE
    shed = sum(circuit.shed_percent > 0 for circuit in spec.circuits.values())
    rows = len(spec.event.transitions) + len(spec.shadow.transitions)
    said = {"circuits": len(spec.circuits), "may_be_shed": shed, "rows": rows, "faults": []}
    words = f"{args.file}: {len(spec.circuits)} circuits, {shed} may be shed, {rows} rows; no fault"
    sizes = largest(spec)
    print(json.dumps({**said, "shadow_bytes": sizes}) if args.json else words)
    if not args.json:
        for key, size in sizes.items():
            print(f"  shadow {key or 'classic':<12} at most {size:,} of 8,192 bytes")
    return DONE


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
        text = standard().partition("shadow:\n")
        print(text[1] + text[2] if args.chart == "shadow" else text[0], end="")
        return DONE
    spec = _read(args)
    if spec is None:
        return USAGE
    print(mermaid(spec.event if args.chart == "event" else spec.shadow))
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
    print(f"{args.file} written; now: venctl run {args.file}")
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
