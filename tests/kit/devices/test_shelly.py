"""The fake Shelly speaks as a real one does: aioshelly says so, and so do its documents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.request import urlopen

import pytest
from aiohttp import ClientOSError, ClientSession, ClientTimeout, DigestAuthMiddleware
from aioshelly.common import ConnectionOptions, get_info
from aioshelly.exceptions import InvalidAuthError, RpcCallError
from aioshelly.rpc_device import RpcDevice

from tests.kit.devices.background import Background
from tests.kit.devices.clock import HandClock
from tests.kit.devices.faults import (
    Dead,
    Deaf,
    Flapping,
    Garbage,
    Impostor,
    Late,
    Refusing,
    Reset,
    Status,
)
from tests.kit.devices.shelly import Shelly
from tests.kit.devices.wiring import Outlet, Wiring
from tests.kit.process.site import until

WORD = "a password"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def wiring(clock: HandClock) -> Wiring:
    return Wiring(clock=clock, unmetered_w=200)


@pytest.fixture
def heater(wiring: Wiring) -> Outlet:
    return wiring.outlet("heater", 1500)


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        yield session


async def ask(http: ClientSession, shelly: Shelly, path: str) -> Any:
    async with http.get(f"http://{shelly.address}{path}") as answer:
        return await answer.json()


async def tell(http: ClientSession, shelly: Shelly, **params: Any) -> Any:
    frame = {"id": 1, "src": "venctl", "method": "Switch.Set", "params": {"id": 0, **params}}
    async with http.post(f"http://{shelly.address}/rpc", json=frame) as answer:
        return await answer.json()


async def judge(http: ClientSession, shelly: Shelly, password: str | None) -> RpcDevice:
    user = "admin" if password else None
    options = ConnectionOptions("127.0.0.1", user, password, port=shelly.port)
    return await RpcDevice.create(http, None, options)


@pytest.mark.parametrize("password", [None, WORD])
async def test_aioshelly_drives_it(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock, password: str | None
) -> None:
    async with Shelly.plug(wiring, heater, password=password) as shelly:
        info = await get_info(http, "127.0.0.1", port=shelly.port)
        assert (info["model"], info["gen"], info["auth_en"]) == ("SNSW-001P16EU", 2, bool(password))
        device = await judge(http, shelly, password)
        heard: list[Any] = []
        device.subscribe_updates(lambda device, kind: heard.append(device.status["switch:0"]))
        await device.initialize()
        assert device.status["switch:0"]["apower"] == 1500
        was = await device.call_rpc("Switch.Set", {"id": 0, "on": False, "toggle_after": 120})
        assert was == {"was_on": True} and wiring.main.watts == 200
        status = await device.call_rpc("Switch.GetStatus", {"id": 0})
        assert (status["output"], status["source"], status["timer_duration"]) == (
            False,
            "WS_in",
            120,
        )
        clock.advance(119)
        assert wiring.main.watts == 200
        clock.advance(1)
        assert wiring.main.watts == 1700
        status = await device.call_rpc("Switch.GetStatus", {"id": 0})
        assert (status["output"], status["source"]) == (True, "timer")
        assert "timer_started_at" not in status and heard[-1]["output"] is True
        with pytest.raises(RpcCallError, match="No handler for Cover"):
            await device.call_rpc("Cover.Open", {"id": 0})
        await device.shutdown()


async def test_aioshelly_and_digest_refuse_a_wrong_password(
    http: ClientSession, wiring: Wiring, heater: Outlet
) -> None:
    async with Shelly.plug(wiring, heater, password=WORD) as shelly:
        with pytest.raises(InvalidAuthError):
            await (await judge(http, shelly, "another")).initialize()
        for word, status in ((WORD, 200), ("another", 401)):
            digest = DigestAuthMiddleware("admin", word)
            url = f"http://{shelly.address}/rpc/Switch.GetStatus?id=0"
            async with http.get(url, middlewares=(digest,)) as answer:
                assert answer.status == status
        assert heater.closed


async def test_a_renewed_lease_runs_from_its_renewal(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock
) -> None:
    async with Shelly.plug(wiring, heater) as shelly:
        for _ in range(3):
            await tell(http, shelly, on=False, toggle_after=120)
            clock.advance(100)
        assert not heater.closed
        clock.advance(20)
        assert heater.closed and [watts for _, watts in heater.changes] == [0, 1500]


@pytest.mark.parametrize(
    ("state", "closed"), [("on", True), ("off", False), ("restore_last", False)]
)
async def test_after_a_reboot_it_stands_as_its_settings_say_and_the_lease_is_gone(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock, state: str, closed: bool
) -> None:
    async with Shelly.plug(wiring, heater) as shelly:
        shelly.relay.config["initial_state"] = state
        clock.advance(1000)
        await tell(http, shelly, on=False, toggle_after=120)
        rebooting = asyncio.create_task(shelly.reboot(down_s=10))
        await asyncio.sleep(0.01)
        clock.advance(10)
        await rebooting
        clock.advance(200)
        status = await ask(http, shelly, "/rpc/Switch.GetStatus?id=0")
        assert (status["output"], status["source"]) == (closed, "init")
        assert heater.closed is closed
        assert (await ask(http, shelly, "/rpc/Shelly.GetStatus"))["sys"]["uptime"] == 200


async def test_a_person_wins_and_the_device_says_who_it_was(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock
) -> None:
    async with Shelly.plug(wiring, heater) as shelly:
        await tell(http, shelly, on=False, toggle_after=120)
        shelly.press()
        status = await ask(http, shelly, "/rpc/Switch.GetStatus?id=0")
        assert (status["output"], status["source"]) == (True, "button")
        clock.advance(500)
        assert heater.closed


async def test_faults_of_arguments_come_as_a_real_one_gives_them(
    http: ClientSession, wiring: Wiring, heater: Outlet
) -> None:
    async with Shelly.plug(wiring, heater, metered=False) as shelly:
        assert "apower" not in await ask(http, shelly, "/rpc/Switch.GetStatus?id=0")
        words = "Argument 'id', value 3 not found!"
        assert await ask(http, shelly, "/rpc/Switch.GetStatus?id=3") == {
            "code": -105,
            "message": words,
        }
        frame = {"id": 1, "method": "Switch.GetStatus", "params": {"id": 3}}
        async with http.post(f"http://{shelly.address}/rpc", json=frame) as answer:
            assert answer.status == 200 and (await answer.json())["error"]["message"] == words


async def test_a_three_phase_meter_adds_up(http: ClientSession, wiring: Wiring) -> None:
    wiring.outlet("oven", 3000, (1, 2, 3))
    async with Shelly.meter3(wiring, wiring.main) as shelly:
        status = await ask(http, shelly, "/rpc/EM.GetStatus?id=0")
        parts = [status[f"{name}_act_power"] for name in "abc"]
        assert status["total_act_power"] == 3200 and sum(parts) == pytest.approx(3200, abs=0.2)


async def test_a_device_that_is_away_or_silent_looks_so(
    http: ClientSession, wiring: Wiring, heater: Outlet
) -> None:
    url = "/rpc/Switch.GetStatus?id=0"
    async with Shelly.plug(wiring, heater) as shelly:
        await shelly.fail(Refusing())
        with pytest.raises(OSError):
            await ask(http, shelly, url)
        await shelly.heal()
        await shelly.fail(Dead())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(http, shelly, url)
        await shelly.fail(Reset())
        with pytest.raises(ClientOSError):
            await ask(http, shelly, url)
        await shelly.heal()
        assert (await ask(http, shelly, url))["output"] is True
        assert shelly.counts.in_flight == 0


async def test_a_late_one_has_done_it_and_a_deaf_one_has_not(
    http: ClientSession, wiring: Wiring, heater: Outlet
) -> None:
    async with Shelly.plug(wiring, heater) as shelly:
        await shelly.fail(Deaf())
        assert (await tell(http, shelly, on=False))["result"] == {"was_on": True}
        assert heater.closed
        await shelly.fail(Late(100))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await tell(http, shelly, on=False)
        assert not heater.closed
        assert [what for _, what in shelly.counts.commands] == ["switch:0 off"] * 2


async def test_what_makes_no_sense_makes_none(
    http: ClientSession, wiring: Wiring, heater: Outlet
) -> None:
    url = "/rpc/Switch.GetStatus?id=0"
    async with Shelly.plug(wiring, heater) as shelly:
        texts: dict[str, str] = {}
        for how in ("huge", "deep", "nan", "infinite", "null", "words", "html", "cut", "list"):
            await shelly.fail(Garbage(how))
            async with http.get(f"http://{shelly.address}{url}") as answer:
                texts[how] = await answer.text()
        assert len(texts["huge"]) > 8_000_000 and json.loads(texts["huge"])["apower"] == 1500
        assert '"apower": NaN' in texts["nan"] and '"apower": null' in texts["null"]
        assert '"apower": 1e400' in texts["infinite"] and '"apower": "a lot"' in texts["words"]
        await shelly.fail(Status(429, each=2))
        statuses = []
        for _ in range(4):
            async with http.get(f"http://{shelly.address}{url}") as answer:
                statuses.append(answer.status)
        assert sorted(statuses) == [200, 200, 429, 429]


async def test_another_device_can_stand_at_its_address(
    http: ClientSession, wiring: Wiring, heater: Outlet
) -> None:
    async with Shelly.plug(wiring, heater) as shelly:
        await shelly.fail(Impostor(Shelly.meter3(wiring, wiring.main)))
        assert (await ask(http, shelly, "/shelly"))["model"] == "SPEM-003CEBEU"


async def test_a_flapping_one_is_well_and_dead_in_turns(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock
) -> None:
    url = "/rpc/Switch.GetStatus?id=0"
    async with Shelly.plug(wiring, heater) as shelly:
        await shelly.fail(Flapping(well_s=10, dead_s=5))
        await asyncio.sleep(0)
        for _ in range(3):
            assert (await ask(http, shelly, url))["output"] is True
            for step, well in ((9, True), (2, False), (3, False), (1, True)):
                clock.advance(step)
                await asyncio.sleep(0.01)
                assert (shelly.suffers is None) is well
        assert shelly.counts.connections == 3


async def test_it_counts_how_it_is_called(
    http: ClientSession, wiring: Wiring, heater: Outlet, clock: HandClock
) -> None:
    url = "/rpc/Switch.GetStatus?id=0"
    async with Shelly.plug(wiring, heater) as shelly:
        await shelly.fail(Late(1))
        asked = [asyncio.create_task(ask(http, shelly, url)) for _ in range(3)]
        while shelly.counts.in_flight < 3:
            await asyncio.sleep(0.01)
        clock.advance(1)
        await asyncio.gather(*asked)
        counts = shelly.counts
        assert (counts.most_in_flight, counts.most_open, counts.requests) == (3, 3, 3)


def test_a_test_that_blocks_has_it_on_a_thread() -> None:
    wiring = Wiring()
    with Background() as street:
        shelly = street.start(Shelly.plug(wiring, wiring.outlet("heater", 900)))
        street.do(shelly.relay.set, False, "http", 0.05)
        assert wiring.watts == 0
        until(lambda: wiring.watts == 900, "the lease has run out")
        with urlopen(f"http://{shelly.address}/shelly", timeout=5) as answer:
            assert json.load(answer)["gen"] == 2
