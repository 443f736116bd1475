"""What the devices of a site cannot do: their controls, what two circuits share, their leases."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from ...device.catalog import template_of
from ...device.declaration import HOST, DeviceDeclaration, device_of
from ...device.form import Template
from ...kit.errors import Finding
from ...site.panel import Circuit
from ...site.source import Path
from ..draft import Draft

# The controls that a circuit can have, by that of its template.
NARROWER = {
    "none": ("none",),
    "relay": ("relay", "none"),
    "modulating": ("modulating", "relay", "none"),
    "ev_pilot": ("ev_pilot", "relay", "none"),
    "duty_cycle": ("duty_cycle", "relay", "none"),
}


def device_findings(draft: Draft) -> Iterator[Finding]:
    """Every finding about devices that are each valid."""
    for id, circuit in draft.spec.circuits.items():
        template = _template(draft, circuit.device)
        if circuit.device is not None and template is not None:
            yield from _control(draft, id, circuit, template)
            yield from _lease(draft, id, circuit, template)
    yield from _shared_drivers(draft)
    yield from _shared_meters(draft)


def _template(draft: Draft, device: DeviceDeclaration | None) -> Template | None:
    return None if device is None else template_of(device, draft.catalog)


def _control(draft: Draft, id: str, circuit: Circuit, template: Template) -> Iterator[Finding]:
    able = [
        control for control in NARROWER[template.control] if control != "relay" or template.switches
    ]
    if circuit.control not in able:
        problem = f"{template.device} cannot do control: {circuit.control}"
        hint = f"remove `control`, or write one of: {', '.join(able)}"
        yield draft.at(("circuits", id, "control"), "wrong-control", problem, hint)


def _lease(draft: Draft, id: str, circuit: Circuit, template: Template) -> Iterator[Finding]:
    at: Path = ("circuits", id, "driver")
    if not circuit.shed_percent:
        return
    if not _leased(circuit, template):
        left = "off" if circuit.goes_off else "limited"
        problem = f"{id} stays {left} if this program dies: {template.device} has no lease"
        hint = "it is given back when the program runs again"
        yield draft.at(at, "no-lease", problem, hint)
    elif not template.gives_back:
        problem = f"{template.device} limits {id} while this program is not running"
        hint = "set its failsafe to all that the circuit may draw"
        yield draft.at(at, "failsafe", problem, hint)


def _leased(circuit: Circuit, template: Template) -> bool:
    """Whether what takes from the circuit carries its end."""
    takes = {"off", "off_for"} if circuit.control == "relay" else {"limit"}
    if template.control in ("relay", "duty_cycle"):
        takes = {"off", "off_for"}
    return template.lease is not None and bool(takes & set(template.lease.by))


def _shared_drivers(draft: Draft) -> Iterator[Finding]:
    seen = dict[Hashable, str]()
    for id, circuit in draft.spec.circuits.items():
        if circuit.device is None:
            continue
        first = seen.setdefault(_identity(draft, circuit.device), id)
        if first != id:
            problem = f"{id} and {first} are switched by the same device"
            hint = "write the device of each, or make one circuit of them"
            yield draft.at(("circuits", id, "driver"), "shared-device", problem, hint)


def _shared_meters(draft: Draft) -> Iterator[Finding]:
    """Only meters that are written: two circuits of one device are found by their drivers."""
    seen = dict[Hashable, str]()
    circuits = draft.spec.circuits.items()
    main = device_of(draft.spec.meter) if draft.spec.meter is not None else None
    if main is not None:
        seen[_identity(draft, main)] = "the whole site"
    for id, circuit in circuits:
        if circuit.meter == "own" and circuit.device is not None:
            seen.setdefault(_identity(draft, circuit.device), id)
    for id, circuit in circuits:
        if (meter := device_of(circuit.meter)) is None:
            continue
        first = seen.setdefault(_identity(draft, meter), id)
        if first != id:
            problem = f"{id} and {first} have the same meter"
            hint = "a meter shows one of them; write meter: none for the other"
            yield draft.at(("circuits", id, "meter"), "shared-meter", problem, hint)


def _identity(draft: Draft, device: DeviceDeclaration) -> Hashable:
    """Equal for two declarations of the same device, however its address and secret are written."""
    template = _template(draft, device)
    params = {name: text for name, text in device.params.items() if name != HOST}
    for name, parameter in template.params.items() if template is not None else ():
        if parameter.secret:
            params.pop(name, None)
    return device.device, device.link.speaks, device.link.to, tuple(params.items())
