"""`venctl circuits test` as a person runs it, on a fake Shelly, and stopped in mid-off."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.devices.shelly import Shelly
from tests.kit.devices.wiring import Outlet, Wiring
from tests.kit.mqtt.mosquitto import free_port
from tests.kit.paths import ROOT
from venctl.commissioning.results import last_tests
from venctl.commissioning.unfinished import NAME

STATE = ".state"
PATIENCE_S = 240.0  # against a hang; a busy machine may need more than a minute


class House:
    """One heater at a Shelly, and a folder with its ven.yaml."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.wiring = folder, Wiring(unmetered_w=300)
        self.outlet: Outlet = self.wiring.outlet("heater1", 1_482)
        self.plug = Shelly.plug(self.wiring, self.outlet)
        self.main = Shelly.meter3(self.wiring, self.wiring.main)

    async def __aenter__(self) -> House:
        await self.plug.__aenter__()
        await self.main.__aenter__()
        text = (
            "site: {id: v}\n"
            f"meter: {{shelly_3em: {self.main.address}}}\n"
            "circuits:\n"
            "  heater1: {type: heater, rated: 3 kW, shed: 100 %, "
            f"driver: {{shelly: {self.plug.address}}}}}\n"
        )
        (self.folder / "ven.yaml").write_text(text)
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.plug.__aexit__()
        await self.main.__aexit__()

    def without_lease(self) -> None:
        """From now on its template has none."""
        template = yaml.load((ROOT / "venctl/devices/shelly.yaml").read_text(), yaml.BaseLoader)
        del template["lease"], template["write"]["off_for"]
        (self.folder / "devices").mkdir()
        (self.folder / "devices" / "shelly.yaml").write_text(json.dumps(template))

    async def venctl(self, *words: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "venctl", *words, "--state", STATE),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def off(self, test: Process) -> None:
        """Until the circuit is off."""
        await until(lambda: not self.outlet.closed or test.returncode is not None, "off")
        assert test.returncode is None, await said(test)

    @property
    def noted(self) -> bool:
        return (self.folder / STATE / NAME).exists()


async def until(found: Callable[[], Any], what: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not found():
            await asyncio.sleep(0.02)
    assert found(), what


async def said(process: Process) -> str:
    out, error = await process.communicate()
    return (out + error).decode()


async def proved(folder: Path) -> None:
    """A good circuit is told as one, and `check` shows it."""
    async with House(folder) as house:
        test = await house.venctl("circuits", "test", "--yes")
        told = await said(test)
        assert test.returncode == 0, told
        assert "own meter 1,482 -> 0 W" in told and "(-1,482)" in told
        assert last_tests(folder / STATE)["heater1"].grade == "ok"
        assert house.outlet.closed and not house.noted
        check = await said(await house.venctl("check"))
        assert "circuits last tested" in check and "1 ok" in check


async def stopped(folder: Path, name: signal.Signals) -> None:
    """The circuit is on again before the command has ended."""
    async with House(folder) as house:
        test = await house.venctl("circuits", "test", "--yes")
        await house.off(test)
        assert house.noted
        test.send_signal(name)
        told = await said(test)
        assert test.returncode == 1, told
        assert house.outlet.closed and not house.noted


async def killed_then(folder: Path, *after: str) -> None:
    """The next one brings it back, though the device would not."""
    async with House(folder) as house:
        house.without_lease()
        test = await house.venctl("circuits", "test", "--yes")
        await house.off(test)
        test.kill()
        await test.wait()
        assert house.noted and not house.outlet.closed
        again = await house.venctl(*after)
        await until(lambda: not house.noted, "brought back")
        assert house.outlet.closed
        if again.returncode is None:
            again.terminate()
        await said(again)


async def refused_while_it_runs(folder: Path) -> None:
    """The devices are the controller's."""
    async with House(folder) as house:
        run = await house.venctl("run", *ports())
        await until((folder / STATE / "controller.json").exists, "running")
        test = await house.venctl("circuits", "test", "--yes")
        told = await said(test)
        assert test.returncode == 2 and "already running" in told and "stop it" in told
        run.terminate()
        await said(run)


def ports() -> list[str]:
    names = ("--port", "--mqtt-port", "--data-port")
    return [word for name in names for word in (name, str(free_port()))]


async def test_whatever_ends_the_test_the_circuit_is_on_again(tmp_path: Path) -> None:
    """All at once, since each takes its time."""
    stories = (
        proved(tmp_path / "proved"),
        stopped(tmp_path / "term", signal.SIGTERM),
        stopped(tmp_path / "int", signal.SIGINT),
        stopped(tmp_path / "hup", signal.SIGHUP),
        killed_then(tmp_path / "again", "circuits", "test", "--read-only"),
        killed_then(tmp_path / "run", "run", *ports()),
        refused_while_it_runs(tmp_path / "runs"),
    )
    await asyncio.gather(*stories)


@pytest.mark.parametrize("more", [[], ["--json"]])
async def test_without_a_terminal_it_asks_for_yes(tmp_path: Path, more: list[str]) -> None:
    async with House(tmp_path) as house:
        test = await house.venctl("circuits", "test", *more)
        told = await said(test)
        assert test.returncode == 2 and "add --yes" in told
        assert house.plug.counts.commands == []


async def test_read_only_answers_as_json(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        test = await house.venctl("circuits", "test", "--read-only", "--json")
        out, _ = await test.communicate()
        assert test.returncode == 0
        assert json.loads(out) == {"circuits": {}, "skipped": {}}
        assert house.plug.counts.commands == []
