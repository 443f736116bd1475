"""Writes that bring a device to a position: its template, filled in for this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from statemachine.device.control import Position, WiredLoad, ordered_numbers, writes_for
from statemachine.device.fill import orders
from statemachine.device.form import Template

from .device_text import iso_text, position_text
from .links import DeviceLink, LinkFault


class DeviceWriter:
    """The writes of one device. `clocks` gives UTC and monotonic ms."""

    def __init__(
        self,
        template: Template,
        params: Mapping[str, str],
        load: WiredLoad,
        link: DeviceLink,
        clocks: Callable[[], tuple[int, int]],
    ) -> None:
        self._template, self._params, self._load = template, params, load
        self._link, self._clocks = link, clocks

    async def write(self, position: Position) -> None:
        """Send all that brings it there. Raises LinkFault; that it was sent does not mean done."""
        writes = writes_for(self._template, position)
        if not writes:
            raise LinkFault(f"{self._template.title} cannot be {position_text(position)}")
        now_ms = self._clocks()[0]
        longest_ms = self._template.lease.longest if self._template.lease else None
        numbers = ordered_numbers(self._load, position, now_ms, longest_ms)
        ends_ms = now_ms + int(numbers["lease_ms"])
        ordered = {**numbers, "now_iso": iso_text(now_ms), "until_iso": iso_text(ends_ms)}
        for write in writes:
            for order in orders(self._template, self._params, write, ordered):
                await self._link.tell(order)
