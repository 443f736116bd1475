"""Circuits that raise, hang or are slow as a test says: in this process, or in a real `venctl run`.

In this process wrap any driver in `Faulty` and set its `faults`, by circuit and deed.

For a real process pass `env=faulty(folder)` to `Site` and write with `set_faults(folder, {...})`;
the process reads the file at every call, so faults come and go while it runs. Per circuit and deed
(`hold`, `release` for a hold of None, `switch`, `readings`) stands `raise`, `hang`, `deaf` for one
that hangs and minds no cancelling, `thread` for one that hangs in a thread, `block` for one that
lets nothing else run, `nan`, `none`, `text` or `huge` for a reading that cannot be, `absent` or a
number of seconds. `hold` stands for `release` too where that is not named. `{"all": {"look": 12}}`
has every look at all circuits take so long.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.kit.paths import ROOT
from venctl.drivers import LAST_S, TIMEOUT_S, Driver

WORDS = "the relay does not answer"
ODD: Mapping[str, Any] = {"nan": math.nan, "none": None, "text": "1 kW", "huge": 10**30}
Faults = Mapping[str, Mapping[str, Any]]


class Broken(OSError):
    """What a driver says of a device that fails."""


async def suffer(fault: Any) -> None:
    """Go through a fault; return where there is none."""
    if fault == "raise":
        raise Broken(WORDS)
    if fault == "hang":
        await asyncio.Event().wait()
    if fault == "block":
        time.sleep(3_600)
    if fault == "thread":
        await asyncio.to_thread(time.sleep, 3_600)
    while fault == "deaf":
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    if isinstance(fault, int | float):
        await asyncio.sleep(fault)


def fault_of(faults: Faults, circuit: str, deed: str) -> Any:
    """The fault of one deed of a circuit; None: it works."""
    said = faults.get(circuit, {})
    return said.get("release", said.get("hold")) if deed == "release" else said.get(deed)


async def read_with(faults: Faults, read: Callable[[], Awaitable[Mapping[str, int]]]) -> Any:
    """Readings as far as faults let them through; one that hangs takes its driver with it."""
    for circuit in faults:
        await suffer(fault_of(faults, circuit, "readings"))
    drawn: dict[str, Any] = dict(await read())
    for circuit in faults:
        match fault_of(faults, circuit, "readings"):
            case "nan" | "none" | "text" | "huge" as answer:
                drawn[circuit] = ODD[answer]
            case "absent":
                drawn.pop(circuit, None)
    return drawn


class Faulty:
    """A driver, and what is wrong with its circuits."""

    timeout_s, last_s = TIMEOUT_S, LAST_S

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.faults: dict[str, dict[str, Any]] = {}

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        deed = "release" if watts is None else "hold"
        await suffer(fault_of(self.faults, circuit, deed))
        await self._driver.hold(circuit, watts, until_ms)

    async def switch(self, circuit: str, enabled: bool) -> None:
        await suffer(fault_of(self.faults, circuit, "switch"))
        await self._driver.switch(circuit, enabled)

    async def readings(self) -> Mapping[str, int]:
        found: Mapping[str, int] = await read_with(self.faults, self._driver.readings)
        return found


# -- in a real process --------------------------------------------------------------------------


def faulty(folder: Path) -> dict[str, str]:
    """The environment of a `venctl run` whose panel has the faults of `set_faults(folder, ...)`."""
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    text = (
        f"from tests.kit.simulated.faulty_panel import install\ninstall({str(_file(folder))!r})\n"
    )
    (hooks / "sitecustomize.py").write_text(text)
    return {"PYTHONPATH": f"{hooks}:{ROOT}"}


def set_faults(folder: Path, faults: Faults) -> None:
    """These faults, and no others, from now on. Written in one go."""
    new = _file(folder).with_suffix(".new")
    new.write_text(json.dumps(faults))
    new.rename(_file(folder))


def _file(folder: Path) -> Path:
    return folder / "faults.json"


def install(file: str) -> None:
    """Let the simulated panel of this process suffer what `file` says."""
    from venctl.drivers import Panel
    from venctl.drivers.sim import SimPanel

    look, hold, switch, readings = Panel.read, SimPanel.hold, SimPanel.switch, SimPanel.readings

    def faults() -> Faults:
        try:
            found: Faults = json.loads(Path(file).read_text())
        except FileNotFoundError:
            return {}
        return found

    async def hold_or_not(self: SimPanel, circuit: str, watts: int | None, until_ms: int) -> None:
        deed = "release" if watts is None else "hold"
        await suffer(fault_of(faults(), circuit, deed))
        await hold(self, circuit, watts, until_ms)

    async def switch_or_not(self: SimPanel, circuit: str, enabled: bool) -> None:
        await suffer(fault_of(faults(), circuit, "switch"))
        await switch(self, circuit, enabled)

    async def read_or_not(self: SimPanel) -> Mapping[str, int]:
        found: Mapping[str, int] = await read_with(faults(), lambda: readings(self))
        return found

    async def look_or_not(self: Panel) -> Any:
        await suffer(fault_of(faults(), "all", "look"))
        return await look(self)

    Panel.read = look_or_not  # type: ignore[method-assign]
    SimPanel.hold, SimPanel.switch = hold_or_not, switch_or_not  # type: ignore[method-assign]
    SimPanel.readings = read_or_not  # type: ignore[method-assign]
