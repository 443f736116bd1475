"""One circuit's device: brought where it should stand, read back, and watched.

A call is done when the device was read back where it should stand. A device that cannot be read
back otherwise is believed by its meter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from statemachine.device.control import (
    FREE,
    Load,
    Mover,
    Position,
    Seen,
    Standing,
    leased,
    mover,
    needs_write,
    ordered_numbers,
    position_of,
    rebooted,
    renew_every_ms,
    stands,
    writes_for,
)
from statemachine.device.fill import orders
from statemachine.device.form import Template

from .device_text import LastCommand, iso_text, measured_by, position_text, unseen_text
from .links import Link, LinkFault
from .measured import Measured
from .meter import DeviceMeter
from .poll import Poll
from .readback import ReadBack

log = logging.getLogger(__name__)
LOOK_S = 0.2
WRITES_S = 2.0
MOST_LAST_S = 5.0  # a service manager waits 10 s
ONCE_MS = 1_000
DAY_MS, MOST_REBOOTS = 86_400_000, 3
LEFT_ALONE = "somebody moved it at the device"


class DeviceListener(Protocol):
    """Who wants to know what happens at a device."""

    def doubted(self, circuit: str) -> None:
        """The device may not stand as it should: do all requests again."""

    def moved(self, circuit: str, on: bool) -> None:
        """A person switched it on or off at the device."""

    def noticed(self, circuit: str, text: str | None) -> None:
        """Something is wrong with the device, in words; None: it is well again."""


class DeviceDriver:
    """One circuit over a link. `meter` reads its power; `clocks` gives UTC and monotonic ms.

    `may_be_ours`: at the start the device may be off because this program had it off. Otherwise a
    device that is found off was switched off by a person.
    """

    def __init__(
        self,
        circuit: str,
        template: Template,
        params: Mapping[str, str],
        load: Load,
        link: Link,
        meter: DeviceMeter | None,
        listener: DeviceListener,
        clocks: Callable[[], tuple[int, int]],
        may_be_ours: bool = True,
    ) -> None:
        self.circuit, self.load, self.link = circuit, load, link
        self.template, self.params, self.meter = template, params, meter
        self.timeout_s = WRITES_S + template.pace.seen / 1000
        self.last_s = min(MOST_LAST_S, self.timeout_s)
        self.back = ReadBack(template, params, link)
        self._listener, self._clocks = listener, clocks
        self._enabled, self._hold_w, self._until_ms = True, None, 0  # type: bool, int | None, int
        self._may_be_ours = may_be_ours
        self.fault: str | None = None
        """Why it could not be read the last time."""
        self._bringing = asyncio.Lock()
        self._poll, self._wrote_ms = Poll(template.pace.poll), 0
        self.standing = Standing()
        self.last_command: LastCommand | None = None
        """The last write."""

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        self._hold_w, self._until_ms = watts, until_ms
        await self._bring()

    async def switch(self, circuit: str, enabled: bool) -> None:
        self._enabled = enabled
        await self._bring()

    async def readings(self) -> Mapping[str, Measured]:
        """Its power, if it is time to read it, and a look at where it stands.

        Raises LinkFault if nothing could be read.
        """
        fault = None
        measured = None
        if self._poll.due(self._clocks()[1]) and not self._bringing.locked():
            try:
                measured = await self._watch()
            except LinkFault as error:
                fault = error
        if self.meter is not None:
            measured = await self.meter.read()
        elif fault is not None:
            raise fault
        return {} if measured is None else {self.circuit: measured}

    def _position(self) -> Position:
        return position_of(self.load, self._enabled, self._hold_w, self._until_ms)

    async def _bring(self) -> None:
        """Bring it where it should stand. Raises LinkFault if it could not be seen there."""
        async with self._bringing:
            position = self._position()
            if not self.template.write:
                self._only_free(position)
                return
            before = await self._before()
            self._judge(before)
            if position.same(self.standing.yielded):
                seen = self._left_alone(position, before)
            else:
                seen = await self._written(position, before)
            self.standing = self.standing.brought(position, seen)
            self._may_be_ours = True

    async def _before(self) -> Seen:
        """Where it stands before a write. A device that has not reported yet can still be told."""
        try:
            return await self.back.read(self._clocks()[1], self._wrote_ms)
        except LinkFault as fault:
            if fault.up is False or fault.lasting:
                raise
            return Seen(at_ms=self._clocks()[1])

    def _only_free(self, position: Position) -> None:
        """A device that only measures is free, and can be nothing else."""
        if position != FREE:
            raise LinkFault(f"{self.template.title} cannot be {position_text(position)}")

    def _left_alone(self, position: Position, seen: Seen) -> Seen:
        """A person did not want this position; only the person brings it back there."""
        if self._stands(position, seen) is not True:
            raise LinkFault(LEFT_ALONE)
        return seen

    async def _written(self, position: Position, before: Seen) -> Seen:
        """Write what is needed, and read it back."""
        stood = self._stands(position, before)
        if stood is False and not self._may_be_ours and position == FREE and before.on is False:
            return self._found_off(position, before)
        if not needs_write(self.template, self.standing, position, stood):
            return before
        wrote_ms = self._clocks()[1]
        if stood and self._just_written(position, wrote_ms):
            return before
        self.standing = replace(self.standing, written=position)
        self._wrote_ms = wrote_ms
        told = self.last_command = LastCommand(position_text(position), self._clocks()[0])
        try:
            await self._write(position)
            seen = await self._seen_at(position, wrote_ms)
        except BaseException:
            self.last_command = replace(told, seen=False)
            raise
        self.last_command = replace(told, seen=True)
        return seen

    def _just_written(self, position: Position, now_ms: int) -> bool:
        """A hold and a switch in the same moment are written once."""
        return position == self.standing.written and now_ms - self._wrote_ms < ONCE_MS

    def _found_off(self, position: Position, seen: Seen) -> Seen:
        """Nothing of ours had it off: a person switched it off while this program was away."""
        self.standing = replace(self.standing, yielded=position, seen=seen)
        self._listener.moved(self.circuit, False)
        raise LinkFault(LEFT_ALONE)

    async def _write(self, position: Position) -> None:
        if not writes_for(self.template, position):
            raise LinkFault(f"{self.template.title} cannot be {position_text(position)}")
        now_ms = self._clocks()[0]
        longest_ms = self.template.lease.longest if self.template.lease else None
        numbers = ordered_numbers(self.load, position, now_ms, longest_ms)
        ends_ms = now_ms + int(numbers["lease_ms"])
        ordered = {**numbers, "now_iso": iso_text(now_ms), "until_iso": iso_text(ends_ms)}
        for write in writes_for(self.template, position):
            for order in orders(self.template, self.params, write, ordered):
                await self.link.tell(order)

    async def _seen_at(self, position: Position, wrote_ms: int) -> Seen:
        """Read until it stands there, for as long as the template says that it may take."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + self.template.pace.seen / 1000
        while True:
            seen = await self.back.read(self._clocks()[1], wrote_ms)
            stood = self._stands(position, seen, told=True) if seen.live else None
            if stood:
                return seen
            if loop.time() >= ends_s:
                raise LinkFault(unseen_text(position, stood, self.template.pace.seen))
            await asyncio.sleep(LOOK_S)

    def _stands(self, position: Position, seen: Seen, told: bool = False) -> bool | None:
        if position == FREE and not {"on", "limit"} & self.template.read.keys():
            return None if self.standing.written != FREE else True
        return stands(self.template, self.load, position, seen, told)

    async def _watch(self) -> Measured | None:
        """Read where it stands, notice who moved it, and feed its lease. Returns its power."""
        try:
            seen = await self.back.read(self._clocks()[1], self._wrote_ms)
        except LinkFault as error:
            self.fault = str(error)
            self._poll.failed(self._clocks()[1], error.lasting)
            raise
        self.fault = None
        self._poll.done(self._clocks()[1])
        if not self._bringing.locked():
            if self._judge(seen) in ("unknown", "reboot"):
                self._listener.doubted(self.circuit)
            self._renew()
        return measured_by(self.template, seen)

    def _judge(self, seen: Seen) -> Mover | None:
        """Who moved it since it was last read; a person is reported."""
        before, now_ms = self.standing, self._clocks()[0]
        who = mover(self.template, self.load, before, seen, now_ms)
        if who == "reboot" or rebooted(before.seen, seen):
            self._note_reboot(now_ms)
        self.standing = replace(before, seen=seen, reboots_ms=self.standing.reboots_ms)
        if who is None:
            return None
        log.warning("%s no longer stands as told (%s)", self.circuit, who)
        position, person = before.confirmed, who == "person"
        self.standing = replace(
            self.standing,
            confirmed=None,
            yielded=position if person else None,
            reasserted=position if who == "unknown" else None,
        )
        if person:
            self._listener.moved(self.circuit, seen.on is not False)
        return who

    def _note_reboot(self, now_ms: int) -> None:
        kept = tuple(at_ms for at_ms in self.standing.reboots_ms if now_ms - at_ms < DAY_MS)
        self.standing = replace(self.standing, reboots_ms=(*kept, now_ms))
        if len(kept) >= MOST_REBOOTS:
            self._listener.noticed(
                self.circuit, f"it started anew {len(kept) + 1} times in a day; is its power good?"
            )

    def _renew(self) -> None:
        """Feed a lease that is shorter than ours, and one that nobody else renews."""
        position = self.standing.confirmed
        if position is None or not leased(self.template, position):
            return
        ended = bool(position.until_ms) and self._clocks()[0] >= position.until_ms
        if not ended and self._clocks()[1] - self._wrote_ms >= renew_every_ms(self.template):
            self._listener.doubted(self.circuit)
