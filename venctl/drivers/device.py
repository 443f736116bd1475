"""One circuit's device: brought where it should stand, watched, and done when it was read back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from statemachine.device.control import (
    FREE,
    Mover,
    Position,
    SeenState,
    Standing,
    WiredLoad,
    leased,
    needs_write,
    position_of,
    renew_every_ms,
    stands,
    writes_for,
)
from statemachine.device.form import Template
from statemachine.device.watch import contradiction, gets_more, judged, waits_ms, who_had_it_off

from .device_notes import DeviceListener, DeviceNotes
from .device_text import LastCommand, measured_by, position_text, too_soon_text, unseen_text
from .links import DeviceLink, LinkFault
from .measured import Measured
from .meter import DeviceMeter
from .poll import Poll
from .readback import OFFLINE, ReadBack, orders_for
from .stagger import Stagger

log = logging.getLogger(__name__)
WRITES_S = 2.0
MOST_LAST_S = 5.0  # a service manager waits 10 s
ONCE_MS = 1_000  # a hold and a switch in the same moment are written once
LEFT_ALONE = "somebody moved it at the device"
FOUND_OFF = "it was found off; if an event of an earlier run did that, it is back within 2 min"


class DeviceDriver:
    """One circuit over a link. `meter` reads its power; `clocks` gives UTC and monotonic ms.

    `may_be_ours`: at the start the device may be off because this program had it off; None: nobody
    remembers. Otherwise a device that is found off was switched off by a person. `stagger` is
    shared by those that move when the program starts.
    """

    def __init__(
        self,
        circuit: str,
        template: Template,
        params: Mapping[str, str],
        load: WiredLoad,
        link: DeviceLink,
        meter: DeviceMeter | None,
        listener: DeviceListener,
        clocks: Callable[[], tuple[int, int]],
        may_be_ours: bool | None = True,
        stagger: Stagger | None = None,
    ) -> None:
        self.circuit, self.load, self.link = circuit, load, link
        self.template, self.params, self.meter = template, params, meter
        self._deed_s = WRITES_S + template.pace.seen / 1000
        self.last_s = min(MOST_LAST_S, self._deed_s)
        self.back = ReadBack(template, params, link)
        self._listener, self._clocks = listener, clocks
        self._enabled, self._hold_w, self._until_ms = True, None, 0  # type: bool, int | None, int
        self._may_be_ours, self._stagger, self._since_ms = may_be_ours, stagger, clocks()[1]
        self._metered: tuple[int, int] | None = None
        """Watts by its meter, and when they were measured, in monotonic ms."""
        self._more_ms: int | None = None
        self._doubtful = False
        self.notes = DeviceNotes(circuit, template, load, listener)
        self.fault: str | None = None
        """Why it could not be read the last time."""
        self._bringing = asyncio.Lock()
        self._poll, self._wrote_ms = Poll(template.pace.poll), 0
        self.standing = Standing()
        self.last_command: LastCommand | None = None
        """The last write."""

    @property
    def timeout_s(self) -> float:
        return self._deed_s + (self._stagger.most_s if self._stagger is not None else 0)

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        self._hold_w, self._until_ms = watts, until_ms
        await self._bring()

    async def switch(self, circuit: str, enabled: bool) -> None:
        self._enabled = enabled
        await self._bring()

    async def release(self) -> None:
        """Give back what an event holds of it. Raises LinkFault."""
        self._hold_w = None
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
        self._take(measured)
        return {} if measured is None else {self.circuit: measured}

    def _take(self, measured: Measured | None) -> None:
        """A new reading of its meter may speak against what it says."""
        if measured is not None:
            self._metered = measured.watts, self._clocks()[1] - measured.age_ms
        if self._bringing.locked() or self.standing.confirmed is None:
            return
        doubtful = self._contradiction() is not None
        if doubtful is not self._doubtful:
            self._listener.doubted(self.circuit)
        self._doubtful = doubtful

    def _contradiction(self) -> str | None:
        return contradiction(self.template, self.load, self.standing, self._metered)

    def _position(self) -> Position:
        return position_of(self.load, self._enabled, self._hold_w, self._until_ms)

    async def _bring(self) -> None:
        """Bring it where it should stand. Raises LinkFault if it could not be seen there."""
        async with self._bringing:
            position = self._position()
            if not self.template.write and position == FREE:
                return  # it only measures
            before = await self._before()
            self._judge(before)
            if position.same(self.standing.yielded):
                seen = self._left_alone(position, before)
            else:
                seen = await self._written(position, before)
            self.standing = self.standing.brought(position, seen)
            self._may_be_ours = True
            if why := self._contradiction():
                raise LinkFault(why)

    async def _before(self) -> SeenState:
        """Where it stands before a write. A device that has not reported yet can still be told."""
        try:
            return await self.back.read(self._clocks()[1], self._wrote_ms)
        except LinkFault as fault:
            if fault.up is False or fault.lasting:
                raise
            return SeenState(at_ms=self._clocks()[1], live=False)

    def _left_alone(self, position: Position, seen: SeenState) -> SeenState:
        """A person did not want this position; only the person brings it back there."""
        if self._stands(position, seen) is not True:
            raise LinkFault(LEFT_ALONE)
        return seen

    async def _written(self, position: Position, before: SeenState) -> SeenState:
        """Write what is needed, and read it back."""
        stood = self._stands(position, before)
        if stood is False and not self._may_be_ours and position == FREE and before.on is False:
            self._found_off(position, before)
        if not needs_write(self.template, self.standing, position, stood):
            return before
        now_ms = self._clocks()[1]
        if stood and position == self.standing.written and now_ms - self._wrote_ms < ONCE_MS:
            return before
        await self._in_turn(position, now_ms)
        self._wrote_ms = wrote_ms = self._clocks()[1]
        told = self.last_command = LastCommand(position_text(position), self._clocks()[0])
        try:
            seen = await self._told(position, wrote_ms)
        except BaseException:
            self.last_command = replace(told, seen=False)
            raise
        self.last_command = replace(told, seen=True)
        return seen

    async def _told(self, position: Position, wrote_ms: int) -> SeenState:
        """Write, and wait until it is seen there."""
        try:
            await self._write(position)
        except LinkFault as fault:
            return await self._refused(position, wrote_ms, fault)
        self.notes.refused(None)
        return await self._seen_at(position, wrote_ms)

    async def _in_turn(self, position: Position, now_ms: int) -> None:
        """What wears it out is refused; the first one after the start waits for the others."""
        if gets_more(self.load, self.standing.written, position):
            if wait_ms := waits_ms(self.load, self._more_ms, now_ms):
                raise LinkFault(too_soon_text(wait_ms))
            self._more_ms = now_ms
        if self._stagger is not None:
            await self._stagger.turn()
            self._stagger = None
        self.standing = replace(self.standing, written=position)

    async def _refused(self, position: Position, wrote_ms: int, fault: LinkFault) -> SeenState:
        """What a device refused and stands as told nevertheless is done; the refusal is noted."""
        if fault.up is not True:
            raise fault
        seen = await self.back.read(self._clocks()[1], wrote_ms)
        if not (seen.live and self._stands(position, seen, told=True)):
            raise fault
        self.notes.refused(str(fault))
        return seen

    def _found_off(self, position: Position, seen: SeenState) -> None:
        """It is off, and not known to be so because of us; returns if it is, all the same."""
        if self._may_be_ours is None:
            who = who_had_it_off(self.template, seen, self._clocks()[1] - self._since_ms)
            if who == "us":
                return
            if who == "unknown":
                raise LinkFault(FOUND_OFF)
        self.standing = replace(self.standing, yielded=position, seen=seen)
        self._listener.moved(self.circuit, False)
        raise LinkFault(LEFT_ALONE)

    async def _write(self, position: Position) -> None:
        """Send all that brings it there; that it was sent does not mean done."""
        if not writes_for(self.template, position):
            raise LinkFault(f"{self.template.title} cannot be {position_text(position)}")
        now_ms = self._clocks()[0]
        for order in orders_for(self.template, self.params, self.load, position, now_ms):
            await self.link.tell(order)

    async def _seen_at(self, position: Position, wrote_ms: int) -> SeenState:
        """Read until it stands there, for as long as the template says that it may take."""
        right = lambda seen: self._stands(position, seen, told=True)  # noqa: E731
        seen_ms = self.template.pace.seen
        seen, stood = await self.back.until(right, wrote_ms, self._clocks, seen_ms / 1000)
        if not stood:
            raise LinkFault(unseen_text(position, stood, seen_ms))
        return seen

    def _stands(self, position: Position, seen: SeenState, told: bool = False) -> bool | None:
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
            self._note_away(error)
            raise
        self.fault = None
        self._poll.done(self._clocks()[1])
        if not self._bringing.locked():
            if self._judge(seen) in ("unknown", "reboot"):
                self._listener.doubted(self.circuit)
            self._renew()
        return measured_by(self.template, seen)

    def _judge(self, seen: SeenState) -> Mover | None:
        """Who moved it since it was last read; a person is reported."""
        now_ms = self._clocks()[0]
        self.standing, who = judged(self.template, self.load, self.standing, seen, now_ms)
        self.notes.seen(seen, self.standing.reboots_ms, now_ms)
        if who is not None:
            log.warning("%s no longer stands as told (%s)", self.circuit, who)
        if who == "person":
            self._listener.moved(self.circuit, seen.on is not False)
        return who

    def _note_away(self, error: LinkFault) -> None:
        if str(error) == OFFLINE:
            self.standing = replace(self.standing, away="offline")
        elif error.up is False:
            self.standing = replace(self.standing, away="silent")

    def _renew(self) -> None:
        """Feed a lease that is shorter than ours, and one that nobody else renews."""
        position = self.standing.confirmed
        if position is None or not leased(self.template, position):
            return
        ended = bool(position.until_ms) and self._clocks()[0] >= position.until_ms
        if not ended and self._clocks()[1] - self._wrote_ms >= renew_every_ms(self.template):
            self._listener.doubted(self.circuit)
