"""`venctl devices`: the devices that a ven.yaml can name, and what each can do."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from statemachine.device.form import Parameter, Template
from statemachine.kit.errors import suggestion

from ..devices.catalog import FOLDER, Devices, catalog
from ..devices.listing import (
    UNTESTED,
    after_reboot,
    example,
    facts,
    lease,
    markdown,
    wanted,
    yes,
)
from . import DONE, USAGE
from .check import as_json


def devices(args: argparse.Namespace) -> int:
    """List the devices, or print everything about one of them.

    Returns 2 if a template of the user's own cannot be used; the others are printed all the same.
    """
    found = catalog(args.file.parent / FOLDER)
    if args.name is not None and args.name not in found.templates:
        hint = suggestion(args.name, found.templates)
        _complain(found, args.json)
        raise ValueError(f"no device is called {args.name!r}; {hint}")
    if args.json:
        print(json.dumps(_told(found, args.name)))
    elif args.table:
        print(markdown(found.templates.values()))
    elif args.name is not None:
        print("\n".join(_all_about(found.templates[args.name], args.name in found.replaced)))
    else:
        print("\n".join(_list(found)))
    _complain(found, args.json)
    return USAGE if found.faults else DONE


def _told(found: Devices, name: str | None) -> dict[str, Any]:
    names = list(found.templates) if name is None else [name]
    told = [
        {**facts(found.templates[one]), "replaces_shipped": one in found.replaced} for one in names
    ]
    return {"devices": told, "faults": as_json(found.faults)}


def _complain(found: Devices, as_json: bool) -> None:
    for fault in () if as_json else found.faults:
        print(fault.pretty(), file=sys.stderr)


def _list(found: Devices) -> list[str]:
    heads = ("device", "measures", "switches", "limits", "gives back", "what it is")
    rows = [
        (
            name,
            yes(one.measures),
            yes(one.switches),
            yes(one.limits),
            "-" if one.control == "none" else yes(one.gives_back),
            one.title + (" (your own)" if name in found.replaced else ""),
        )
        for name, one in found.templates.items()
    ]
    return _columns([heads, *rows])


def _all_about(template: Template, replaced: bool) -> list[str]:
    head = f"{template.device}: {template.title}"
    lines = [head + (", in place of the shipped one" if replaced else "")]
    lines += _columns(
        [
            ("  write", example(template)),
            ("  speaks", template.speaks),
            ("  measures", yes(template.measures)),
            ("  switches", yes(template.switches)),
            ("  limits", yes(template.limits)),
            ("  lease", lease(template)),
            ("  after a reboot", after_reboot(template)),
            ("  tested with", "; ".join(template.tested) or UNTESTED),
        ]
    )
    params = [(f"    {name}", _given(one), one.means) for name, one in template.params.items()]
    lines += ["  parameters", *_columns(params)] if params else []
    wants = [(f"    {name}", wanted(one), one.why) for name, one in template.wants.items()]
    lines += ["  wants", *_columns(wants)] if wants else []
    for title, told in (("notes", template.notes), ("sources", template.sources)):
        lines += [f"  {title}", *(f"    {text}" for text in told)] if told else []
    lines += ["  terms", f"    {template.terms}"] if template.terms else []
    return lines


def _given(parameter: Parameter) -> str:
    """Whether a parameter must be given, and what it is otherwise."""
    if parameter.default is None:
        return "needed"
    how = f"default {parameter.default}" if parameter.default else "may be left out"
    return f"{how}, secret" if parameter.secret else how


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    wide = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [_line(row, wide) for row in rows]


def _line(row: Sequence[str], wide: Sequence[int]) -> str:
    return "  ".join(_cells(row, wide)).rstrip()


def _cells(row: Sequence[str], wide: Sequence[int]) -> Iterator[str]:
    for cell, width in zip(row, wide, strict=True):
        yield f"{cell:<{width}}"
