"""A look at the circuits each second, whatever broker, device or page does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from statemachine.state.triggers import Readings, Trigger
from tests.kit.core.alarming import Core
from tests.kit.simulated.skipping import run
from venctl.drivers import LAST_S, TIMEOUT_S, Panel
from venctl.telemetry import LOOK_S, TelemetryLoop


class Timed(Core):
    """Notes when each look was decided upon, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[float] = []

    def post(self, trigger: Trigger) -> None:
        if isinstance(trigger, Readings):
            self.looks.append(asyncio.get_running_loop().time())
        super().post(trigger)


class Device:
    """One that answers after `seconds`, or never."""

    timeout_s, last_s = TIMEOUT_S, LAST_S

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None: ...

    async def switch(self, circuit: str, enabled: bool) -> None: ...

    async def readings(self) -> Mapping[str, int]:
        await (asyncio.Event().wait() if self._seconds is None else asyncio.sleep(self._seconds))
        return {}


async def silent(own: bytes, shared: bytes) -> None:
    await asyncio.Event().wait()


async def refuses(own: bytes, shared: bytes) -> None:
    await asyncio.sleep(5)
    raise OSError("the link is down")


async def takes(own: bytes, shared: bytes) -> None:
    """At once."""


def nobody_hears(*_: Any) -> None:
    """Nothing is held here."""


@pytest.mark.parametrize("broker", [silent, refuses, takes])
@pytest.mark.parametrize("seconds", [0.0, 0.15, 3.0, None], ids=["well", "slow", "slower", "hangs"])
def test_p99_of_the_period_is_within_a_fifth_of_a_second(
    broker: Any, seconds: float | None
) -> None:
    async def story() -> None:
        core = Timed()
        drivers = {"heater1": Device(seconds), "lights1": Device(0.0)}
        panel = Panel(core.ven.spec, drivers, nobody_hears, nobody_hears, nobody_hears)
        said: list[bytes] = []

        async def publish(own: bytes, shared: bytes) -> None:
            said.append(own)
            await broker(own, shared)

        one = TelemetryLoop(core, panel, lambda: 1, lambda: 500, publish)  # type: ignore[arg-type]
        tasks = [asyncio.create_task(work()) for work in (one.run, one.publish)]
        await asyncio.sleep(120)
        for task in tasks:
            task.cancel()
        await panel.stop()
        gaps = sorted(b - a for a, b in zip(core.looks, core.looks[1:], strict=False))
        assert len(gaps) > 110 and gaps[len(gaps) * 99 // 100] < 1.2 * LOOK_S + 0.001
        assert said

    run(story())
