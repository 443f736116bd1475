"""`venctl graph`: a state chart as a diagram."""

from __future__ import annotations

import argparse
import json
import sys

from statemachine import Spec, SpecError, read
from statemachine.audit.reader import standard_charts
from statemachine.describe.diagram import mermaid

from ..base.private_files import read_text
from ..devices.catalog import devices_beside
from . import DONE, USAGE
from .check import as_json


def graph(args: argparse.Namespace) -> int:
    """Print a chart as Mermaid, or the default chart as YAML."""
    if args.yaml:
        head, key, rest = standard_charts().partition("shadow:\n")
        form, text = "yaml", key + rest if args.chart == "shadow" else head
    else:
        spec = _read(args)
        if spec is None:
            return USAGE
        form, text = "mermaid", mermaid(spec.event if args.chart == "event" else spec.shadow)
    print(json.dumps({"chart": args.chart, form: text}) if args.json else text.rstrip("\n"))
    return DONE


def _read(args: argparse.Namespace) -> Spec | None:
    try:
        return read(read_text(args.file), str(args.file), devices_beside(args.file))
    except SpecError as error:
        if args.json:
            print(json.dumps({"faults": as_json(error.faults)}))
        else:
            print("\n".join(fault.pretty() for fault in error.faults), file=sys.stderr)
        return None
