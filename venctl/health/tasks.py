"""Tasks that run as long as the controller: restarted when they fail, with an alarm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from .alarms import Alarms

log = logging.getLogger(__name__)
AGAIN_S = 1.0
WELL_S = 10.0
Work = Callable[[], Coroutine[Any, Any, None]]


class Tasks:
    """Long-lived tasks. One that raises causes an alarm until it has run for ten seconds again."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._all: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Work) -> None:
        """Run `work()` until `stop`, and again whenever it raises. `name` is for people to read."""
        self._all.append(asyncio.create_task(self._look_after(name, work), name=name))

    async def stop(self) -> None:
        """Cancel them all, and wait until they are gone."""
        for task in self._all:
            task.cancel()
        await asyncio.gather(*self._all, return_exceptions=True)

    async def _look_after(self, name: str, work: Work) -> None:
        loop = asyncio.get_running_loop()
        well, last_text = loop.call_later(WELL_S, self._alarms.end, "task", name), ""
        while True:
            try:
                await work()
                return
            except Exception as error:
                text = f"{name} failed and was restarted: {type(error).__name__}: {error}"
                level = logging.DEBUG if text == last_text else logging.ERROR
                log.log(level, "%s", text, exc_info=error)
                last_text = text
                self._alarms.raise_alarm("task", text, name)
            well.cancel()
            await asyncio.sleep(AGAIN_S)
            well = loop.call_later(WELL_S, self._alarms.end, "task", name)
