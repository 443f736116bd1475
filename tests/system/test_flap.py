"""A broker that comes and goes: kicked, dropped, left without answers, and nothing is lost.

T3 of the battery, over the real link, twin, outbox and journal, TLS, and the settings of AWS with
their waits scaled down. `make flap` runs the long form: FLAPS=50, and waits as long as they are.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import mqtt5
import pytest

from statemachine import read
from tests.kit.mqtt.certificates import Authority
from tests.kit.mqtt.flaky import DOWN, UP, Flaky
from tests.kit.mqtt.link_peer import endpoint
from tests.kit.process.site import STEADY
from tests.venctl.link.test_tls import server_tls
from venctl.base.backoff import FAR, BackoffPace
from venctl.controller import Controller, Options
from venctl.folder.claim import Claim
from venctl.health.notify import Notify
from venctl.link.endpoint import Endpoint
from venctl.link.link import Link, LinkUp, Message, News
from venctl.standin.server import StandInServer
from venctl.store.start import open_store

FLAPS = int(os.environ.get("FLAPS", "12"))
SEED = int(os.environ.get("SEED", "1"))
LONG = FLAPS >= 50
SCALE = 20 if LONG else 100
PACE = BackoffPace(FAR.least_ms // SCALE, FAR.most_ms // SCALE, FAR.steady_ms // SCALE)
VEN = "volttron_local"
CONNECT_MS = 5_000
HANG_S = 600 if LONG else 60
SITE = STEADY.replace("telemetry: {every: 5 s", "telemetry: {every: 1 s")


async def eventually(found: Callable[[], Any], what: str) -> Any:
    """The first true answer of `found`, before a deadline that only a fault meets."""
    try:
        async with asyncio.timeout(HANG_S):
            while not (answer := found()):
                await asyncio.sleep(0.01)
            return answer
    except TimeoutError:
        raise AssertionError(f"never came: {what}") from None


class Operator:
    """The other side, on a good line of its own: commands, wishes, and all that it hears."""

    def __init__(self, port: int) -> None:
        self.acks: dict[str, list[dict[str, Any]]] = {}
        self.shadow: dict[str, Any] = {}
        self.up = asyncio.Event()
        topics = [f"ven/ack/{VEN}", f"$aws/things/{VEN}/shadow/update/documents"]
        self._link = Link(endpoint(port, "operator"), topics, None, self._hear)

    def _hear(self, news: News) -> None:
        match news:
            case Message(topic, payload, puback):
                puback()
                said = json.loads(payload)
                if topic.endswith("documents"):
                    self.shadow = said["current"]["state"]
                else:
                    self.acks.setdefault(said.get("correlationId"), []).append(said)
            case LinkUp():
                self.up.set()

    async def __aenter__(self) -> Operator:
        self._link.start()
        await asyncio.wait_for(self.up.wait(), HANG_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._link.stop()

    async def switch(self, correlation: str, enabled: bool) -> None:
        said = {"op": "setLoad", "loadId": "misc1", "enabled": enabled}
        body = json.dumps({**said, "correlationId": correlation})
        await self._link.publish(f"ven/cmd/{VEN}", body.encode())

    async def wish(self, circuit: str, enabled: bool) -> None:
        state = {"desired": {"circuits": [{"id": circuit, "enabled": enabled}]}}
        topic = f"$aws/things/{VEN}/shadow/update"
        await self._link.publish(topic, json.dumps({"state": state}).encode())

    def reported(self, circuit: str) -> bool | None:
        for one in self.shadow.get("reported", {}).get("circuits", []):
            if one["id"] == circuit:
                return bool(one["enabled"])
        return None


@dataclass
class Stage:
    controller: Controller
    flaky: Flaky
    operator: Operator
    where: Endpoint
    cloud: StandInServer

    def up(self) -> bool:
        return (
            self.controller.link.state == "connected" and self.flaky.connections[-1].ended is None
        )


@asynccontextmanager
async def stage(folder: Path, pace: BackoffPace, wills: bool = True) -> AsyncIterator[Stage]:
    authority = Authority(folder, "ca")
    mine = authority.client(VEN)
    cloud = StandInServer.start(mqtt_port=0, data_port=0, folder=folder)
    spec = read(SITE, "ven.yaml").model_copy(update={"cloud": aws(folder)})
    try:
        async with Flaky(cloud.mqtt_port, server_tls(authority, [])) as flaky:
            flaky.wills = wills
            where = replace(
                endpoint(flaky.port, VEN), cert=mine.cert, key=mine.key, ca=authority.ca
            )
            where = replace(where, aws=True, pace=pace)
            options = Options(folder / "ven.yaml", folder, 0, None, None, None, False)
            claim, store = Claim(folder), await open_store(spec, folder)
            controller = Controller(spec, options, where, None, store, Notify({}))
            async with Operator(cloud.mqtt_port) as operator:
                await controller.start(claim)
                made = Stage(controller, flaky, operator, where, cloud)
                await eventually(lambda: flaky.connections and made.up(), "the first connection")
                yield made
            await controller.stop()
            claim.close()
    finally:
        cloud.stop()


def aws(folder: Path) -> Any:
    files = "endpoint: 127.0.0.1, cert: c, key: k"
    text = SITE.replace("cloud: {kind: local}", f"cloud: {{kind: aws, {files}}}", 1)
    return read(text, "ven.yaml").cloud


# ---------------------------------------------------------------- what breaks


def drop(on: Stage) -> None:
    on.flaky.drop()


def kick(on: Stage) -> None:
    on.flaky.kick(mqtt5.DisconnectReasonCode.ADMINISTRATIVE_ACTION)


def busy(on: Stage) -> None:
    on.flaky.kick(mqtt5.DisconnectReasonCode.SERVER_BUSY)


def refuse(on: Stage) -> None:
    on.flaky.refuse = 2
    on.flaky.drop()


def no_connack(on: Stage) -> None:
    on.flaky.swallow[DOWN, mqtt5.ConnAckPacket] = 1
    on.flaky.drop()


def no_suback(on: Stage) -> None:
    on.flaky.swallow[DOWN, mqtt5.SubAckPacket] = 1
    on.flaky.kick(mqtt5.DisconnectReasonCode.SERVER_BUSY)


def no_subacks_and_no_session(on: Stage) -> None:
    on.flaky.swallow[DOWN, mqtt5.SubAckPacket] = 3
    forget(on)


def no_puback_for_us(on: Stage) -> None:
    on.flaky.swallow[DOWN, mqtt5.PubAckPacket] = 2
    on.flaky.drop()


def no_puback_from_us(on: Stage) -> None:
    on.flaky.swallow[UP, mqtt5.PubAckPacket] = 2
    on.flaky.drop()


def no_publish_from_us(on: Stage) -> None:
    on.flaky.swallow[UP, mqtt5.PublishPacket] = 2
    on.flaky.drop()


def forget(on: Stage) -> None:
    """Somebody connects under our name with a clean start: kicked, and the session is gone."""
    packet = mqtt5.ConnectPacket(client_id=VEN, clean_start=True)
    with socket.create_connection(("127.0.0.1", on.cloud.mqtt_port), 5) as thief:
        thief.sendall(packet.write())
        thief.recv(100)


FAULTS = (
    drop, kick, busy, refuse, no_connack, no_suback, no_puback_for_us, no_puback_from_us,
    no_publish_from_us, forget, no_subacks_and_no_session,
)  # fmt: skip


async def test_whatever_breaks_no_ack_and_no_wish_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venctl.link.endpoint.CONNACK_TIMEOUT_MS", 300)
    monkeypatch.setattr("venctl.link.endpoint.ACK_TIMEOUT_S", 1)
    monkeypatch.setattr("venctl.store.outbox.RETRY_S", 0.1)
    order = list(FAULTS) * (FLAPS // len(FAULTS)) + list(FAULTS)[: FLAPS % len(FAULTS)]
    random.Random(SEED).shuffle(order)
    async with stage(tmp_path, PACE) as on:
        for number, fault in enumerate(order):
            await flap(on, number, fault)
        figures(on.flaky)
        for correlation, acks in on.operator.acks.items():
            assert {ack["status"] for ack in acks} <= {"success", "duplicate"}, correlation


async def flap(on: Stage, number: int, fault: Callable[[Stage], None]) -> None:
    """One fault, a command and a wish meanwhile, and all is as it was asked for."""
    operator, enabled, seen = on.operator, bool(number % 2), len(on.flaky.connections)
    name = f"flap {number}, {fault.__name__}"
    fault(on)
    await operator.wish("lights1", enabled)
    forgotten = fault in (forget, no_subacks_and_no_session)
    if not forgotten:
        await operator.switch(f"c{number}", enabled)
    await eventually(lambda: len(on.flaky.connections) > seen and on.up(), f"a return from {name}")
    if forgotten:  # what waits in a session that is lost is lost by the broker
        await operator.switch(f"c{number}", enabled)
    await eventually(lambda: operator.acks.get(f"c{number}"), f"the ack in {name}")
    await eventually(lambda: operator.reported("misc1") is enabled, f"the switch of {name}")
    await eventually(lambda: operator.reported("lights1") is enabled, f"the wish of {name}")
    await eventually(lambda: "desired" not in operator.shadow, f"the wish settled after {name}")


def figures(flaky: Flaky) -> None:
    """Waits within their bounds; what was seen, for `make flap`."""
    waits = [
        after.began - before.ended
        for before, after in pairwise(flaky.connections)
        if before.ended is not None
    ]
    commands = f"ven/cmd/{VEN}"
    subscribed = [
        one.granted[commands] - one.connack
        for one in flaky.connections
        if one.connack and commands in one.granted and mqtt5.SubAckPacket not in one.lost
    ]
    print(f"\n{len(flaky.connections)} connections, {sum(flaky.swallowed.values())} swallowed")
    gaps = [after - before for before, after in pairwise(flaky.connects)]
    print(f"waits {min(waits):.3f} to {max(waits):.3f} s, subscribed after {max(subscribed):.3f} s")
    assert min(gaps) * 1000 >= PACE.least_ms
    assert max(waits) * 1000 <= PACE.most_ms + CONNECT_MS


async def test_at_the_pace_of_aws_no_two_connects_fall_into_one_second(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    mine, kicks = authority.client("v1"), 8 if LONG else 3
    cloud = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path)
    try:
        async with Flaky(cloud.mqtt_port, server_tls(authority, [])) as flaky:
            flaky.on_connack = lambda: flaky.kick(mqtt5.DisconnectReasonCode.SERVER_BUSY)
            where = replace(endpoint(flaky.port, "v1"), cert=mine.cert, key=mine.key)
            where = replace(where, ca=authority.ca, aws=True, pace=FAR)
            link = Link(where, ["ven/cmd/v1"], None, lambda _: None)
            link.start()
            await eventually(lambda: len(flaky.connects) > kicks, "the last CONNECT")
            await link.stop()
            gaps = [after - before for before, after in pairwise(flaky.connects)]
            print(f"\ngaps {', '.join(f'{gap:.1f}' for gap in gaps)} s")
            assert min(gaps) >= 1.0
    finally:
        cloud.stop()


async def test_a_link_made_anew_without_its_will_waits_like_any_other(tmp_path: Path) -> None:
    pace = BackoffPace(300, 1_000, 1_000)
    async with stage(tmp_path, pace, wills=False) as on:
        await eventually(lambda: on.controller.link.denied, "the will is told as denied")
        gaps = [after - before for before, after in pairwise(on.flaky.connects)]
        assert gaps and min(gaps) * 1000 >= pace.least_ms
