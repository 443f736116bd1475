"""`venctl check` and `venctl schema`: errors in a ven.yaml, and what it may contain."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from statemachine.audit.reader import examine
from statemachine.device.declaration import DeviceDeclaration, device_of
from statemachine.kit.errors import Finding
from statemachine.shadow.report import largest_bytes
from statemachine.site.spec import Spec

from ..base.extras import missing
from ..base.private_files import read_text
from ..commissioning.results import results_line
from ..devices.catalog import FOLDER, catalog, devices_beside
from ..folder.state_folder import state_folder
from . import DONE, USAGE
from .kit.clock import of_zone
from .reload import switched


def check(args: argparse.Namespace) -> int:
    """List every error in a ven.yaml, with its place and what to write instead."""
    if args.names or args.keys:
        print(_names(args.json) if args.names else _keys(args.json))
        return DONE
    spec, faults = _examined(args)
    if spec is None or not args.defaults:
        _tell(args, spec, faults)
    else:
        print(_defaults(args, spec), end="")
    return USAGE if spec is None else DONE


def _examined(args: argparse.Namespace) -> tuple[Spec | None, list[Finding]]:
    """The site, and every finding about its file and about the templates beside it."""
    devices = catalog(args.file.parent / FOLDER)
    spec, faults = examine(read_text(args.file), str(args.file), devices.templates)
    return None if devices.faults else spec, [*devices.faults, *faults]


def schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of a ven.yaml, which editors use for completion."""
    from statemachine.describe.schema import schema as made

    print(
        json.dumps(
            made(devices_beside(args.file)), indent=None if args.json else 2, ensure_ascii=False
        )
    )
    return DONE


def as_json(faults: Sequence[Finding]) -> list[dict[str, object]]:
    """Faults for a tool: place, kind, severity, problem and hint."""
    return [
        {
            "file": fault.mark.file,
            "line": fault.mark.line,
            "column": fault.mark.column,
            "kind": fault.kind,
            "severity": fault.severity,
            "problem": fault.problem,
            "hint": fault.hint,
        }
        for fault in faults
    ]


def _tell(args: argparse.Namespace, spec: Spec | None, faults: Sequence[Finding]) -> None:
    if args.json:
        counts = {**_counts(spec), **_noted(args, spec)} if spec else {}
        print(json.dumps({**counts, "faults": as_json(faults)}))
        return
    for fault in faults:
        print(fault.pretty(), file=sys.stderr)
    errors = sum(fault.severity == "error" for fault in faults)
    totals = _counted(errors, "error") + _counted(len(faults) - errors, "warning")
    if spec is None:
        print(f"{args.file}: {' and '.join(totals)}", file=sys.stderr)
        return
    counts = _counts(spec)
    words = f"{counts['circuits']} circuits, {counts['may_be_shed']} may be shed"
    print(f"{args.file}: {words}; {' and '.join(totals) or 'no errors'}")
    for key, size in counts["shadow_bytes"].items():
        print(f"  shadow {key or 'classic':<12} uses at most {size:,} of 8,192 bytes")
    noted = _noted(args, spec)
    for note in [*noted["switched"], *_replaced(args, spec), *_uninstalled(spec), *noted["tested"]]:
        print(note)


def _replaced(args: argparse.Namespace, spec: Spec) -> list[str]:
    """One line for each device of the site whose template is the user's and not the shipped one."""
    replaced = catalog(args.file.parent / FOLDER).replaced
    used = {device.device for device in _devices(spec)}
    return [
        f"{name} is your own template from {FOLDER}/, in place of the shipped one"
        for name in sorted(used & replaced)
    ]


def _uninstalled(spec: Spec) -> list[str]:
    """One line for each protocol of the site whose library is not installed."""
    spoken = {device.link.speaks for device in _devices(spec)}
    return [line for speaks in sorted(spoken) if (line := missing(speaks)) is not None]


def _devices(spec: Spec) -> list[DeviceDeclaration]:
    texts = [one.driver for one in spec.circuits.values()]
    texts += [spec.meter or "", *(one.meter for one in spec.circuits.values())]
    return [device for text in texts if (device := device_of(text)) is not None]


def _noted(args: argparse.Namespace, spec: Spec) -> dict[str, list[str]]:
    """Which circuits people switched, and what the last test of the wired ones showed."""
    folder = state_folder(args.file, spec.site.id, args.state)
    line = results_line(spec, folder, of_zone(spec.site.timezone).text)
    return {"switched": switched(spec, folder), "tested": [line] if line else []}


def _counted(number: int, what: str) -> list[str]:
    if number == 0:
        return []
    return [f"{number} {what}" if number == 1 else f"{number} {what}s"]


def _counts(spec: Spec) -> dict[str, Any]:
    return {
        "circuits": len(spec.circuits),
        "may_be_shed": sum(circuit.shed_percent > 0 for circuit in spec.circuits.values()),
        "rows": len(spec.event.transitions) + len(spec.shadow.transitions),
        "shadow_bytes": largest_bytes(spec),
    }


def _defaults(args: argparse.Namespace, spec: Spec) -> str:
    from statemachine.describe.writer import to_yaml, values_in_force

    return json.dumps(values_in_force(spec)) + "\n" if args.json else to_yaml(spec)


def _names(as_json: bool) -> str:
    from statemachine.chart.names import all_names

    rows = all_names()
    if as_json:
        return json.dumps({"names": [asdict(row) for row in rows]})
    return _table(
        ("chart", "what", "name", "works on", "meaning"),
        [
            (row.chart, row.what, f"`{row.name}`", ", ".join(row.triggers), row.meaning)
            for row in rows
        ],
    )


def _keys(as_json: bool) -> str:
    from statemachine.describe.keys import all_keys

    rows = [(key.path, key.form, key.default, key.meaning) for key in all_keys()]
    heads = ("key", "written", "default", "meaning")
    if as_json:
        return json.dumps({"keys": [dict(zip(heads, row, strict=True)) for row in rows]})
    return _table(heads, [(f"`{path}`", *rest) for path, *rest in rows])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, as in docs/ven-yaml.md."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines)
