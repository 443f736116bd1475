"""Fake devices for tests that block: they live on a loop in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, Self, TypeVar

from tests.kit.devices.device import Device

D = TypeVar("D", bound=Device)
T = TypeVar("T")


class Background:
    """`with Background() as street: plug = street.start(Shelly.plug(wiring, outlet))`.

    What a device and the wiring show may be read at once; what changes them goes by `run` or `do`.
    """

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._open = AsyncExitStack()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._open.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self, device: D) -> D:
        """Brings it to life; it is ended with the street."""
        self.run(self._open.enter_async_context(device))  # type: ignore[arg-type]
        return device

    def run(self, deed: Coroutine[Any, Any, T]) -> T:
        """Such as `street.run(plug.reboot(5))`."""
        return asyncio.run_coroutine_threadsafe(deed, self._loop).result(60)

    def do(self, deed: Any, *given: Any) -> None:
        """Such as `street.do(plug.press)`."""

        async def done() -> None:
            deed(*given)

        self.run(done())
