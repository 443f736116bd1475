"""Switches one circuit off and on again, and never leaves it off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from statemachine.commissioning.rules import most_off_ms
from statemachine.device.control import FREE, Position, stands

from ..drivers.device import DeviceDriver
from ..drivers.links import LinkFault
from .bench import Clocks, TimedLink
from .unfinished import SwitchedOff, Unfinished

SEEN_S = 10.0  # how long it may take until a command is read back
LOOK_S = 0.2
RESTORE_S = 120.0
FIRST_AGAIN_S, MOST_AGAIN_S = 1.0, 10.0


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A command: when it was sent and read back (monotonic ms), how long the sending took, and why
    it was not taken. `seen_ms` None: it was not read back.
    """

    at_ms: int
    told_ms: int
    seen_ms: int | None
    fault: str | None

    @property
    def took_ms(self) -> int | None:
        """From the command to the read-back, in ms."""
        return None if self.seen_ms is None else max(0, self.seen_ms - self.at_ms)


class CircuitSwitch:
    """One circuit of the bench. `held_w` is what it was held at before; None: it was free."""

    def __init__(
        self,
        device: DeviceDriver,
        link: TimedLink,
        driver: str,
        held_w: int | None,
        note: Unfinished,
        clocks: Clocks,
        say: Callable[[str], None],
    ) -> None:
        self.device, self._link, self._note = device, link, note
        self._left = SwitchedOff(device.circuit, driver, held_w)
        self._clocks, self._say = clocks, say

    @property
    def most_off_ms(self) -> int:
        """The longest that it may be off."""
        return most_off_ms(self.device.template)

    async def off(self, lease_ms: int | None = None) -> CommandResult:
        """Switch it off, with the end of its lease where it has one. Raises OSError if that
        cannot be noted.
        """
        self._note.begin(self._left)
        until_ms = self._clocks()[0] + (lease_ms or self.most_off_ms)
        return await self._command(0, until_ms, Position("off_for"))

    async def on(self) -> CommandResult:
        """As it stood before. A fault is tried again, for 2 min at most."""
        loop, again_s = asyncio.get_running_loop(), FIRST_AGAIN_S
        ends_s = loop.time() + RESTORE_S
        told = first = await self._back_on()
        while told.seen_ms is None and loop.time() < ends_s:
            if told is first:
                why = told.fault or "it is not seen on"
                self._say(f"{self.device.circuit} is not on again: {why}; trying again")
            await asyncio.sleep(again_s)
            again_s = min(MOST_AGAIN_S, 2 * again_s)
            told = await self._back_on()
        if told.seen_ms is not None:
            self._note.done(self.device.circuit)
        return CommandResult(first.at_ms, first.told_ms, told.seen_ms, first.fault)

    async def is_off(self) -> bool | None:
        """Whether the device says that it is off; None: it says nothing."""
        with suppress(LinkFault):
            seen = await self.device.back.read(self._clocks()[1])
            return stands(self.device.template, self.device.load, Position("off_for"), seen)
        return None

    async def _back_on(self) -> CommandResult:
        held_w = self._left.held_w
        position = FREE if held_w is None else Position("limit", held_w)
        return await self._command(held_w, 0, position)

    async def _command(self, watts: int | None, until_ms: int, position: Position) -> CommandResult:
        began_ms, loop = self._clocks()[1], asyncio.get_running_loop()
        self._link.begin()
        fault = None
        try:
            await self.device.hold(self.device.circuit, watts, until_ms)
            seen = True
        except LinkFault as error:
            seen, fault = False, self._link.refused
            if self._link.first_s is None:
                fault = str(error)
            else:
                seen = await self._seen_at(position, self._link.first_s)
        now_ms = self._clocks()[1]
        if self._link.first_s is not None:
            began_ms = now_ms - round((loop.time() - self._link.first_s) * 1000)
        return CommandResult(began_ms, self._link.told_ms, now_ms if seen else None, fault)

    async def _seen_at(self, position: Position, wrote_s: float) -> bool:
        """Look longer than the driver does in operation."""
        loop, device = asyncio.get_running_loop(), self.device
        while loop.time() < wrote_s + SEEN_S:
            with suppress(LinkFault):
                now_ms = self._clocks()[1]
                wrote_ms = now_ms - round((loop.time() - wrote_s) * 1000)
                seen = await device.back.read(now_ms, wrote_ms)
                stood = stands(device.template, device.load, position, seen, told=True)
                if seen.live and stood:
                    return True
            await asyncio.sleep(LOOK_S)
        return False
