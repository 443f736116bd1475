"""What one device says before anything is switched: readings, model, firmware and settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from statemachine.device.control import SeenState, WiredLoad
from statemachine.device.extract import Reading, meets, reading
from statemachine.device.fill import wanted_settings
from statemachine.device.form import Template

from ..drivers.links import DeviceLink, LinkFault
from ..drivers.readback import ReadBack
from .bench import Clocks


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a device; `good` None: it could not be read, or not be compared."""

    name: str
    said: str
    good: bool | None
    why: str


@dataclass(frozen=True, slots=True)
class DeviceReads:
    """What a device says. `fault`: why it says nothing."""

    seen: SeenState | None
    took_ms: int
    model: str | None
    firmware: str | None
    settings: tuple[Setting, ...]
    fault: str | None = None


async def read_device(
    template: Template,
    params: Mapping[str, str],
    link: DeviceLink,
    back: ReadBack,
    load: WiredLoad,
    clocks: Clocks,
) -> DeviceReads:
    """Ask everything that can be asked."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        seen = await back.read(clocks()[1])
        took_ms = round((loop.time() - began_s) * 1000)
    except LinkFault as fault:
        return DeviceReads(None, 0, None, None, (), str(fault))
    model = await _text(back, "model")
    firmware = await _text(back, "firmware")
    settings = await _settings(template, params, link, load)
    return DeviceReads(seen, took_ms, model, firmware, settings)


async def _text(back: ReadBack, name: str) -> str | None:
    try:
        said = (await back.values((name,))).get(name)  # type: ignore[arg-type]
    except LinkFault:
        return None
    return None if said is None else _said(said)


async def _settings(
    template: Template, params: Mapping[str, str], link: DeviceLink, load: WiredLoad
) -> tuple[Setting, ...]:
    full = {"full_watts": Decimal(load.rated_w), "full_amps": Decimal(load.rated_w) / load.amp_w}
    found = []
    for name, query in wanted_settings(template, params).items():
        want = template.wants[name]
        try:
            said: Reading = reading(want, params, (await link.ask(query)).raw)
        except LinkFault:
            said = None
        good = meets(want, params, said, full)
        found.append(Setting(name, "?" if said is None else _said(said), good, want.why))
    return tuple(found)


def _said(said: Decimal | str) -> str:
    return f"{said.normalize():f}" if isinstance(said, Decimal) else said
