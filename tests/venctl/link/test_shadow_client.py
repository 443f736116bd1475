"""The shadow client against the stand-in: documents, deltas, refusals, and silence."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kit.mqtt.link_peer import endpoint
from tests.kit.mqtt.mosquitto import Mosquitto
from venctl.link import shadow_client as twin
from venctl.link.endpoint import Endpoint, LastWill
from venctl.link.link import Link, LinkUp, Message, News
from venctl.link.shadow_client import (
    ShadowClient,
    ShadowDelta,
    ShadowDocument,
    ShadowRejected,
    UpdateAccepted,
)
from venctl.standin.server import StandInServer

SHADOW = "$aws/things/v1/shadow"
HANG_S = 10
Said = Mapping[str, Any]
Answer = tuple[str, Said] | None


@asynccontextmanager
async def link(
    where: Endpoint,
    topics: list[str],
    hear: Callable[[Message], None],
    will: LastWill | None = None,
) -> AsyncIterator[tuple[Link, asyncio.Event]]:
    """A link that is up, and the event set whenever it comes up again."""
    up = asyncio.Event()

    def ear(news: News) -> None:
        match news:
            case Message():
                hear(news)
            case LinkUp():
                up.set()

    made = Link(where, topics, will, ear)
    made.start()
    try:
        await asyncio.wait_for(up.wait(), HANG_S)
        yield made, up
    finally:
        await made.stop()


class Device:
    """A twin at work, and the deltas it heard."""

    def __init__(self, made: Link, up: asyncio.Event) -> None:
        self.link, self.up = made, up
        self.deltas: asyncio.Queue[ShadowDelta] = asyncio.Queue()
        self.named: asyncio.Queue[ShadowDelta] = asyncio.Queue()
        self.twin = ShadowClient(made.client, "v1", self._hear)
        made.tell_renewals(self.twin.follow)

    def _hear(self, name: str, delta: ShadowDelta) -> None:
        (self.named if name else self.deltas).put_nowait(delta)


@asynccontextmanager
async def device(port: int, will: LastWill | None = None) -> AsyncIterator[Device]:
    async with link(endpoint(port, "v1"), [], lambda _: None, will) as (made, up):
        yield Device(made, up)


@asynccontextmanager
async def service(
    port: int, answer: Callable[[str, Said], Answer]
) -> AsyncIterator[tuple[Link, list[Said]]]:
    """A scripted shadow service: `answer(operation, request)` gives a suffix and a body."""
    asked: list[Said] = []
    tasks: list[asyncio.Task[None]] = []

    def hear(message: Message) -> None:
        request = json.loads(message.payload)
        message.puback()
        asked.append(request)
        if reply := answer(message.topic.rpartition("/")[2], request):
            body = {**reply[1], "clientToken": request["clientToken"]}
            sending = made.publish(f"{message.topic}/{reply[0]}", json.dumps(body).encode())
            tasks.append(asyncio.create_task(sending))

    topics = [f"{SHADOW}/get", f"{SHADOW}/update"]
    async with link(endpoint(port, "service"), topics, hear) as (made, _):
        yield made, asked
        await asyncio.gather(*tasks)


async def test_a_document_comes_with_its_sections_and_utc_seconds(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    body = {
        "state": {"desired": {"a": 1}, "reported": {"b": [True, None]}, "delta": {"a": 1}},
        "metadata": {"desired": {"a": {"timestamp": 7}}, "reported": {}},
        "version": 3,
        "timestamp": 1_793_523_600,  # in the hour that Los Angeles lives through twice
    }
    try:
        async with service(broker.port, lambda *_: ("accepted", body)), device(broker.port) as ven:
            assert await ven.twin.get("") == ShadowDocument(
                3, {"a": 1}, {"a": {"timestamp": 7}}, {"b": [True, None]}, 1_793_523_600
            )
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_an_empty_document_has_empty_sections(broker: Mosquitto) -> None:
    body = {"state": {}, "metadata": {}, "version": 9}
    async with service(broker.port, lambda *_: ("accepted", body)), device(broker.port) as ven:
        assert await ven.twin.get("") == ShadowDocument(9, {}, {}, {}, None)


async def test_a_thing_without_a_shadow_is_an_empty_document_of_version_0(
    broker: Mosquitto,
) -> None:
    body: dict[str, Any] = {"code": 404, "message": "No shadow exists with name: 'v1'"}
    async with service(broker.port, lambda *_: ("rejected", body)), device(broker.port) as ven:
        assert await ven.twin.get("") == ShadowDocument(0, {}, {}, {}, None)
        assert await ven.twin.update(
            "", reported={"a": 1}, clear_desired=[], version=None
        ) == ShadowRejected(404, body["message"])


async def test_an_update_says_every_null_and_nothing_else(broker: Mosquitto) -> None:
    body = {"version": 5, "timestamp": 100}
    reported = {"circuits": {"gone": None, "kept": {"enabled": False}}, "list": []}
    async with (
        service(broker.port, lambda *_: ("accepted", body)) as (_, asked),
        device(broker.port) as ven,
    ):
        settle = ven.twin.update("", reported=reported, clear_desired=["circuits"], version=4)
        assert await settle == UpdateAccepted(5, 100)
        plain = ven.twin.update("", reported=reported, clear_desired=[], version=None)
        assert await plain == UpdateAccepted(5, 100)
    said = [{k: v for k, v in request.items() if k != "clientToken"} for request in asked]
    assert said == [
        {"state": {"reported": reported, "desired": {"circuits": None}}, "version": 4},
        {"state": {"reported": reported}},
    ]


async def test_a_conflict_keeps_its_code_and_text(broker: Mosquitto) -> None:
    body = {"code": 409, "message": "Version conflict"}
    async with service(broker.port, lambda *_: ("rejected", body)), device(broker.port) as ven:
        answer = await ven.twin.update("", reported={"a": 1}, clear_desired=[], version=1)
        assert answer == ShadowRejected(409, "Version conflict")


async def test_a_service_that_does_not_answer_is_a_504(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twin, "OPERATION_TIMEOUT_S", 1)
    async with service(broker.port, lambda *_: None), device(broker.port) as ven:
        assert await ven.twin.get("") == ShadowRejected(504, twin.TIMEOUT_NAME)


async def test_a_link_lost_while_asking_ends_in_a_rejection(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twin, "OPERATION_TIMEOUT_S", 2)
    async with service(broker.port, lambda *_: None) as (_, asked), device(broker.port) as ven:
        asking = asyncio.create_task(ven.twin.get(""))
        async with asyncio.timeout(HANG_S):
            while not asked:
                await asyncio.sleep(0.01)
        broker.kill()
        answer = await asyncio.wait_for(asking, HANG_S)
        assert isinstance(answer, ShadowRejected) and answer.code == 504
        broker.start()


@pytest.mark.parametrize("body", [{}, {"version": "1"}, {"version": 1, "state": {"desired": 5}}])
async def test_an_answer_that_makes_no_sense_is_a_503(broker: Mosquitto, body: Said) -> None:
    async with service(broker.port, lambda *_: ("accepted", body)), device(broker.port) as ven:
        assert await ven.twin.get("") == twin.UNREADABLE


async def test_a_cancelled_question_leaves_the_twin_at_work(broker: Mosquitto) -> None:
    body = {"state": {}, "version": 1}
    async with service(broker.port, lambda *_: ("accepted", body)), device(broker.port) as ven:
        asking = asyncio.create_task(ven.twin.get(""))
        await asyncio.sleep(0)
        asking.cancel()
        assert await ven.twin.get("") == ShadowDocument(1, {}, {}, {}, None)


async def say_until_heard(
    made: Link, deltas: asyncio.Queue[ShadowDelta], body: Said
) -> ShadowDelta:
    """The twin's subscription is made in the background, so a first delta may come too early."""
    async with asyncio.timeout(HANG_S):
        while deltas.empty():
            await made.publish(f"{SHADOW}/update/delta", json.dumps(body).encode())
            await asyncio.sleep(0.05)
        return deltas.get_nowait()


DELTA = {
    "state": {"circuits": {"h1": {"enabled": False}}},
    "metadata": {"circuits": {"h1": {"enabled": {"timestamp": 50}}}},
    "version": 12,
    "timestamp": 60,
}
HEARD = ShadowDelta(12, DELTA["state"], DELTA["metadata"], 60)  # type: ignore[arg-type]


async def test_a_delta_is_heard_until_the_twin_is_closed(broker: Mosquitto) -> None:
    async with (
        service(broker.port, lambda *_: None) as (operator, _),
        device(broker.port) as ven,
    ):
        ven.twin.open(["", "circuits-0"])
        assert await say_until_heard(operator, ven.deltas, DELTA) == HEARD
        while not ven.deltas.empty():
            ven.deltas.get_nowait()
        ven.twin.close()
        await operator.publish(f"{SHADOW}/update/delta", json.dumps(DELTA).encode())
        await ven.link.publish("anything", b"behind it")
        assert ven.deltas.empty()


async def test_a_delta_on_its_way_while_the_twin_is_closed_is_dropped(broker: Mosquitto) -> None:
    async with (
        service(broker.port, lambda *_: None) as (operator, _),
        device(broker.port) as ven,
    ):
        heard: list[ShadowDelta] = []

        def hear(_: str, delta: ShadowDelta) -> None:
            heard.append(delta)
            time.sleep(0.2)  # the loop stands still, so the others are now on their way
            closing.close()

        closing = ShadowClient(ven.link.client, "v1", hear)
        closing.open([""])
        body = json.dumps(DELTA).encode()
        async with asyncio.timeout(HANG_S):
            while not heard:
                await asyncio.gather(
                    *(operator.publish(f"{SHADOW}/update/delta", body) for _ in range(5))
                )
                await asyncio.sleep(0.05)
        await ven.link.publish("anything", b"behind them")
        assert heard == [HEARD]


@pytest.mark.parametrize("will", [None, LastWill("ven/status/v1", lambda: b"gone")])
@pytest.mark.parametrize("forgets", [True, False])
async def test_deltas_are_heard_again_after_the_broker_was_away(
    broker: Mosquitto, forgets: bool, will: LastWill | None
) -> None:
    async with device(broker.port, will) as ven:
        ven.twin.open(["", "circuits-0"])
        ven.up.clear()
        broker.stop()
        if forgets:
            broker.forget()
        broker.start()
        await asyncio.wait_for(ven.up.wait(), HANG_S)
        none: Answer = ("rejected", {"code": 404, "message": "none"})
        async with service(broker.port, lambda *_: none) as (operator, _):
            assert await say_until_heard(operator, ven.deltas, DELTA) == HEARD
            assert isinstance(await ven.twin.get(""), ShadowDocument)


async def test_a_broken_delta_is_dropped_and_the_next_one_heard(broker: Mosquitto) -> None:
    async with (
        service(broker.port, lambda *_: None) as (operator, _),
        device(broker.port) as ven,
    ):
        ven.twin.open(["", "circuits-0"])
        await say_until_heard(operator, ven.deltas, DELTA)
        while not ven.deltas.empty():
            ven.deltas.get_nowait()
        no_object = b'{"version": 1, "state": [1]}'
        for broken in (b"{", b"[]", b'{"timestamp": "now"}', b'{"state": {}}', no_object):
            await operator.publish(f"{SHADOW}/update/delta", broken)
        last = {**DELTA, "version": 13}
        await operator.publish(f"{SHADOW}/update/delta", json.dumps(last).encode())
        heard = await asyncio.wait_for(ven.deltas.get(), HANG_S)
        while heard.version != 13:  # copies of the first, still on their way
            heard = await asyncio.wait_for(ven.deltas.get(), HANG_S)
        assert heard.state == last["state"]


# ---------------------------------------------------------------- against the stand-in


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[int]:
    """The stand-in's MQTT port."""
    made = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path, rate=1_000)
    yield made.mqtt_port
    made.stop()


async def test_a_wish_travels_from_delta_to_settled_over_the_stand_in(cloud: int) -> None:
    async with device(cloud) as ven, operator_at("op", cloud) as operator:
        assert await ven.twin.get("") == ShadowDocument(0, {}, {}, {}, None)
        ven.twin.open(["", "circuits-0"])
        state = {"state": {"desired": {"circuits": {"h1": {"enabled": False}}}}}
        async with asyncio.timeout(HANG_S):
            while ven.deltas.empty():
                await operator.publish(f"{SHADOW}/update", json.dumps(state).encode())
                await asyncio.sleep(0.05)
        delta = ven.deltas.get_nowait()
        assert delta.state == {"circuits": {"h1": {"enabled": False}}}
        asked_s = delta.metadata["circuits"]["h1"]["enabled"]["timestamp"]
        document = await ven.twin.get("")
        assert isinstance(document, ShadowDocument)
        assert document.desired == delta.state
        assert document.desired_metadata["circuits"]["h1"]["enabled"]["timestamp"] >= asked_s
        settled = await ven.twin.update(
            "",
            reported={"circuits": {"h1": {"enabled": False}, "never": None}},
            clear_desired=["circuits"],
            version=document.version,
        )
        assert isinstance(settled, UpdateAccepted)
        assert settled.version == document.version + 1
        stale = await ven.twin.update("", reported={}, clear_desired=[], version=document.version)
        assert isinstance(stale, ShadowRejected)
        assert stale.code == 409
        after = await ven.twin.get("")
        assert isinstance(after, ShadowDocument)
        assert after.desired == {}
        assert after.reported == {"circuits": {"h1": {"enabled": False}}}


async def test_a_named_shadow_is_a_document_of_its_own(cloud: int) -> None:
    async with device(cloud) as ven, operator_at("op", cloud) as operator:
        ven.twin.open(["", "circuits-0"])
        assert await ven.twin.get("circuits-0") == ShadowDocument(0, {}, {}, {}, None)
        wish = {"state": {"desired": {"circuits": [{"id": "h1", "enabled": False}]}}}
        async with asyncio.timeout(HANG_S):
            while ven.named.empty():
                topic = f"{SHADOW}/name/circuits-0/update"
                await operator.publish(topic, json.dumps(wish).encode())
                await asyncio.sleep(0.05)
        assert ven.named.get_nowait().state == wish["state"]["desired"]
        document = await ven.twin.get("circuits-0")
        assert isinstance(document, ShadowDocument)
        settled = await ven.twin.update(
            "circuits-0",
            reported={"circuits": [{"id": "h1", "enabled": False}]},
            clear_desired=["circuits"],
            version=document.version,
        )
        assert isinstance(settled, UpdateAccepted)
        after = await ven.twin.get("circuits-0")
        assert isinstance(after, ShadowDocument)
        assert after.desired == {} and "circuits" in after.reported
        assert await ven.twin.get("") == ShadowDocument(0, {}, {}, {}, None)
        assert ven.deltas.empty()


async def test_more_shadows_are_served_than_answers_are_subscribed_to(cloud: int) -> None:
    names = ["", *(f"circuits-{n}" for n in range(12))]
    async with link(endpoint(cloud, "v1"), [], lambda _: None) as (made, _):
        heard: asyncio.Queue[str] = asyncio.Queue()
        many = ShadowClient(made.client, "v1", lambda name, _: heard.put_nowait(name))
        many.open(names[:2])
        many.open(names)
        for name in names:
            done = await many.update(name, reported={"n": name}, clear_desired=[], version=None)
            assert isinstance(done, UpdateAccepted)
        answers = await asyncio.gather(*(many.get(name) for name in names))
        assert [answer.reported for answer in answers if isinstance(answer, ShadowDocument)] == [
            {"n": name} for name in names
        ]
        async with operator_at("op", cloud) as operator:
            topic = f"{SHADOW}/name/{names[-1]}/update"
            async with asyncio.timeout(HANG_S):
                while heard.empty():
                    await operator.publish(topic, b'{"state":{"desired":{"n":1}}}')
                    await asyncio.sleep(0.05)
        assert heard.get_nowait() == names[-1]


@asynccontextmanager
async def operator_at(client_id: str, port: int) -> AsyncIterator[Link]:
    async with link(endpoint(port, client_id), [], lambda _: None) as (made, _):
        yield made
