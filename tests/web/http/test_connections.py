"""Both HTTP doors, the page's and the stand-in's, against whoever speaks no HTTP or holds on."""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiohttp.web import SockSite
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.core.web_controller import WebController, site
from tests.kit.mqtt.peers import Peer
from tests.kit.process.site import until
from venctl.cli.kit.logs import BURST, LogLimit
from venctl.standin import rest as plane
from venctl.standin.server import StandInServer
from web import live
from web.app import access_for, make_app
from web.http import bodies, server
from web.http.admission import Admission
from web.http.guard import HEADERS
from web.http.server import MOST, MOST_EACH, Runner

HOST = b"Host: localhost\r\n"
SIGNED = b"Authorization: AWS4-HMAC-SHA256 any\r\n"
GET = b"GET / HTTP/1.1\r\n"
PATCH = (
    b"PATCH /api/v1/circuits/heater1 HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
)
POST = b"POST /topics/x HTTP/1.1\r\n" + HOST + SIGNED
MALFORMED = {
    "no method": b" / HTTP/1.1\r\n\r\n",
    "a method that is none": b"G@T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "no Host": GET + b"\r\n",
    "another version": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
    "of MQTT": b"\x10\x10\x00\x04MQTT\x05\x02\x00<\x00\x00\x03abc\r\n\r\n",
    "two Hosts": GET + HOST + HOST + b"\r\n",
    "length and chunks": PATCH
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": PATCH + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a length with a sign": PATCH + b"Content-Length: +5\r\n\r\nabcde",
    "a length below zero": PATCH + b"Content-Length: -5\r\n\r\nabcde",
    "a folded header": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "a NUL": GET + HOST + b"X: a\x00b\r\n\r\n",
    "a gap before the colon": GET + HOST + b"X : a\r\n\r\n",
    "a header of 20 KB": GET + HOST + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    "an address of 20 KB": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "500 headers": GET + HOST + b"".join(b"X%d: a\r\n" % n for n in range(500)) + b"\r\n",
}
ODD = {
    "no version": (b"GET /\r\n\r\n", 421),
    "a huge length": (PATCH + b"Content-Length: 99999999999\r\n\r\n{", 413),
    "HTTP/1.0 without Host": (b"GET / HTTP/1.0\r\n\r\n", 421),
    "a foreign Host": (GET + b"Host: evil.example\r\n\r\n", 421),
    "a proxy's request": (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 421),
    "an expectation": (PATCH + b"Expect: gold\r\nContent-Length: 2\r\n\r\n{}", 417),
    "a bad chunk": (PATCH + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", 400),
    "no gzip": (PATCH + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 400),
}


@pytest.fixture
async def page() -> AsyncIterator[int]:
    listening = socket.create_server(("0.0.0.0", 0))
    port = listening.getsockname()[1]
    runner = Runner(make_app(WebController(site()), access_for("0.0.0.0", port, (), {}, "t")), 0.1)
    await runner.setup()
    await SockSite(runner, listening).start()
    yield port
    await runner.cleanup()


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[int]:
    cloud = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path)
    yield cloud.data_port
    cloud.stop()


@pytest.fixture(params=["page", "stand_in"])
def door(request: pytest.FixtureRequest) -> int:
    port: int = request.getfixturevalue(request.param)
    return port


class Visitor:
    """A bare connection to a door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def says(self, sent: bytes) -> Visitor:
        self.writer.write(sent)
        await self.writer.drain()
        return self

    async def answer(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of the next answer; (0, {}) where the connection ends."""
        async with asyncio.timeout(30):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return 0, {}
        first, _, rest = head.decode().partition("\r\n")
        pairs = (line.partition(": ") for line in rest.split("\r\n") if line)
        headers = {name: text for name, _, text in pairs}
        await self.reader.readexactly(int(headers.get("Content-Length", "0")))
        return int(first.split()[1]), headers

    async def at_the_end(self) -> bytes:
        """What still comes until the other side closes."""
        async with asyncio.timeout(30):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    @property
    def open(self) -> bool:
        return not self.reader.at_eof() and self.reader.exception() is None


async def visit(port: int, source: str = "127.0.0.1") -> Visitor:
    return Visitor(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))


def carries_the_headers(headers: dict[str, str]) -> bool:
    block = {name: headers.get(name) for name in HEADERS} == HEADERS
    return block and headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_http_gets_a_400_like_any_answer_and_one_line_in_the_log(
    door: int, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = await (await visit(door)).says(sent)
    status, headers = await visitor.answer()
    assert status == 400 and carries_the_headers(headers)
    assert "aiohttp" not in str(headers).lower() and await visitor.at_the_end() == b""
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1 and lines[0].exc_info is None
    assert "\n" not in lines[0].getMessage() and "127.0.0.1" in lines[0].getMessage()


@pytest.mark.parametrize(("sent", "expected"), ODD.values(), ids=ODD)
async def test_every_refusal_carries_the_headers_and_costs_no_traceback(
    page: int, sent: bytes, expected: int, caplog: pytest.LogCaptureFixture
) -> None:
    sent = sent.replace(b"Content-Type", b"Authorization: Bearer t\r\nContent-Type")
    sent = sent.replace(HOST, b"Host: localhost:%d\r\n" % page)
    status, headers = await (await (await visit(page)).says(sent)).answer()
    assert status == expected and carries_the_headers(headers)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", 400),
        (POST + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 200),
        (POST + b"Content-Length: 999999\r\n\r\nabc", 413),
        (GET + HOST + b"\r\n", 403),
        (b"GET /nothing HTTP/1.1\r\n" + HOST + SIGNED + b"\r\n", 404),
        (b"GET /things/x/shadow HTTP/1.1\r\n" + HOST + SIGNED + b"\r\n", 404),
    ],
)
async def test_every_answer_of_the_stand_in_carries_them_too(
    stand_in: int, sent: bytes, expected: int, caplog: pytest.LogCaptureFixture
) -> None:
    status, headers = await (await (await visit(stand_in)).says(sent)).answer()
    assert status == expected and carries_the_headers(headers)
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_bad_body_that_nobody_reads_costs_no_traceback(
    door: int, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = b"POST / HTTP/1.1\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    visitor = await (await visit(door)).says(foreign)
    assert (await visitor.answer())[0] == 421
    await visitor.says(b"zz\r\nabc")
    await visitor.at_the_end()
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8090", "", "localhost.evil.example"]
)
async def test_the_stand_in_answers_to_no_name_that_leads_here_by_somebodys_dns(
    stand_in: int, host: str
) -> None:
    rebound = b"GET /things/x/shadow HTTP/1.1\r\nHost: %s\r\n" % host.encode() + SIGNED + b"\r\n"
    assert (await (await (await visit(stand_in)).says(rebound)).answer())[0] == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "[::1]:8090"])
async def test_the_stand_in_answers_to_every_loopback_name(stand_in: int, host: str) -> None:
    own = b"GET /things/x/shadow HTTP/1.1\r\nHost: %s\r\n" % host.encode() + SIGNED + b"\r\n"
    assert (await (await (await visit(stand_in)).says(own)).answer())[0] == 404


@pytest.mark.parametrize("sent", [b"", b"GET / HT"], ids=["nothing", "half a request"])
async def test_of_an_address_16_may_wait_and_the_longest_waiting_goes_for_the_next(
    door: int, sent: bytes
) -> None:
    visitors = [await (await visit(door)).says(sent) for _ in range(MOST_EACH)]
    served = await (await visit(door)).says(GET + HOST + b"\r\n")
    assert (await served.answer())[0] in (200, 403)
    assert await visitors[0].at_the_end() == b""
    assert all(visitor.open for visitor in visitors[1:])


async def test_of_all_addresses_together_64_may_wait(door: int) -> None:
    addresses = [f"127.0.1.{number}" for number in range(MOST // MOST_EACH)]
    visitors = [await visit(door, address) for address in addresses for _ in range(MOST_EACH)]
    served = await (await visit(door)).says(GET + HOST + b"\r\n")
    assert (await served.answer())[0] in (200, 403)
    assert await visitors[0].at_the_end() == b""
    assert all(visitor.open for visitor in visitors[1:])


async def test_who_is_served_stays_and_the_next_is_told_that_there_is_no_room(
    page: int, caplog: pytest.LogCaptureFixture
) -> None:
    head = PATCH.replace(b"Content-Type", b"Authorization: Bearer t\r\nContent-Type")
    head += b"Content-Length: 2\r\n\r\n"
    visitors = [await (await visit(page)).says(head) for _ in range(MOST_EACH)]
    status, headers = 200, {}
    while status != 503:  # until all of them are being read from
        status, headers = await (await visit(page)).answer()
        assert status in (0, 503)
    assert carries_the_headers(headers) and headers["Retry-After"] == "5"
    for visitor in visitors:
        assert (await (await visitor.says(b"{}")).answer())[0] == 422
    assert "all connections are in use" in caplog.text


async def test_a_body_that_does_not_come_is_waited_for_10_s(
    page: int, stand_in: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bodies.READ_S == plane.READ_S == 10
    for module in (bodies, plane):
        monkeypatch.setattr(module, "READ_S", 0.2)
    own = PATCH.replace(b"Content-Type", b"Authorization: Bearer t\r\nContent-Type")
    for port, head in ((page, own), (stand_in, POST)):
        visitor = await (await visit(port)).says(head + b"Content-Length: 9\r\n\r\n{")
        status, headers = await visitor.answer()
        assert status == 408 and carries_the_headers(headers)
        assert await visitor.at_the_end() == b""


@pytest.mark.parametrize("sent", [b"", b"GET / HT"], ids=["nothing", "half a request"])
async def test_a_request_that_does_not_come_is_waited_for_15_s(
    sent: bytes, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    assert server.SETTINGS["keepalive_timeout"] == 15
    monkeypatch.setattr(server, "SETTINGS", {**server.SETTINGS, "keepalive_timeout": 0.2})
    stand_in: int = request.getfixturevalue("stand_in")
    visitor = await (await visit(stand_in)).says(sent)
    assert await visitor.at_the_end() == b""


async def test_a_flood_of_what_is_no_http_leaves_a_readable_log(
    stand_in: int, caplog: pytest.LogCaptureFixture
) -> None:
    for sent in list(MALFORMED.values()) * 6:
        await (await (await visit(stand_in)).says(sent)).answer()
    limit = LogLimit(lambda: 0.0)
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) > BURST and sum(map(limit.filter, told)) == BURST


async def test_of_an_address_8_streams_are_open_and_the_oldest_goes_for_the_next(page: int) -> None:
    def asks(number: int) -> bytes:
        said = b"Authorization: Bearer t\r\nUser-Agent: browser %d\r\n\r\n" % number
        return b"GET /api/v1/stream HTTP/1.1\r\n" + HOST + said

    streams = [await (await visit(page)).says(asks(n)) for n in range(live.PER_ADDRESS)]
    assert {(await stream.answer())[0] for stream in streams} == {200}
    another = await (await visit(page)).says(asks(live.PER_ADDRESS))
    assert (await another.answer())[0] == 200
    await streams[0].reader.readuntil(b"event: evicted")
    elsewhere = await (await visit(page, "127.0.1.1")).says(asks(99))
    assert (await elsewhere.answer())[0] == 200
    assert live.IN_ALL < MOST


def test_an_mqtt_client_that_says_nothing_goes_first_and_one_that_is_served_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venctl.standin.server.MOST", 3)
    cloud = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path)
    with ExitStack() as stack:
        stack.callback(cloud.stop)

        def silent() -> socket.socket:
            one = socket.create_connection(("127.0.0.1", cloud.mqtt_port), 10)
            return stack.enter_context(one)

        def peer(name: str) -> Peer:
            one = Peer(cloud.mqtt_port, name)
            stack.callback(one.client.loop_stop)
            return one

        peers, waiting = [peer("one"), peer("two")], silent()
        peers.append(peer("three"))
        assert waiting.recv(1) == b"" and silent().recv(1) == b""
        assert [one.publish("a/b", b"x") for one in peers] and not any(one.lost for one in peers)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["enter", "busy", "waits", "leave"]), st.integers(0, 9)),
        max_size=80,
    )
)
def test_never_more_than_fit_and_nobody_who_is_served_goes(steps: list[tuple[str, int]]) -> None:
    admission, inside, busy = Admission[int](6, 3), dict[int, str](), set[int]()
    for number, (act, one) in enumerate(steps):
        place = one if act != "enter" else 100 + number
        if act == "enter":
            inside[place] = f"address {one % 3}"
            gone = admission.enter(place, inside[place])
            assert gone is None or gone not in busy
            inside.pop(gone, None) if gone is not None else None
        elif inside:
            place = list(inside)[one % len(inside)]
            {"busy": busy.add, "waits": busy.discard, "leave": busy.discard}[act](place)
            getattr(admission, act)(place)
            if act == "leave":
                del inside[place]
        assert len(inside) <= 6
        assert all(list(inside.values()).count(its) <= 3 for its in inside.values())


def test_clients_of_every_kind_are_left_without_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path)
    with ExitStack() as stack:
        for number in range(4):
            peer = Peer(cloud.mqtt_port, f"peer-{number}", clean=number % 2 == 0)
            stack.callback(peer.client.loop_stop)
            peer.subscribe("a/#")
        for port, sent in (
            (cloud.mqtt_port, b"\x10"),
            (cloud.data_port, GET),
            (cloud.data_port, b""),
        ):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            one.sendall(sent)
        body = stack.enter_context(socket.create_connection(("127.0.0.1", cloud.data_port)))
        body.sendall(POST + b"Content-Length: 9\r\n\r\n{")
        kept = http.client.HTTPConnection("127.0.0.1", cloud.data_port, timeout=10)
        kept.request("GET", "/", headers={"Host": "localhost"})
        assert kept.getresponse().status == 403
        peer.client.publish("a/b", b"x" * 1_000, qos=1)
        until(lambda: peer.heard, "a message")
        cloud.stop()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
