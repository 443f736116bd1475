"""What a broker has retained, and sends because we subscribed, is nobody's command."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from awscrt import mqtt5

from statemachine.state.triggers import Command, Invalid, Trigger
from statemachine.wire.commands import Origin, parse_command
from tests.kit.core.sample_sites import MAPLE, NOW_MS, site
from tests.kit.mqtt.link_peer import HANG_S, endpoint, peer
from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.process.site import STEADY, Backend, Site, until
from venctl.link.link import Link, Message, News
from venctl.link.uplink import Uplink

LOCAL = "cloud: {kind: local}"
CMD = "ven/cmd/volttron_local"
OFF = {"op": "setLoad", "loadId": "heater1", "enabled": False, "correlationId": "c1"}
EVENT = {"op": "event", "event_id": "e1", "shed_kw": 1.0, "duration_sec": 60}
EVERY = (
    *(OFF, EVENT, {"op": "event", "shed_kw": 1.0}, {"op": "restore", "correlationId": "r"}),
    *({"op": "cancel", "event_id": "e1"}, {"op": "setConfig", "report_interval_seconds": 5}),
    *({"op": "setLock", "loadId": "hvac1", "locked": True}, {"op": "ping"}, {"op": "get"}),
)


@pytest.mark.parametrize("said", EVERY, ids=lambda said: "-".join(map(str, said.values())))
def test_p43_a_retained_command_is_refused_and_says_what_to_do(said: dict[str, object]) -> None:
    door = Origin("operator", "r", NOW_MS, NOW_MS, stored=True)
    command = parse_command(json.dumps(said), "volttron_local", door)
    assert isinstance(command, Invalid)
    assert (command.reason, command.op) == ("expired", said["op"])
    assert command.correlation == said.get("correlationId")
    assert "publish commands without retain" in command.detail


def test_what_is_retained_and_makes_no_sense_is_refused_for_that() -> None:
    door = Origin("operator", "r", NOW_MS, NOW_MS, stored=True)
    command = parse_command(b"{", "volttron_local", door)
    assert isinstance(command, Invalid) and command.reason == "invalid"


async def test_a_broker_is_asked_for_nothing_that_it_has_retained(broker: Mosquitto) -> None:
    async with peer(endpoint(broker.port, "op")) as operator:
        await operator.link.publish(CMD, b"old", retain=True)
        async with peer(endpoint(broker.port, "v1"), [CMD]) as ven:
            await operator.link.publish(CMD, b"new", retain=True)
            said = await ven.next(Message)
            assert (said.payload, said.stored) == (b"new", False), "said now, retained or not"
        async with peer(endpoint(broker.port, "v2"), [CMD]) as ven:
            await operator.link.publish(CMD, b"newer")
            assert await ven.message() == b"newer"


async def test_who_wants_what_is_retained_is_told_that_it_is(broker: Mosquitto) -> None:
    heard: asyncio.Queue[News] = asyncio.Queue()
    async with peer(endpoint(broker.port, "op")) as operator:
        await operator.link.publish(CMD, b"old", retain=True)
        link = Link(endpoint(broker.port, "x"), [CMD], None, heard.put_nowait, stored=True)
        link.start()
        async with asyncio.timeout(HANG_S):
            said = [await heard.get(), await heard.get()]
        await link.stop()
    (message,) = [news for news in said if isinstance(news, Message)]
    assert (message.payload, message.stored) == (b"old", True)


async def test_a_broker_that_sends_it_all_the_same_hears_a_refusal_at_each_connect(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    always = mqtt5.RetainHandlingType.SEND_ON_SUBSCRIBE
    asked = property(lambda link: always, lambda link, retained: None)
    monkeypatch.setattr(Link, "_retained", asked, raising=False)
    spec = site(MAPLE)
    async with peer(endpoint(broker.port, "op")) as operator:
        await operator.link.publish(CMD, json.dumps(OFF).encode(), retain=True)
        for _ in range(2):
            posted: asyncio.Queue[Trigger] = asyncio.Queue()
            uplink = Uplink(
                spec, endpoint(broker.port, "v1"), lambda number: None, posted.put_nowait
            )
            uplink.start()
            async with asyncio.timeout(HANG_S):
                while not isinstance(command := await posted.get(), Command):
                    pass
            await uplink.stop()
            assert isinstance(command, Invalid) and command.reason == "expired"


def test_a_retained_command_is_done_once_and_asks_nothing_at_a_restart(
    tmp_path: Path, broker: Mosquitto
) -> None:
    cloud = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {broker.port}}}"
    backend = Backend(broker.port)
    running = Site(tmp_path, STEADY.replace(LOCAL, cloud, 1)).start().connected()
    try:
        until(lambda: running.state()["power_kw"] == 10.0, "10 kW")
        backend.client.publish(CMD, json.dumps(OFF), qos=1, retain=True).wait_for_publish(10)
        until(lambda: running.state()["power_kw"] == 8.5, "heater off")
        running.http("PATCH", "/api/v1/circuits/heater1", {"enabled": True})
        until(lambda: running.state()["power_kw"] == 10.0, "a person wants it on")
        running.stop()
        running.start().connected()
        assert backend.ask({"op": "ping", "correlationId": "p"})["pong"]
        assert [ack["status"] for ack in backend.acks("c1")] == ["success"]
        assert running.state()["power_kw"] == 10.0
    finally:
        running.close()
        backend.close()


async def test_the_keeper_of_a_shadow_carries_out_no_retained_request(
    tmp_path: Path, broker: Mosquitto
) -> None:
    from venctl.health.alarms import Alarms
    from venctl.health.tasks import Tasks
    from venctl.reach.shadow_server import ShadowServer

    place = "$aws/things/v1/shadow"
    ask = json.dumps({"state": {"desired": {"a": 1}}, "clientToken": "old"}).encode()
    async with peer(endpoint(broker.port, "op"), [f"{place}/get/+"]) as operator:
        await operator.link.publish(f"{place}/update", ask, retain=True)
        tasks = Tasks(Alarms(dict, lambda trigger: None))
        keeper = ShadowServer(endpoint(broker.port, "v1"), "v1", tmp_path / "shadows.db")
        keeper.start(tasks)
        answer: dict[str, object] = {}
        async with asyncio.timeout(HANG_S):
            while not answer:
                await operator.link.publish(f"{place}/get", b'{"clientToken": "t"}')
                try:
                    async with asyncio.timeout(0.5):
                        answer = json.loads(await operator.message())
                except TimeoutError:
                    continue
        await tasks.stop()
        await keeper.stop()
    assert answer["code"] == 404, "nobody has asked for anything yet"
