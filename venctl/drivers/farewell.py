"""Gives back a device that its circuit no longer uses, since ven.yaml names another one now."""

from __future__ import annotations

import asyncio
import logging

from statemachine.interlock.wanted_state import retry_pause_ms

from .device import DeviceDriver

log = logging.getLogger(__name__)
MOST_TRIES = 60  # about an hour; a device with a lease has given back by itself long before


class Farewells:
    """Devices on their way out; each is freed and forgotten."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def say(self, driver: DeviceDriver) -> None:
        """Free a device, however long it takes to reach it."""
        task = asyncio.create_task(self._free(driver))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Give up on those that could not be reached."""
        for task in self._tasks:
            task.cancel()

    async def _free(self, driver: DeviceDriver) -> None:
        for tries in range(1, MOST_TRIES + 1):
            try:
                async with asyncio.timeout(driver.timeout_s):
                    await driver.release()
                return
            except Exception as error:
                why = str(error) or type(error).__name__
                await asyncio.sleep(retry_pause_ms(tries) / 1000)
        log.warning("%s: its former device could not be given back: %s", driver.circuit, why)
