"""The MQTT link on a real mosquitto: ages, orders nobody hears, and a broker that goes away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import HttpRequest, LinkAnswer, Listen, Publish
from tests.kit.devices.hand_clocks import HandClocks
from tests.kit.devices.wire_mqtt import WireMqtt, on_broker
from tests.kit.mqtt.certificates import Authority
from tests.kit.mqtt.mosquitto import Mosquitto, ServerTls, free_port
from venctl.drivers.links import DeviceLink, LinkFault, open_link
from venctl.drivers.links.mqtt import MqttLink

SENSOR = "tele/boiler/SENSOR"
# Tasmota's own, from its documentation.
POWER = '{"Time":"2026-11-28T20:55:00","ENERGY":{"Power":1482,"Voltage":231}}'
OFF = Publish("cmnd/boiler/TimedPower1", "120000,0")
STATUS = Publish("cmnd/boiler/Status", "8")


@pytest.fixture
async def device(broker: Mosquitto) -> AsyncIterator[WireMqtt]:
    async with on_broker(broker.port, "cmnd/boiler/#") as one:
        yield one


@pytest.fixture
async def link(broker: Mosquitto) -> AsyncIterator[DeviceLink]:
    one = linked(f"127.0.0.1:{broker.port}")
    yield one
    await one.close()


def linked(to: str, beside: Path = Path(), **settings: str) -> DeviceLink:
    return open_link(LinkDeclaration("mqtt", to, settings), lambda reference: "s3cret", beside)


async def fault_of(asking: object) -> LinkFault:
    with pytest.raises(LinkFault) as caught:
        await asking  # type: ignore[misc]
    return caught.value


async def until_down(link: DeviceLink) -> None:
    async with asyncio.timeout(5):
        while link.state().up:
            await asyncio.sleep(0.01)


async def until_said(link: DeviceLink, topic: str, said: str) -> LinkAnswer:
    """The broker has a message before we have it."""
    async with asyncio.timeout(10):
        while True:
            with suppress(LinkFault):
                if (answer := await link.ask(Listen(topic))).raw == said:
                    return answer
            await asyncio.sleep(0.01)


async def until_up(link: DeviceLink, topic: str) -> None:
    """The link comes back by itself."""
    async with asyncio.timeout(10):
        while True:
            try:
                await link.ask(Listen(topic))
                return
            except LinkFault:
                await asyncio.sleep(0.05)


async def test_rule_9_a_message_has_the_age_it_has_and_a_retained_one_has_none(
    link: DeviceLink, device: WireMqtt
) -> None:
    await device.say(SENSOR, POWER, retain=True)
    answer = await link.ask(Listen(SENSOR))
    assert (answer.raw, answer.age_ms) == (POWER, None)
    await device.say(SENSOR, "new")
    assert (await until_said(link, SENSOR, "new")).age_ms is not None
    await asyncio.sleep(0.05)
    assert ((await link.ask(Listen(SENSOR))).age_ms or 0) >= 50


async def test_a_topic_on_which_nothing_came_is_a_fault_and_the_second_time_at_once(
    link: DeviceLink, device: WireMqtt
) -> None:
    fault = await fault_of(link.ask(Listen(SENSOR)))
    assert str(fault) == f"nothing has come on {SENSOR} yet"
    assert link.state().up is True
    async with asyncio.timeout(0.5):
        await fault_of(link.ask(Listen(SENSOR)))


async def test_rule_13_an_order_reaches_the_device_and_is_never_retained(
    link: DeviceLink, device: WireMqtt, broker: Mosquitto
) -> None:
    await link.tell(OFF)
    await device.until(1)
    assert device.heard == [(OFF.topic, OFF.payload, False)]
    async with on_broker(broker.port, "cmnd/#") as later:
        await link.tell(OFF)
        await later.until(1)
        assert later.heard == [(OFF.topic, OFF.payload, False)], "nothing was stored before"


async def test_an_order_that_nobody_listens_to_is_a_fault(link: DeviceLink) -> None:
    fault = await fault_of(link.tell(Publish("cmnd/biler/Power1", "0")))
    assert str(fault) == "nobody listens on cmnd/biler/Power1"
    assert not fault.lasting
    assert link.state().up is True


async def test_failure_5_nothing_is_replayed_when_the_broker_restarts_in_an_order(
    link: DeviceLink, device: WireMqtt, broker: Mosquitto
) -> None:
    await device.say(SENSOR, POWER, retain=True)
    await link.ask(Listen(SENSOR))
    broker.freeze()
    order = asyncio.create_task(fault_of(link.tell(OFF)))
    await asyncio.sleep(0.1)
    broker.kill()
    assert not (await order).lasting
    await fault_of(link.tell(OFF))
    broker.start()
    await until_up(link, SENSOR)
    async with on_broker(broker.port, "cmnd/#") as later:
        await link.tell(Publish("cmnd/boiler/Power1", "1"))
        await later.until(1)
        assert later.heard == [("cmnd/boiler/Power1", "1", False)]


async def test_a_broker_that_goes_away_is_told_at_once_and_comes_back(
    link: DeviceLink, device: WireMqtt, broker: Mosquitto
) -> None:
    await device.say(SENSOR, POWER, retain=True)
    await link.ask(Listen(SENSOR))
    broker.stop()
    await until_down(link)
    began = time.monotonic()
    for _ in range(20):
        fault = await fault_of(link.ask(Listen(SENSOR)))
        assert fault.away
        await fault_of(link.tell(OFF))
    assert time.monotonic() - began < 2, "forty faults, none of them by a time limit"
    broker.start()
    await until_up(link, SENSOR)
    assert (await link.ask(Listen(SENSOR))).raw == POWER
    async with on_broker(broker.port) as again:
        await again.say(SENSOR, "later")
    await until_said(link, SENSOR, "later")


async def test_what_the_broker_repeats_after_a_reconnect_is_no_younger(
    link: DeviceLink, device: WireMqtt, broker: Mosquitto
) -> None:
    await fault_of(link.ask(Listen(SENSOR)))
    await device.say(SENSOR, POWER, retain=True)
    await until_said(link, SENSOR, POWER)
    broker.stop()
    await until_down(link)
    broker.start()
    await until_up(link, SENSOR)
    await asyncio.sleep(0.2)
    age_ms = (await link.ask(Listen(SENSOR))).age_ms
    assert age_ms is not None and age_ms >= 200


async def test_rule_5_a_frozen_broker_is_given_up_and_left(
    link: DeviceLink, device: WireMqtt, broker: Mosquitto
) -> None:
    await link.tell(OFF)
    broker.freeze()
    fault = await fault_of(link.tell(OFF))
    assert str(fault).endswith("gave no answer within 2 s")
    async with asyncio.timeout(1):
        assert (await fault_of(link.tell(OFF))).away


async def test_nobody_at_that_address_is_a_fault_in_words() -> None:
    link = linked(f"127.0.0.1:{(port := free_port())}")
    fault = await fault_of(link.ask(Listen(SENSOR)))
    assert str(fault).startswith(f"the broker 127.0.0.1:{port}: ")
    assert "refused" in str(fault)
    assert link.state().up is False
    await link.close()


async def test_a_device_is_asked_to_report_at_its_pace_and_again_after_an_order(
    broker: Mosquitto, device: WireMqtt
) -> None:
    clock = HandClocks()
    link = MqttLink(
        LinkDeclaration("mqtt", f"127.0.0.1:{broker.port}", {"poll": "10 s"}), str, Path(), clock
    )
    asking = Listen("stat/boiler/STATUS8", STATUS)
    device.answers[STATUS.topic] = ("stat/boiler/STATUS8", POWER)
    for _ in range(75):  # 15 s
        assert (await link.ask(asking)).raw == POWER
        clock.now_ms += 200
    assert device.heard == [(STATUS.topic, "8", False)] * 2
    await link.tell(OFF)
    clock.now_ms += 200
    await link.ask(asking)
    await link.ask(asking)
    assert [topic for topic, *_ in device.heard] == [STATUS.topic] * 2 + [OFF.topic, STATUS.topic]
    await link.close()


async def test_a_device_that_is_asked_and_away_is_a_fault(
    link: DeviceLink, device: WireMqtt
) -> None:
    await device.say("stat/plug/STATUS8", POWER, retain=True)
    fault = await fault_of(link.ask(Listen("stat/plug/STATUS8", Publish("cmnd/plug/Status", "8"))))
    assert str(fault) == "nobody listens on cmnd/plug/Status"
    assert link.state().errors == 1


async def test_only_the_declared_topics_are_subscribed(
    link: DeviceLink, device: WireMqtt, broker: Mosquitto
) -> None:
    await device.say(SENSOR, POWER, retain=True)
    await link.ask(Listen(SENSOR))
    asked = [line for line in broker.log().splitlines() if "venctl-" in line and "QoS" in line]
    assert [line.split()[1] for line in asked if line.split()[1].startswith("tele")] in (
        [],
        [SENSOR],
    )
    for topic in ("tele/+/SENSOR", "#", "", "a\0b"):
        assert (await fault_of(link.ask(Listen(topic)))).lasting


async def test_a_message_longer_than_64_kib_is_no_reading(
    link: DeviceLink, device: WireMqtt
) -> None:
    await device.say(SENSOR, "x" * 65_537, retain=True)
    fault = await fault_of(link.ask(Listen(SENSOR)))
    assert str(fault) == f"the message on {SENSOR} is longer than 64 KiB"
    await device.say("other", b"\xff\xfe", retain=True)
    assert (await link.ask(Listen("other"))).raw == "\ufffd\ufffd"


async def test_a_flood_leaves_the_newest_message(link: DeviceLink, device: WireMqtt) -> None:
    await device.say(SENSOR, "first", retain=True)
    await link.ask(Listen(SENSOR))
    device.flood(SENSOR, (str(number) for number in range(500)))
    await until_said(link, SENSOR, "499")


async def test_rule_20_a_refused_password_is_not_tried_again_within_a_minute(
    tmp_path: Path,
) -> None:
    (tmp_path / "words").write_text("me:$7$101$no$no\n")
    broker = Mosquitto(tmp_path, None, "allow_anonymous false\n")
    clock = HandClocks()
    settings = {"username": "me", "password": "env:A"}
    declared = LinkDeclaration("mqtt", f"127.0.0.1:{broker.port}", settings)
    link = MqttLink(declared, lambda reference: "wrong", Path(), clock)
    try:
        for _ in range(60):
            fault = await fault_of(link.tell(OFF))
            assert fault.lasting
            assert "refuses the user name or password (not authorized)" in str(fault)
            clock.now_ms += 1000
        assert broker.log().count("Sending CONNACK") == 1
        await fault_of(link.tell(OFF))
        assert broker.log().count("Sending CONNACK") == 2
    finally:
        await link.close()
        broker.kill()


async def test_tls_trusts_the_own_ca_and_no_stranger(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    pair = ours.server("broker", host="127.0.0.1", days=1)
    broker = Mosquitto(tmp_path, ServerTls(pair.cert, pair.key, None), "")
    to = f"mqtts://127.0.0.1:{broker.port}"
    good, wrong = (linked(to, tmp_path, ca=one.ca.name) for one in (ours, other))
    try:
        async with asyncio.timeout(8):
            assert "nobody listens" in str(await fault_of(good.tell(OFF)))
            assert "certificate that is not trusted" in str(await fault_of(wrong.tell(OFF)))
    finally:
        await good.close()
        await wrong.close()
        broker.kill()


async def test_a_request_of_another_protocol_is_refused(link: DeviceLink) -> None:
    assert (await fault_of(link.ask(HttpRequest("GET", "/")))).lasting
    assert (await fault_of(link.tell(HttpRequest("GET", "/")))).lasting
