"""A device that was found: the line to paste, and what it measures now. Nothing is switched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from statemachine.describe.writer import scalar
from statemachine.device.declaration import DeviceDeclaration, LinkDeclaration
from statemachine.device.fill import param_faults
from statemachine.device.form import Template

from ..devices.listing import lease
from ..drivers.links import DeviceLink, LinkFault
from ..drivers.links.faults import device_words
from ..drivers.readback import ReadBack


@dataclass(frozen=True, slots=True)
class Candidate:
    """A template that may fit: `params` begin with its key, without those that are as by default.

    `about` is what the device calls itself, `note` what the owner must know.
    """

    template: Template
    params: Mapping[str, str]
    link: LinkDeclaration
    about: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class DiscoveredDevice:
    """A device as it is told: `paste` goes into ven.yaml. None: it was not said."""

    paste: str
    device: str
    about: str
    lease: str
    on: bool | None = None
    power_w: int | None = None
    fault: str | None = None
    note: str = ""

    @property
    def text(self) -> str:
        """The line to paste, with the rest as a comment."""
        said = [self.about]
        said += [] if self.on is None else ["on" if self.on else "off"]
        said += [] if self.power_w is None else [f"{self.power_w:,} W now"]
        said += [] if self.fault is None else [self.fault]
        told = ", ".join(part for part in said if part)
        more = "; ".join(part for part in (told, self.lease, self.note) if part)
        return f"{self.paste}   # {more}"


def with_defaults(template: Template, params: Mapping[str, str]) -> dict[str, str]:
    """The parameters, with the defaults of those that are not given."""
    defaults = {name: one.default for name, one in template.params.items()}
    return {name: text for name, text in {**defaults, **params}.items() if text is not None}


def usable(candidate: Candidate) -> bool:
    """Whether what a device says of itself can stand in a ven.yaml."""
    return not param_faults(candidate.template, candidate.params)


async def look(candidate: Candidate, link: DeviceLink) -> DiscoveredDevice:
    """Read what the device shows now."""
    template = candidate.template
    found = DiscoveredDevice(
        paste_line(candidate),
        template.device,
        device_words(candidate.about or template.title),
        "" if template.control == "none" else f"lease: {lease(template)}",
        note=candidate.note,
    )
    back = ReadBack(template, with_defaults(template, candidate.params), link)
    try:
        seen = await back.read(0)
    except LinkFault as fault:
        return replace(found, fault=device_words(str(fault)))
    return replace(found, on=seen.on, power_w=seen.power_w, about=await _about(found.about, back))


async def _about(about: str, back: ReadBack) -> str:
    """What it is, with its model and firmware if it says so."""
    try:
        said = await back.values(("model", "firmware"))
    except LinkFault:
        return about
    words = [str(one) for one in (said.get("model"), said.get("firmware")) if one is not None]
    return device_words(", ".join([about, *(one for one in words if one not in about)]))


def paste_line(candidate: Candidate) -> str:
    """`driver: {...}`, or `meter: {...}` for what only measures."""
    declared = DeviceDeclaration(candidate.template.device, candidate.params, candidate.link)
    kind = "meter" if candidate.template.control == "none" else "driver"
    return f"{kind}: {scalar(_with_numbers(declared.written, candidate.template))}"


def _with_numbers(written: Mapping[str, Any], template: Template) -> dict[str, Any]:
    """Whole numbers without quotes."""
    params = {**template.params, template.device: template.params[template.key]}
    return {
        name: int(value) if name in params and params[name].whole else value
        for name, value in written.items()
    }
