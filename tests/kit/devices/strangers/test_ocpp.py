"""em-ocpp-chargepoint-simulator of npm: a charger by another hand, which turns mute."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import Connector, LimitCharger, ReadCharger
from tests.kit.mqtt.mosquitto import free_port
from tests.kit.tools import stranger, tool
from venctl.drivers.links import LinkFault
from venctl.drivers.links.ocpp.link import OcppLink

HERE = Path(__file__).parent
NAME = "em-ocpp-chargepoint-simulator"
ONE = Connector("CP001", 1, "env:WORD")


async def test_a_stranger_connects_is_read_and_given_up_when_it_is_mute() -> None:
    stranger(HERE, NAME)
    node, port = tool("node"), free_port()
    declared = LinkDeclaration("ocpp", f"127.0.0.1:{port}")
    link = OcppLink(declared, lambda reference: "s3cret12", HERE)
    with pytest.raises(LinkFault, match="is not connected"):
        await link.ask(ReadCharger(ONE, "power"))
    process = await asyncio.create_subprocess_exec(
        node,
        f"node_modules/{NAME}/build/src/main.js",
        "ocpp_mute.cjs",
        cwd=HERE,
        env={**os.environ, "CENTRAL": f"ws://CP001:s3cret12@127.0.0.1:{port}/CP001"},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    answer = await link.ask(ReadCharger(ONE, "power"))
                    if json.loads(answer.raw) == {"power": 7200}:
                        break
                except LinkFault:
                    pass
                await asyncio.sleep(0.1)
        state = json.loads((await link.ask(ReadCharger(ONE, "state"))).raw)
        assert (state["model"], state["status"]) == ("em 1", "Charging")
        async with asyncio.timeout(10):
            with pytest.raises(LinkFault, match="gave no answer to SetChargingProfile"):
                await link.tell(LimitCharger(ONE, 6, 1_380, 120_000))
        assert link.state().up
    finally:
        process.kill()
        await process.wait()
        await link.close()
