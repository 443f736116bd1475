"""Chargers that connect: who may, what they are told, and what they say. Over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import datetime
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from statemachine.device.requests import Connector, FreeCharger, LimitCharger, ReadCharger
from tests.kit.devices.ocpp_charger import FakeCharger
from tests.kit.devices.ocpp_place import Place
from tests.kit.mqtt.certificates import Authority
from venctl.base import extras
from venctl.drivers.links import LinkFault
from venctl.drivers.links.ocpp import charger as charger_module
from venctl.drivers.links.ocpp.link import OcppLink
from venctl.drivers.links.settings import trusting

ONE = Connector("CP001", 1)
LEASE_MS = 120_000
WHOLE = FreeCharger(ONE, 32, 7_360)
SIX = LimitCharger(ONE, 6, 1_380, LEASE_MS)
NOTHING = LimitCharger(ONE, 0, 0, LEASE_MS)


async def fault_of(asking: Any) -> LinkFault:
    with pytest.raises(LinkFault) as caught:
        await asking
    return caught.value


async def listening(link: OcppLink, connector: Connector = ONE) -> str:
    """The link listens from the first request on; what it says without a charger."""
    return str(await fault_of(link.ask(ReadCharger(connector, "power"))))


async def connected(place: Place, **kind: Any) -> tuple[OcppLink, FakeCharger]:
    link, charger = place.link(), place.charger()
    for name, is_so in kind.items():
        setattr(charger, name, is_so)
    await listening(link)
    await charger.connect(place.url)
    return link, charger


async def read(link: OcppLink, what: Any) -> Any:
    return json.loads((await link.ask(ReadCharger(ONE, what))).raw)


async def test_a_charger_that_is_not_there_is_named_with_where_it_should_connect(
    place: Place,
) -> None:
    link = place.link()
    assert await listening(link) == f"CP001 is not connected to {place.url}/CP001"
    assert link.state().up is None


async def test_a_charger_is_told_the_time_and_to_say_every_half_minute_that_it_lives(
    place: Place,
) -> None:
    _, charger = await connected(place)
    said = charger.boot_answer
    assert (said.status, said.interval) == ("Accepted", 30)
    assert datetime.fromisoformat(said.current_time).timestamp() == place.clock()[0] // 1000


async def test_what_it_draws_is_what_its_meter_says_and_as_old(place: Place) -> None:
    link, charger = await connected(place)
    await charger.reports()
    place.pass_s(7)
    answer = await link.ask(ReadCharger(ONE, "power"))
    assert (answer.raw, answer.age_ms) == ('{"power": 3680}', 7_000)
    assert charger.count("TriggerMessage") == 0


async def test_kilowatts_are_not_watts(place: Place) -> None:
    link, charger = await connected(place, power_unit="kW")
    await charger.reports()
    assert await read(link, "power") == {"power": 3680}


async def test_an_old_reading_is_hurried_and_a_charger_that_cannot_is_left_alone(
    place: Place,
) -> None:
    link, charger = await connected(place, triggers=False)
    await charger.reports()
    for _ in range(5):
        place.pass_s(6)
        assert await read(link, "power") == {"power": 3680}
    assert 1 <= charger.count("TriggerMessage") <= 4
    charger.triggers = True
    place.pass_s(60)
    await read(link, "power")
    async with asyncio.timeout(10):
        while (await link.ask(ReadCharger(ONE, "power"))).age_ms != 0:
            await asyncio.sleep(0.01)


async def test_what_a_charger_kept_while_it_was_away_is_not_news(place: Place) -> None:
    link, charger = await connected(place)
    await charger.reports()
    charger.utc_ms = lambda: place.clock()[0] - 300_000
    await charger.reports((None, 99))
    assert await read(link, "power") == {"power": 3680}


async def test_what_came_late_first_is_old_once_a_message_comes_in_time(place: Place) -> None:
    late = {"ms": 300_000}
    link, charger = await connected(place, utc_ms=lambda: place.clock()[0] - late["ms"])
    await charger.reports((None, 99))
    for late["ms"], watts in ((0, 1_000), (200_000, 98)):
        await charger.reports((None, watts))
    place.pass_s(7)
    answer = await link.ask(ReadCharger(ONE, "power"))
    assert (answer.raw, answer.age_ms) == ('{"power": 1000}', 7_000)


async def test_a_charger_without_a_car_draws_nothing(place: Place) -> None:
    link, charger = await connected(place, triggers=False)
    await charger.reports()
    place.pass_s(1)
    await charger.says("Available")
    assert await read(link, "power") == {"power": 0}
    await charger.reports((None, 1_400))  # its meter knows better
    place.pass_s(1)
    await charger.reports((None, 1_400))
    assert await read(link, "power") == {"power": 1400}


@pytest.mark.parametrize(("unit", "said"), [("Current", ("A", 6)), ("Power", ("W", 1380))])
async def test_a_limit_is_told_in_the_unit_that_the_charger_takes_which_is_asked_once(
    place: Place, unit: str, said: tuple[str, int]
) -> None:
    link, charger = await connected(place, unit=unit)
    for _ in range(3):
        await link.tell(SIX)
    schedule = charger.profile["charging_schedule"] if charger.profile else {}
    limit = schedule["charging_schedule_period"][0]["limit"]
    assert (schedule["charging_rate_unit"], limit) == said
    assert charger.count("GetConfiguration") == 1
    assert charger.profile is not None and charger.profile["stack_level"] == 8
    assert charger.draws() == 1_380
    assert await read(link, "limit") == {"limit": 6, "by": "device"}


async def test_a_pause_is_a_limit_of_0_amperes_and_a_release_clears_it(place: Place) -> None:
    link, charger = await connected(place)
    await link.tell(NOTHING)
    assert charger.draws() == 0 and charger.limit_a() == 0
    assert (await read(link, "limit"))["limit"] == 0
    await link.tell(WHOLE)
    assert charger.profile is None and charger.draws() == 3_680
    assert (await read(link, "limit"))["limit"] == 32
    await link.tell(WHOLE)  # the charger says Unknown: it has none
    assert charger.count("ClearChargingProfile") == 2


async def test_what_the_charger_says_that_holds_counts_more_than_what_it_was_told(
    place: Place,
) -> None:
    link, charger = await connected(place)
    await link.tell(SIX)
    assert charger.profile is not None
    period = charger.profile["charging_schedule"]["charging_schedule_period"][0]
    period["limit"] = 10
    assert (await read(link, "limit"))["limit"] == 10


async def test_without_that_its_meter_tells_whether_it_obeys(place: Place) -> None:
    link, charger = await connected(place, composite=False, triggers=False)
    await charger.reports()
    place.pass_s(1)
    await link.tell(SIX)
    assert await read(link, "limit") == {}  # its meter has said nothing since
    await charger.reports()
    assert (await read(link, "limit"))["limit"] == 6


async def test_a_refusal_comes_with_the_chargers_own_word(place: Place) -> None:
    link, _ = await connected(place, refuses="NotSupported")
    fault = await fault_of(link.tell(SIX))
    assert str(fault) == "CP001 refuses SetChargingProfile: NotSupported"
    assert fault.lasting


async def test_a_mute_charger_is_given_up_in_our_own_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charger_module, "QUERY_S", 0.1)
    monkeypatch.setattr(charger_module, "ORDER_S", 0.1)
    link, charger = await connected(place, answers=False)
    assert await read(link, "power") == {}
    assert "gave no answer to SetCharging" in str(await fault_of(link.tell(SIX)))
    assert "gave no answer to ClearCharging" in str(await fault_of(link.tell(WHOLE)))
    told = len(charger.told)
    await read(link, "limit")
    await read(link, "limit")
    assert len(charger.told) - told <= 2  # it is not asked again and again
    assert link.state().up  # an answer that comes late is no reason to close


async def test_two_orders_and_a_query_are_never_under_way_at_once(place: Place) -> None:
    link, charger = await connected(place)
    await asyncio.gather(
        link.tell(SIX), read(link, "limit"), link.tell(NOTHING), read(link, "power")
    )
    assert charger.count("SetChargingProfile") == 2
    assert charger.limit_a() == 0


async def test_its_settings_and_how_slow_its_clock_is_can_be_read(place: Place) -> None:
    link, charger = await connected(place)
    charger.utc_ms = lambda: place.clock()[0] - 90_000
    await charger.connect(place.url)
    said = await read(link, "settings")
    assert said["clock_off"] == 90 and said["MeterValueSampleInterval"] == "10"
    state = await read(link, "state")
    assert (state["model"], state["firmware"]) == ("Maker Model 7", "1.2.3")


async def test_a_charger_that_nobody_named_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venctl.drivers.links.ocpp.server.NAMED_S", 0.1)
    await listening(place.link())
    with pytest.raises(WSServerHandshakeError) as refused:
        await place.charger("CP999").connect(place.url)
    assert refused.value.status == 404


async def test_a_charger_that_is_quicker_than_its_first_request_waits(place: Place) -> None:
    link = place.link()
    await listening(link, Connector("other", 1))
    coming = asyncio.create_task(place.charger().connect(place.url))
    await asyncio.sleep(0.1)
    await listening(link)
    await coming
    assert link.state().up


@pytest.mark.parametrize(("word", "status"), [(None, 401), ("wrong", 401), ("s3cret", None)])
async def test_a_charger_says_its_password(
    place: Place, word: str | None, status: int | None
) -> None:
    await listening(place.link(), Connector("CP001", 1, "env:ONE"))
    charger = place.charger()
    if status is None:
        await charger.connect(place.url, word=word)
        assert charger.boot_answer.status == "Accepted"
        return
    with pytest.raises(WSServerHandshakeError) as refused:
        await charger.connect(place.url, word=word)
    assert refused.value.status == status


async def test_its_own_password_counts_before_the_one_of_all(place: Place) -> None:
    link = place.link(password="env:ALL")
    await listening(link, Connector("CP001", 1, "env:ONE"))
    await listening(link, Connector("CP002", 1))
    await place.charger("CP002").connect(place.url, word="common")
    with pytest.raises(WSServerHandshakeError):
        await place.charger().connect(place.url, word="common")
    await place.charger().connect(place.url, word="s3cret")


async def test_beyond_this_machine_a_charger_needs_a_password(place: Place) -> None:
    link = place.link("0.0.0.0")
    assert "CP001 has no password" in await listening(link)
    with pytest.raises(WSServerHandshakeError) as refused:
        await place.charger().connect(place.url)
    assert refused.value.status == 403


async def test_a_page_in_a_browser_is_no_charger(place: Place) -> None:
    await listening(place.link())
    async with ClientSession(headers={"Origin": "http://evil.example"}) as session:
        with pytest.raises(WSServerHandshakeError) as refused:
            await session.ws_connect(f"{place.url}/CP001", protocols=["ocpp1.6"])
    assert refused.value.status == 403


async def test_another_protocol_is_refused(place: Place) -> None:
    await listening(place.link())
    async with ClientSession() as session:
        with pytest.raises(WSServerHandshakeError) as refused:
            await session.ws_connect(f"{place.url}/CP001", protocols=["ocpp2.0.1"])
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "said",
    [
        "x" * 70_000,
        "[" * 20_000,
        "no JSON",
        '{"a": 1}',
        "[]",
        '[2, "1", {"a": 1}, {}]',
        '[2, "1", "Heartbeat", [1, 2]]',
        '[2, "1", "MeterValues", {"connectorId": {}, "meterValue": 7}]',
        '[2, "1", "Nonsense", {}]',
        '[3, "unasked", {}]',
        '[4, "unasked", "x", "y", {}]',
        '[null, "1"]',
    ],
)
async def test_whatever_a_charger_says_the_others_go_on(place: Place, said: str) -> None:
    link = place.link()
    await listening(link)
    await listening(link, Connector("odd", 1))
    charger = place.charger()
    await charger.connect(place.url)
    async with ClientSession() as session:
        odd = await session.ws_connect(f"{place.url}/odd", protocols=["ocpp1.6"])
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                await odd.send_str(said)
    await charger.reports()
    assert await read(link, "power") == {"power": 3680}


async def test_answers_that_nobody_asked_for_do_not_pile_up(place: Place) -> None:
    await listening(place.link())
    async with ClientSession() as session:
        odd = await session.ws_connect(f"{place.url}/CP001", protocols=["ocpp1.6"])
        for _ in range(200):
            await odd.send_str('[3, "unasked", {}]')
        async with asyncio.timeout(5):
            while (await odd.receive()).type is not WSMsgType.CLOSE:
                pass


async def test_the_newest_connection_of_a_charger_counts(place: Place) -> None:
    link, old = await connected(place)
    new = place.charger()
    await new.connect(place.url)
    await link.tell(SIX)
    assert new.profile is not None and old.profile is None
    await old.leave()
    assert link.state().up


async def test_over_tls_with_a_declared_certificate(place: Place) -> None:
    authority = Authority(place.beside, "own")
    pair = authority.server("venctl", host="127.0.0.1", days=1)
    link = place.link(cert=pair.cert.name, key=pair.key.name)
    await listening(link)
    context = trusting(authority.ca.read_bytes())
    async with ClientSession() as session:
        url = f"wss://127.0.0.1:{place.port}/CP001"
        socket = await session.ws_connect(url, protocols=["ocpp1.6"], ssl=context)
        await socket.send_str('[2, "1", "Heartbeat", {}]')
        assert "currentTime" in (await socket.receive_str())


async def test_a_key_without_a_certificate_is_said_in_a_sentence(place: Place) -> None:
    assert "TLS needs both" in await listening(place.link(key="some.key"))
    said = await listening(place.link(cert="none.pem", key="none.key"))
    assert "none.pem" in said and "No such file" in said


async def test_an_address_that_is_taken_is_said_in_a_sentence(place: Place) -> None:
    await listening(place.link())
    assert "cannot listen at 127.0.0.1" in await listening(place.link())


async def test_without_the_library_one_sentence_says_what_to_install(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(LinkFault, match=r"pip install 'venctl\[ocpp\]'"):
        place.link()
