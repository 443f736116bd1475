"""What switches circuits, and the panel that hands each effect to the driver of its circuit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from statemachine.effects import Hold, Switch
from statemachine.triggers import NO_ANSWER

log = logging.getLogger(__name__)
TIMEOUT_S = 5.0


class Driver(Protocol):
    """Something that holds and switches circuits and reads what they draw.

    Every hold is a lease: a device that can gives the circuit back at `until_ms` by itself.
    """

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        """Keep a circuit at or below `watts`; None lets it draw what it likes."""

    async def switch(self, circuit: str, enabled: bool) -> None:
        """Turn a circuit on or off."""

    async def readings(self) -> Mapping[str, int]:
        """What its circuits draw now, in watts; one that cannot be read is absent."""


class Panel:
    """All circuits of a site. One driver's trouble never holds up another's circuits.

    `switched` hears of each switch carried out, with the fault if there was one; `freed` of each
    circuit that was given back; `changed` that something was done and readings are worth a look.
    """

    def __init__(
        self,
        drivers: Mapping[str, Driver],
        switched: Callable[[str, bool, str | None], None],
        freed: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self._drivers: dict[str, Driver] = dict(drivers)
        self._switched, self._freed, self._changed = switched, freed, changed
        self._todo: dict[int, asyncio.Queue[Hold | Switch]] = {}
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to do what is put. Call from the event loop."""
        self.use(self._drivers)

    def use(self, drivers: Mapping[str, Driver]) -> None:
        """These circuits as well from now on; one that is gone from the file can still be freed."""
        self._drivers |= drivers
        for driver in self._drivers.values():
            if id(driver) not in self._todo:
                todo = self._todo[id(driver)] = asyncio.Queue()
                self._workers.append(asyncio.create_task(self._work(driver, todo)))

    async def stop(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def put(self, effect: Hold | Switch) -> None:
        """Have it done, in order, by the driver of its circuit."""
        if (driver := self._drivers.get(effect.circuit)) is not None:
            self._todo[id(driver)].put_nowait(effect)

    async def read(self) -> dict[str, int]:
        """What every circuit that can be read draws now, in watts."""
        drawn: dict[str, int] = {}
        for driver in {id(driver): driver for driver in self._drivers.values()}.values():
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    drawn |= await driver.readings()
            except Exception as error:
                log.warning("a driver does not tell what its circuits draw: %s", error)
        return drawn

    async def let_go(self, circuits: Iterable[str]) -> None:
        """Give circuits back: the way out for a site that restores when it stops."""
        for circuit in circuits:
            try:
                async with asyncio.timeout(1.0):
                    await self._drivers[circuit].hold(circuit, None, 0)
            except Exception as error:
                log.warning("%s was not given back: %s", circuit, error)

    async def _work(self, driver: Driver, todo: asyncio.Queue[Hold | Switch]) -> None:
        while True:
            effect = await todo.get()
            fault = await _carry_out(driver, effect)
            if isinstance(effect, Switch):
                self._switched(effect.circuit, effect.enabled, fault)
            elif effect.watts is None and fault is None:
                self._freed(effect.circuit)
            if todo.empty():
                self._changed()


async def _carry_out(driver: Driver, effect: Hold | Switch) -> str | None:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            match effect:
                case Hold(circuit, watts, until_ms):
                    await driver.hold(circuit, watts, until_ms)
                case Switch(circuit, enabled):
                    await driver.switch(circuit, enabled)
    except TimeoutError:
        return f"{NO_ANSWER} within {TIMEOUT_S:g} s"
    except Exception as error:
        log.warning("%s: %s", effect, error)
        return str(error) or type(error).__name__
    return None
