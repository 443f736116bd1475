"""`venctl init`: a first ven.yaml from flags, from answers on a terminal, or the smallest one."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from statemachine import SpecError, read
from statemachine.describe.writer import entry, scalar
from statemachine.site.panel import DWELL_MS

from ..devices.catalog import devices_beside
from . import DONE, REFUSED, USAGE

SMALL = """\
site: {{id: {id}, service: 24 kW}}
circuits:                          # shed from top to bottom; critical circuits last
  # Simulated until you name a device: driver: {{shelly: 192.168.1.40}}; see `venctl devices`
  heater1: {{type: heater, rated: 1.5 kW, shed: 100 %}}
  lights1: {{type: lights, rated: 0.4 kW, shed: 70 %}}
  ev1:     {{type: ev,     rated: 7.2 kW, shed: 100 %, enabled: false}}
  hvac1:   {{type: hvac,   rated: 3.5 kW, shed: 20 %, critical: true}}
  fridge1: {{type: fridge, rated: 0.2 kW, shed: 20 %, critical: true}}
limits: {{longest_event: 4 h}}
"""
LONGER = """\
# ven.yaml: one site. Change it, then run `venctl check`; `venctl check --keys` lists every setting.
# Write quantities with their unit: 1.5 kW, 5 min, 70 %. Settings you leave out use the defaults.

site:
  id: {id}    # AWS thing name, MQTT client id, and {{venId}} in every topic. Do not change it.
{name}  service: {service}    # main breaker; restoring circuits never exceeds it

# Circuits are shed from top to bottom, critical circuits last. `shed` is the largest part of its
# present draw that a circuit gives up. A circuit without `shed` is never shed.
# Circuits are simulated until you name their devices, such as `driver: {{shelly: 192.168.1.40}}`.
# `venctl devices` lists what can be named; a `meter` of the whole site is named in the same way:
# meter: {{homewizard: 192.168.1.30}}
circuits:
{circuits}

limits: {{longest_event: 4 h}}    # longer events are refused
"""
SCHEMA = "ven.schema.json"
_TYPE = re.compile(r"[a-zA-Z0-9_-]{1,24}")  # followed by a number, it is a circuit's id
# type: (what it is called, rated, shed, critical)
TYPICAL = {
    "water_heater": ("Water heater", "4.5 kW", "100 %", False),
    "heater": ("Heater", "1.5 kW", "100 %", False),
    "ev": ("EV charger", "7.2 kW", "100 %", False),
    "motor": ("Pool pump", "1.1 kW", "100 %", False),
    "lights": ("Lights", "0.4 kW", "70 %", False),
    "other": ("House load", "1 kW", "60 %", False),
    "hvac": ("Air conditioning", "3.5 kW", "20 %", True),
    "fridge": ("Fridge", "0.2 kW", "20 %", True),
}


@dataclass(frozen=True, slots=True)
class CircuitRequest:
    """A circuit as the user described it."""

    type: str
    rated: str
    shed: str
    critical: bool


def init(args: argparse.Namespace) -> int:
    """Write a ven.yaml; an existing file is never overwritten."""
    try:
        text = _text(args)
        read(text, str(args.file), devices_beside(args.file))
    except SpecError as error:
        print("\n".join(str(fault) for fault in error.faults), file=sys.stderr)
        return USAGE
    if args.schema:
        text = f"# yaml-language-server: $schema={SCHEMA}\n{text}"
    if not _fresh(args.file, text):
        print(f"venctl: {args.file} already exists; nothing was changed", file=sys.stderr)
        return REFUSED
    if args.schema:
        from statemachine.describe.schema import schema

        made = json.dumps(schema(devices_beside(args.file)), indent=2, ensure_ascii=False) + "\n"
        args.file.with_name(SCHEMA).write_text(made, encoding="utf-8")
    words = f"created {args.file}; next, run: venctl run {args.file}"
    print(json.dumps({"file": str(args.file)}) if args.json else words)
    return DONE


def _fresh(file: Path, text: str) -> bool:
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        return False
    return True


def _text(args: argparse.Namespace) -> str:
    if args.name or args.service or args.circuit:
        circuits = [_circuit(text) for text in args.circuit or ()] or _menu("2 3 7 8")
        return _longer(args.id, args.name, args.service or "24 kW", circuits)
    if sys.stdin.isatty() and sys.stdout.isatty() and not args.json:
        return _asked(args.id)
    return SMALL.format(id=scalar(args.id))


def _circuit(text: str) -> CircuitRequest:
    """Parse `heater:1.5kW:100%`, with `:critical` if it is shed last. Raises ValueError."""
    type, *rest = text.split(":")
    if not _TYPE.fullmatch(type) or not 1 <= len(rest) <= 3 or rest[2:] not in ([], ["critical"]):
        types = ", ".join(DWELL_MS)
        raise ValueError(
            f"{text!r} is not a circuit; write TYPE:RATED:SHED[:critical], such as "
            f"heater:1.5kW:100%; the types are: {types}"
        )
    return CircuitRequest(type, rest[0], rest[1] if len(rest) > 1 else "0 %", len(rest) > 2)


def _asked(id: str) -> str:
    """Ask the user on the terminal."""
    name = input("Display name of the site? [none] ").strip()
    thing = input(f"AWS thing name, also its MQTT client id? [{id}] ").strip() or id
    service = input("Rating of the main breaker? [24 kW] ").strip() or "24 kW"
    for number, (type, (label, rated, shed, critical)) in enumerate(TYPICAL.items(), start=1):
        last = ", critical" if critical else ""
        print(f"  {number} {label:<17} {type}, {rated}, sheds up to {shed}{last}")
    picked = input("Which circuits, in the order they are shed? [2 3 7 8] ").strip() or "2 3 7 8"
    return _longer(thing, name, service, _menu(picked))


def _menu(picked: str) -> list[CircuitRequest]:
    """The circuits with these menu numbers. Raises ValueError."""
    types = list(TYPICAL)
    numbers = picked.replace(",", " ").split()
    for number in numbers:
        if not number.isdecimal() or not 1 <= int(number) <= len(types):
            raise ValueError(f"{number!r} is not in the list; enter numbers from 1 to {len(types)}")
    chosen = [types[int(number) - 1] for number in numbers]
    return [CircuitRequest(type, *TYPICAL[type][1:]) for type in chosen]


def _longer(id: str, name: str | None, service: str, circuits: list[CircuitRequest]) -> str:
    return LONGER.format(
        id=scalar(id),
        name=f"  name: {scalar(name)}\n" if name else "",
        service=scalar(service),
        circuits="\n".join(_entries(circuits)),
    )


def _entries(circuits: list[CircuitRequest]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for circuit in circuits:
        number = seen[circuit.type] = seen.get(circuit.type, 0) + 1
        settings: dict[str, object] = {
            "type": circuit.type,
            "rated": circuit.rated,
            "shed": circuit.shed,
        }
        if circuit.critical:
            settings["critical"] = True
        yield entry(f"{circuit.type}{number}", settings)
