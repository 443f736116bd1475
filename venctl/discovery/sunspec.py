"""Finds the meters in a SunSpec map: blocks of id, length and content behind the mark `SunS`."""

from __future__ import annotations

from statemachine.device.requests import ReadRegisters

from ..drivers.links import DeviceLink, LinkFault

MARK = (0x5375, 0x6E53)
BASES = (40_000, 0, 50_000)
METERS = range(201, 205)
END, MOST_BLOCKS = 0xFFFF, 40


async def meters_of(link: DeviceLink, unit: int) -> list[int]:
    """The registers at which the meters of a unit begin; empty if it has no SunSpec map."""
    for base in BASES:
        if await _read(link, unit, base) == MARK:
            return await _walk(link, unit, base + 2)
    return []


async def _walk(link: DeviceLink, unit: int, register: int) -> list[int]:
    found = []
    for _ in range(MOST_BLOCKS):
        words = await _read(link, unit, register)
        if words is None or words[0] == END:
            break
        if words[0] in METERS:
            found.append(register)
        register += words[1] + 2
        if register > 65_534:
            break
    return found


async def _read(link: DeviceLink, unit: int, register: int) -> tuple[int, int] | None:
    try:
        raw = (await link.ask(ReadRegisters(unit, "holding", register, 2))).raw
    except LinkFault:
        return None
    return (raw[0], raw[1]) if isinstance(raw, tuple) and len(raw) == 2 else None
