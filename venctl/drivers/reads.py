"""Reads all drivers at once, so that one that hangs delays no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from .driver import Driver
from .driver_call import DriverCall
from .measured import Measured

log = logging.getLogger(__name__)
LOOK_S = 0.2


class Reads:
    """The reads in progress, one for each driver; one that hangs is given up after `timeout_s`."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._began: dict[int, tuple[float, set[str]]] = {}
        self._found: dict[str, tuple[Any, float]] = {}
        self._logged: set[str] = set()

    async def look(self, drivers: Mapping[str, Driver]) -> tuple[dict[str, Any], dict[str, int]]:
        """The new readings since the last call, and how many ms ago each began."""
        for driver in {id(driver): driver for driver in drivers.values()}.values():
            if id(driver) not in self._under_way:
                ids = {circuit for circuit, its in drivers.items() if its is driver}
                self._under_way[id(driver)] = asyncio.create_task(self._read(driver, ids))
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()), timeout=LOOK_S)
        answers, self._found = self._found, {}
        now_s = _now_s()
        ages_ms = {id: round((now_s - at_s) * 1000) for id, (_, at_s) in answers.items()}
        return {id: answer for id, (answer, _) in answers.items()}, ages_ms

    def busy_ms(self) -> dict[str, int]:
        """When each read in progress began, by circuit, in ms of the loop's clock."""
        return {id: round(since_s * 1000) for since_s, ids in self._began.values() for id in ids}

    def stop(self) -> None:
        for task in self._under_way.values():
            task.cancel()

    async def _read(self, driver: Driver, ids: set[str]) -> None:
        began_s = _now_s()
        self._began[id(driver)] = began_s, ids
        try:
            call = DriverCall(driver.readings, _nothing)
            await call.wait(self._timeout_s)
            self._take(call, ids, began_s)
        finally:
            del self._under_way[id(driver)], self._began[id(driver)]

    def _take(self, call: DriverCall[Mapping[str, int]], ids: set[str], began_s: float) -> None:
        answer: Any = call.answer
        if call.fault is None and not isinstance(answer, Mapping):
            call.fault = f"its driver returned {type(answer).__name__}, not watts by circuit"
        if call.fault is not None:
            self._log(f"{', '.join(sorted(ids))}: cannot be read: {call.fault}")
            return
        self._forget(f"{', '.join(sorted(ids))}: cannot be read")
        for circuit in ids & answer.keys():
            self._found[circuit] = _dated(answer[circuit], began_s)

    def _log(self, cause: str) -> None:
        if cause not in self._logged:
            self._logged.add(cause)
            log.warning("%s", cause)

    def _forget(self, beginning: str) -> None:
        self._logged = {cause for cause in self._logged if not cause.startswith(beginning)}


def _dated(reading: Any, began_s: float) -> tuple[Any, float]:
    """A reading, and when it was taken."""
    if isinstance(reading, Measured):
        return reading.watts, _now_s() - reading.age_ms / 1000
    return reading, began_s


def _nothing() -> None:
    """Ignore a read that ends late: it changed nothing."""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
