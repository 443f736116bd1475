"""What chargers did to others, in public: 13 to 16 of the failures that devices.md counts.

The charger is the library's own charge point over a real socket, driven as in a running program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from statemachine.device.control import WiredLoad
from tests.kit.devices.ocpp_charger import FakeCharger
from tests.kit.devices.ocpp_place import Place
from venctl.devices.catalog import shipped
from venctl.drivers.device import DeviceDriver
from venctl.drivers.links import LinkFault
from venctl.drivers.links.ocpp import charger as charger_module

SIX_W, LEASE_MS = 1_380, 120_000
CAR = WiredLoad("ev_pilot", amp_w=230, rated_w=7_360)
TEMPLATE = shipped()["ocpp"].model_copy(
    update={"pace": shipped()["ocpp"].pace.model_copy(update={"seen": 300})}
)


class Heard:
    """Who listens to the driver."""

    def __init__(self) -> None:
        self.doubts, self.moves = 0, list[bool]()

    def doubted(self, circuit: str) -> None:
        self.doubts += 1

    def moved(self, circuit: str, on: bool) -> None:
        self.moves.append(on)

    def noticed(self, circuit: str, text: str | None) -> None:
        """Nothing here is noticed."""


class Wired:
    """The circuit ev1 with its charger, connected and charging."""

    def __init__(self, place: Place) -> None:
        self.place, self.heard, self.charger = place, Heard(), place.charger()
        self.driver = DeviceDriver(
            "ev1",
            TEMPLATE,
            {"charger": "CP001"},
            CAR,
            place.link(),
            None,
            self.heard,
            place.clock,
        )

    async def start(self) -> FakeCharger:
        with pytest.raises(LinkFault):
            await self.driver.readings()
        await self.charger.connect(self.place.url)
        await self.hold(None)
        return self.charger

    async def hold(self, watts: int | None) -> None:
        await self.driver.hold("ev1", watts, self.place.clock()[0] + LEASE_MS)

    async def look(self) -> int | None:
        """Seconds later the charger reported, and was looked at. Returns its watts."""
        self.place.pass_s(5)
        await self.charger.reports()
        measured = (await self.driver.readings()).get("ev1")
        return None if measured is None else measured.watts


@pytest.fixture
def ev1(place: Place) -> Wired:
    return Wired(place)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_an_event_limits_pauses_and_gives_back_and_the_meter_follows(ev1: Wired) -> None:
    charger = await ev1.start()
    assert await ev1.look() == 3_680
    await ev1.hold(2_300)
    assert (await ev1.look(), charger.limit_a()) == (2_300, 10)
    await ev1.hold(1_000)  # below 6 A nothing can be drawn
    assert (await ev1.look(), charger.limit_a()) == (0, 0)
    await ev1.hold(None)
    assert (await ev1.look(), charger.profile) == (3_680, None)
    assert ev1.heard.doubts == 0 and ev1.heard.moves == []


async def test_a_limit_is_sent_again_after_40_s_and_lasts(ev1: Wired) -> None:
    charger = await ev1.start()
    await ev1.hold(SIX_W)
    for _ in range(60):
        doubts = ev1.heard.doubts
        assert await ev1.look() == SIX_W
        if ev1.heard.doubts > doubts:  # as the panel does
            await ev1.hold(SIX_W)
    assert charger.count("SetChargingProfile") in (1 + 300 // 40, 2 + 300 // 40)
    assert charger.count("ClearChargingProfile") == 2  # both at the start: `on` and `free`


async def test_failure_13_a_connection_that_dies_before_the_limit_is_told_in_time(
    ev1: Wired,
) -> None:
    await ev1.start()
    await ev1.charger.leave()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    with pytest.raises(LinkFault, match="CP001 "):
        await ev1.hold(0)
    assert loop.time() - began_s < 5


async def test_failure_13_a_charger_that_falls_silent_before_the_limit_is_told_in_time(
    ev1: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert charger_module.ORDER_S + charger_module.QUERY_S < 8
    assert charger_module.ORDER_S < 5
    monkeypatch.setattr(charger_module, "ORDER_S", 0.2)
    monkeypatch.setattr(charger_module, "QUERY_S", 0.1)
    charger = await ev1.start()
    charger.answers = False
    with pytest.raises(LinkFault, match="gave no answer to SetChargingProfile"):
        await ev1.hold(0)


async def test_failure_14_a_limit_that_is_accepted_and_not_followed_is_cleared_once_and_told(
    ev1: Wired,
) -> None:
    charger = await ev1.start()
    await ev1.hold(0)
    charger.obeys = False
    await ev1.hold(SIX_W)
    told, seconds = charger.count("SetChargingProfile"), 0
    while not ev1.heard.doubts:
        assert await ev1.look() == 3_680  # what its meter says, whatever it accepted
        seconds += 5
    assert seconds <= 60
    cleared = charger.count("ClearChargingProfile")
    await ev1.hold(SIX_W)  # as the panel does when it is doubted
    assert charger.count("ClearChargingProfile") == cleared + 1
    assert charger.count("SetChargingProfile") == told + 1
    for _ in range(12):
        await ev1.look()
    with pytest.raises(LinkFault, match="not seen so within"):
        await ev1.hold(SIX_W)
    assert charger.count("ClearChargingProfile") == cleared + 1
    assert ev1.heard.moves == []  # nobody moved it: it is not the person's to keep
    charger.obeys = True
    await ev1.look()
    await ev1.hold(SIX_W)
    assert await ev1.look() == SIX_W


@pytest.mark.parametrize("boot", [True, False])
async def test_failure_15_a_limit_forgotten_at_a_reconnect_is_told_again_at_once(
    ev1: Wired, boot: bool
) -> None:
    charger = await ev1.start()
    await ev1.hold(SIX_W)
    end = charger.profile and charger.profile["valid_to"]
    await charger.leave()
    charger.profile = None
    ev1.place.pass_s(10)
    await charger.connect(ev1.place.url, boot=boot)
    await until(lambda: charger.profile is not None)
    assert charger.draws() == SIX_W
    assert charger.profile is not None and charger.profile["valid_to"] == end  # no longer lease
    assert await ev1.look() == SIX_W


async def test_a_limit_that_ended_while_it_was_away_is_not_told_again(
    ev1: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charger_module, "BOOT_S", 0.0)
    charger = await ev1.start()
    await ev1.hold(SIX_W)
    told = charger.count("SetChargingProfile")
    await charger.leave()
    ev1.place.pass_s(130)
    await charger.connect(ev1.place.url)
    await ev1.look()
    assert charger.count("SetChargingProfile") == told and charger.draws() == 3_680


async def test_failure_16_without_this_program_a_car_charges_fully_when_the_lease_ends(
    ev1: Wired,
) -> None:
    charger = await ev1.start()
    await ev1.hold(0)
    assert charger.draws() == 0
    await ev1.driver.link.close()
    ev1.place.pass_s(LEASE_MS / 1000)
    assert charger.draws() == 3_680
    ev1.place.pass_s(480)
    assert charger.draws() == 3_680


async def test_rule_19_a_car_is_limited_to_0_or_to_6_amperes_and_more(ev1: Wired) -> None:
    charger = await ev1.start()
    for watts in (0, 229, 1_379, 1_380, 1_500, 5_000):
        await ev1.hold(watts)
        limit = charger.limit_a()
        assert limit is not None and (limit == 0 or limit >= 6)
        assert limit * 230 <= watts
        ev1.place.pass_s(60)  # a car gets more once a minute at most


async def test_a_charger_that_takes_watts_is_read_back_too(ev1: Wired) -> None:
    ev1.charger.unit = "Power"
    charger = await ev1.start()
    await ev1.hold(2_500)
    assert await ev1.look() == 2_500
    await ev1.hold(None)
    assert await ev1.look() == 3_680 and charger.profile is None


async def test_a_charger_without_composite_schedules_is_read_back_by_its_meter(
    ev1: Wired,
) -> None:
    ev1.charger.composite = False
    charger = await ev1.start()
    await ev1.look()
    with pytest.raises(LinkFault):  # its meter has not followed yet
        await ev1.hold(0)
    assert await ev1.look() == 0
    await ev1.hold(0)
    assert charger.draws() == 0


async def test_it_starts_anew_and_that_is_noticed(ev1: Wired) -> None:
    charger = await ev1.start()
    ev1.place.pass_s(60)
    await ev1.look()
    await charger.leave()
    await charger.connect(ev1.place.url)
    await ev1.look()
    assert len(ev1.driver.standing.reboots_ms) == 1
