"""The stream: the whole state first, then the newest of it, and no transition left out."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer, unused_port

from statemachine.state.memory import Transition
from tests.kit.core.web_controller import Client, WebController, site
from web.app import access_for, make_app
from web.http.guard import HEADERS
from web.live import MOST_TRANSITIONS

STREAM = "/api/v1/stream"


@pytest.fixture
def desk() -> WebController:
    return WebController(site())


@pytest.fixture
async def client(desk: WebController) -> AsyncIterator[Client]:
    port = unused_port()
    app = make_app(desk, access_for("127.0.0.1", port, (), {}, "token"))
    async with TestClient(TestServer(app, port=port)) as opened:
        yield opened


async def told(stream: ClientResponse) -> tuple[str, Any]:
    """The next event of a stream: its name and data; ("end", None) after the last."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(20):
        while line := (await stream.content.readline()).decode():
            if line == "\n" and "event" in fields:
                return fields["event"], json.loads(fields["data"])
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
    return "end", None


async def first(stream: ClientResponse, wanted: str) -> Any:
    """The data of the next event of that name."""
    while True:
        name, data = await told(stream)
        assert name != "end"
        if name == wanted:
            return data


async def test_the_whole_state_comes_first_and_then_again_and_again(client: Client) -> None:
    async with client.get(STREAM) as stream:
        assert stream.content_type == "text/event-stream"
        assert {name: stream.headers.get(name) for name in HEADERS} == HEADERS
        name, data = await told(stream)
        assert name == "snapshot"
        now = await (await client.get("/api/v1/state")).json()
        assert data == now
        assert await first(stream, "state") == now


async def test_an_event_is_told_with_its_transitions(client: Client) -> None:
    async with client.get(STREAM) as stream:
        await told(stream)
        await client.post("/api/v1/events", json={"shed_kw": 2, "id": "evt-1"})
        passed = await first(stream, "transition")
        assert (passed["event_id"], passed["from"], passed["to"]) == (
            "evt-1",
            "received",
            "shedding",
        )
        assert (await first(stream, "state"))["binding"] == "evt-1"


async def test_states_are_coalesced_and_transitions_are_not(
    client: Client, desk: WebController
) -> None:
    async with client.get(STREAM) as stream:
        await told(stream)
        for number in range(MOST_TRANSITIONS):
            desk.tell(Transition(f"evt-{number}", "a", "b", "t", 0))
        names: list[str] = []
        ids: list[str] = []
        while len(ids) < MOST_TRANSITIONS:
            name, data = await told(stream)
            names.append(name)
            ids += [data["event_id"]] if name == "transition" else []
        assert ids == [f"evt-{number}" for number in range(MOST_TRANSITIONS)]
        assert names.count("state") < 10


async def test_whoever_falls_too_far_behind_is_told_to_begin_anew(
    client: Client, desk: WebController
) -> None:
    async with client.get(STREAM) as stream:
        await told(stream)
        for number in range(2 * MOST_TRANSITIONS):
            desk.tell(Transition(f"evt-{number}", "a", "b", "t", 0))
        assert await first(stream, "resync") == {}


async def test_a_fifth_stream_of_a_browser_evicts_the_oldest(client: Client) -> None:
    streams = [await client.get(STREAM) for _ in range(4)]
    for stream in streams:
        await told(stream)
    async with client.get(STREAM, headers={"User-Agent": "another"}) as other:
        await told(other)
        fifth = await client.get(STREAM)
        await told(fifth)
        assert await first(streams[0], "evicted") == {}
        assert await told(streams[0]) == ("end", None)
        for stream in (*streams[1:], fifth, other):
            assert await first(stream, "state")
    for stream in (*streams, fifth):
        stream.close()


async def test_who_does_not_read_is_dropped_and_holds_up_nobody(
    client: Client, desk: WebController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.live.STUCK_S", 0.5)
    loop = asyncio.get_running_loop()
    with socket.socket() as stuck:
        stuck.setblocking(False)
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(stuck, ("127.0.0.1", client.port))
        asked = f"GET {STREAM} HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n"
        await loop.sock_sendall(stuck, asked.encode())
        assert (await loop.sock_recv(stuck, 1024)).startswith(b"HTTP/1.1 200")
        async with client.get(STREAM) as good:
            await told(good)
            for number in range(MOST_TRANSITIONS):
                desk.tell(Transition(f"{number}{'x' * 40_000}", "a", "b", "t", 0))
            for number in range(MOST_TRANSITIONS):
                data = await first(good, "transition")
                assert data["event_id"].startswith(f"{number}x")
            for _ in range(3):
                await first(good, "state")
            async with asyncio.timeout(20):
                # Only a stream that was dropped comes to an end.
                while await loop.sock_recv(stuck, 65536):
                    pass


async def test_streams_end_at_once_when_the_program_does(client: Client) -> None:
    async with client.get(STREAM) as stream:
        await told(stream)
        began_s = time.monotonic()
        await client.server.close()
        while (await told(stream))[0] != "end":
            pass
        # The runner would wait a minute for a handler that does not end.
        assert time.monotonic() - began_s < 30


async def test_no_stream_is_opened_from_another_site(client: Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await client.get(STREAM, headers=headers)).status == 403
