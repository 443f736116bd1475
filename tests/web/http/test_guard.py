"""Who is let in, for every address there is."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import TypeAlias

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request, unused_port
from aiohttp.web import Application, Request, StreamResponse

from statemachine import read
from tests.kit.core.web_controller import SITE as FILE
from tests.kit.core.web_controller import Client, WebController, site
from web.app import access_for, make_app
from web.http import session
from web.http.guard import HEADERS, Access
from web.http.problems import Problem
from web.http.session import SESSION_PATH, Sessions

TOKEN = "a-token-nobody-guesses"
Way: TypeAlias = Callable[[Client, str, dict[str, str]], Awaitable[int]]
SPACE = {
    "CODESPACE_NAME": "funny-space",
    "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
}
STREAM = "/api/v1/stream"


async def serve(access: Access | None = None, port: int = 0) -> Client:
    port = port or unused_port()
    access = access or access_for("127.0.0.1", port, (), SPACE, TOKEN)
    client = TestClient(TestServer(make_app(WebController(site()), access), port=port))
    await client.start_server()
    return client


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    served = await serve()
    yield served
    await served.close()


def routes(client: Client) -> Iterator[tuple[str, str]]:
    """Every route of the router, so that a new one cannot be forgotten."""
    for route in client.app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical.replace("{id}", "heater1").replace("{path}", "icon.svg")
        yield route.method, path


def apis(client: Client) -> list[tuple[str, str]]:
    return [(method, path) for method, path in routes(client) if path.startswith("/api/")]


async def status(client: Client, method: str, path: str, headers: dict[str, str]) -> int:
    """The status of a request with an empty JSON body; every refusal is a problem."""
    said = {"Content-Type": "application/json", **headers}
    body = b"{}" if method not in ("GET", "HEAD") else None
    async with client.request(method, path, headers=said, data=body) as answer:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Access-Control-Allow-Origin" not in answer.headers
        if answer.status >= 400 and method != "HEAD":
            assert answer.content_type == "application/problem+json"
            assert (await answer.json())["status"] == answer.status
        return answer.status


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost.evil.example:80"}, 421),
        ({"Host": "localhost:x"}, 421),
        ({"Host": "xlocalhost:9000"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Host": "localhost:9000", "Origin": "http://localhost:9001"}, 403),
        ({"Host": "localhost:9000", "Origin": "https://evil.example"}, 403),
    ],
)
async def test_a_foreign_name_or_page_gets_nowhere(
    client: Client, headers: dict[str, str], expected: int
) -> None:
    seen = {route: await status(client, *route, headers) for route in routes(client)}
    assert set(seen.values()) == {expected}, seen
    assert len(seen) > 20


@pytest.mark.parametrize("origin", [None, "own", "https://funny-space-{port}.app.github.dev"])
@pytest.mark.parametrize("fetch_site", ["cross-site", "same-site"])
async def test_no_other_site_uses_the_api_even_where_a_proxy_rewrote_its_origin(
    client: Client, origin: str | None, fetch_site: str
) -> None:
    headers = {"Sec-Fetch-Site": fetch_site}
    if origin:
        own = f"http://localhost:{client.port}"
        headers["Origin"] = own if origin == "own" else origin.format(port=client.port)
    seen = {route: await status(client, *route, headers) for route in apis(client)}
    assert set(seen.values()) == {403}, seen


async def test_a_link_on_another_site_may_open_the_page(client: Client) -> None:
    assert await status(client, "GET", "/", {"Sec-Fetch-Site": "cross-site"}) == 200


async def test_writes_take_nothing_but_json(client: Client) -> None:
    writes = [route for route in apis(client) if route[0] not in ("GET", "HEAD")]
    for said in ("text/plain", "application/x-www-form-urlencoded", "application/json-not"):
        seen = {route: await status(client, *route, {"Content-Type": said}) for route in writes}
        assert set(seen.values()) == {415}, seen


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Host": "localhost"},
        {"x-forwarded-proto": "https"},
        {"Forwarded": "for=203.0.113.9"},
        {"Host": "funny-space-{port}.app.github.dev"},
        {"Host": "localhost:9000"},
        {"Host": "127.0.0.1:9000", "Origin": "http://127.0.0.1:9000"},
        {"Host": "[::1]:9000"},
        {"Host": "localhost"},
        {"X-Forwarded-For": "203.0.113.9", "Cookie": "ven_session=made-up"},
    ],
)
async def test_whoever_comes_through_a_tunnel_is_asked_for_the_token(
    client: Client, headers: dict[str, str]
) -> None:
    headers = {name: text.format(port=client.port) for name, text in headers.items()}
    for method, path in routes(client):
        if (method, path) == ("POST", SESSION_PATH):
            continue
        answer = await status(client, method, path, headers)
        assert (answer == 401) == path.startswith("/api/"), (method, path, answer)


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:9000", "[::1]:9000", "localhost"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_forwarded_port_leads_in_with_the_token(
    client: Client, host: str, scheme: str
) -> None:
    """`ssh -L 9000:localhost:8080`, or an editor that forwards a port as another."""
    here = {"Host": host, "Origin": f"{scheme}://{host}", "Sec-Fetch-Site": "same-origin"}
    assert await offer(client, "wrong", here) == 401
    answer = await client.post(SESSION_PATH, json={"token": TOKEN}, headers=here)
    assert answer.status == 204
    session = SimpleCookie(answer.headers["Set-Cookie"])["ven_session"]
    signed = {**here, "Cookie": f"ven_session={session.value}"}
    assert await status(client, "GET", "/api/v1/state", signed) == 200
    assert await status(client, "PATCH", "/api/v1/circuits/heater1", signed) == 422
    client.session.cookie_jar.clear()
    await client.close()


@pytest.mark.parametrize("host", ["ven.lan:9000", "ven.lan", "192.168.1.5:8080", "[fd00::5]:8080"])
@pytest.mark.parametrize("hostnames", [[], ["other.lan"]])
async def test_a_name_that_is_refused_is_let_in_by_the_line_that_is_given(
    host: str, hostnames: list[str]
) -> None:
    port = unused_port()
    client = await serve(
        access_for("127.0.0.1", port, hostnames, {}, TOKEN, "127.0.0.1:8080"), port
    )
    async with client.get("/api/v1/state", headers={"Host": host.upper()}) as answer:
        assert answer.status == 421
        line = (await answer.json())["detail"].partition("restart: ")[2]
    await client.close()
    told = read(FILE.read_text("utf-8").replace("web: {listen: 127.0.0.1:8080}", line), "ven.yaml")
    assert told.web.listen == "127.0.0.1:8080" and set(hostnames) < set(told.web.hostnames)
    client = await serve(access_for("127.0.0.1", port, told.web.hostnames, {}, TOKEN), port)
    known = {"Host": host, "Origin": f"http://{host}", "Authorization": f"Bearer {TOKEN}"}
    assert await status(client, "GET", "/api/v1/state", known) == 200
    await client.close()


async def test_nobody_at_home_is_asked(client: Client) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert (
            await status(client, "GET", "/api/v1/state", {"Host": f"{host}:{client.port}"}) == 200
        )


async def test_off_loopback_everybody_is_asked_and_the_own_address_is_a_name() -> None:
    port = unused_port()
    app = make_app(WebController(site()), access_for("0.0.0.0", port, ("ven.lan",), {}, TOKEN))
    async with TestClient(TestServer(app, host="0.0.0.0", port=port)) as client:
        own = {"Host": f"127.0.0.1:{port}"}
        assert await status(client, "GET", "/api/v1/state", own) == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for name in (f"ven.lan:{port}", "ven.lan", f"127.0.0.1:{port}"):
            assert await status(client, "GET", "/api/v1/state", {"Host": name, **bearer}) == 200
        evil = {"Host": f"evil.example:{port}", **bearer}
        assert await status(client, "GET", "/api/v1/state", evil) == 421


async def test_the_token_buys_a_session_that_can_be_given_back(client: Client) -> None:
    tunnel = {"X-Forwarded-For": "203.0.113.9"}
    answer = await client.post(SESSION_PATH, json={"token": TOKEN}, headers=tunnel)
    assert answer.status == 204
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["ven_session"]
    assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/"
    assert cookie["max-age"] == "43200"
    signed = {**tunnel, "Cookie": f"ven_session={cookie.value}"}
    assert await status(client, "GET", "/api/v1/state", signed) == 200
    assert await status(client, "DELETE", SESSION_PATH, signed) == 204
    client.session.cookie_jar.clear()
    assert await status(client, "GET", "/api/v1/state", signed) == 401


async def test_behind_tls_the_cookie_is_bound_to_its_host(client: Client) -> None:
    proto = {"X-Forwarded-Proto": "https"}
    answer = await client.post(SESSION_PATH, json={"token": TOKEN}, headers=proto)
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["__Host-ven_session"]
    assert cookie["secure"] and cookie["path"] == "/" and not cookie["domain"]
    signed = {**proto, "Cookie": f"__Host-ven_session={cookie.value}"}
    assert await status(client, "GET", "/api/v1/state", signed) == 200


TUNNEL = {"X-Forwarded-For": "203.0.113.9"}
HOME: dict[str, str] = {}


async def offer(client: Client, token: str, headers: dict[str, str]) -> int:
    answer = await client.post(SESSION_PATH, json={"token": token}, headers=headers)
    assert ("Retry-After" in answer.headers) == (answer.status == 429)
    client.session.cookie_jar.clear()
    return answer.status


async def show(client: Client, token: str, headers: dict[str, str]) -> int:
    bearer = {"Authorization": f"Bearer {token}"}
    return await status(client, "GET", "/api/v1/state", {**headers, **bearer})


@pytest.mark.parametrize(
    ("way", "token", "headers", "calm", "guessed"),
    [
        (offer, TOKEN, HOME, 204, 204),
        (offer, TOKEN, TUNNEL, 204, 204),
        (offer, "wrong", HOME, 401, 429),
        (offer, "wrong", TUNNEL, 401, 429),
        (offer, "", TUNNEL, 401, 429),
        (show, TOKEN, TUNNEL, 200, 200),
        (show, "wrong", TUNNEL, 401, 429),
        (show, "", TUNNEL, 401, 429),
        (show, "wrong", HOME, 200, 200),
        (show, "", HOME, 200, 200),
    ],
)
async def test_who_guesses_must_wait_and_the_right_token_never(
    client: Client, way: Way, token: str, headers: dict[str, str], calm: int, guessed: int
) -> None:
    assert await way(client, token, headers) == calm
    while await offer(client, "a guess", HOME) != 429:
        pass
    for _ in range(40):
        assert await way(client, token, headers) == guessed


async def test_the_sixth_wrong_token_in_a_minute_must_wait(client: Client) -> None:
    assert [await offer(client, "wrong", HOME) for _ in range(7)] == [401] * 5 + [429] * 2


async def test_a_wrong_bearer_counts_as_a_try(client: Client) -> None:
    assert [await show(client, "wrong", TUNNEL) for _ in range(6)] == [401] * 5 + [429]
    assert await offer(client, "wrong", HOME) == 429


class Guesser:
    """Guesses from any address at any time, without a network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_000.0
        monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=lambda: self.now_s))
        self.sessions = Sessions(TOKEN)

    def guess(self, address: str, token: str = "wrong") -> int | None:
        """None where it was let in; 0 where it may be tried again at once; else the wait in s."""
        headers = {"Authorization": f"Bearer {token}"}
        request = make_mocked_request("GET", "/api/v1/state", headers).clone(remote=address)
        try:
            return None if self.sessions.admits(request) else 0
        except Problem as problem:
            assert problem.status == 429
            return int(problem.headers["Retry-After"])


def test_whoever_waits_as_told_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    guesser = Guesser(monkeypatch)
    for _ in range(5):
        assert guesser.guess("a") == 0
        guesser.now_s += 7
    told_s = guesser.guess("a")
    assert told_s, "the sixth within a minute"
    guesser.now_s += told_s - 1.5
    again_s = guesser.guess("a")
    assert again_s, "a try too early is counted"
    guesser.now_s += again_s
    assert guesser.guess("a") == 0


def test_from_many_addresses_30_wrong_ones_a_minute_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guesser = Guesser(monkeypatch)
    assert [guesser.guess(f"from {n}") for n in range(30)] == [0] * 30
    assert guesser.guess("another") == 60
    assert guesser.guess("another", TOKEN) is None
    guesser.now_s += 60
    assert guesser.guess("another") == 0


def test_who_is_over_both_limits_is_told_the_longer_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    guesser = Guesser(monkeypatch)
    for number in range(25):
        guesser.guess(f"from {number}")
    guesser.now_s += 30
    assert [guesser.guess("a") for _ in range(6)] == [0] * 5 + [60]
    assert guesser.guess("another") == 30


def held() -> int:
    """Bytes in use, without what is about to be collected."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_guesses_without_end_take_no_memory_and_do_not_keep_the_owner_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guesser = Guesser(monkeypatch)
    tracemalloc.start()
    try:
        for number in range(2_000):
            if number == 200:
                before = held()
            guesser.now_s += 0.01
            guesser.guess(f"from {number}")
        after = held()
    finally:
        tracemalloc.stop()
    assert after - before < 50_000
    assert guesser.guess("from 7", TOKEN) is None


async def test_no_answer_tells_of_our_insides(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("marker-of-the-inside")

    client = await serve()
    monkeypatch.setattr(WebController, "clocks", fails)
    answer = await client.get("/api/v1/state")
    assert answer.status == 500
    assert "marker" not in await answer.text() and "Traceback" not in await answer.text()
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    await client.close()


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
        ("GET", "/static/..%2fapp.py", 404),
        ("GET", "/static//etc/passwd", 404),
        ("PUT", "/api/v1/state", 405),
        ("GET", "/api/v1/restore", 405),
        ("OPTIONS", "/api/v1/events", 405),
    ],
)
async def test_what_is_not_there_is_a_problem_too(
    client: Client, method: str, path: str, expected: int
) -> None:
    assert await status(client, method, path, {}) == expected


async def test_files_are_asked_for_anew_and_sent_once(client: Client) -> None:
    first = await client.get("/static/icon.svg")
    assert (first.status, first.content_type) == (200, "image/svg+xml")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get("/static/icon.svg", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    script = await client.get("/static/core/api.js")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"


async def test_a_forwarded_page_works_with_the_token_and_only_with_it(client: Client) -> None:
    """A proxy like that of GitHub Codespaces: Host and Origin become localhost."""
    inside = f"http://localhost:{client.port}"

    async def forward(request: Request) -> StreamResponse:
        headers = {
            **{name: request.headers[name] for name in request.headers},
            "Host": f"localhost:{client.port}",
            "X-Forwarded-Host": request.headers["Host"],
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Proto": "https",
        }
        if "Origin" in headers:
            headers["Origin"] = inside
        body = await request.read()
        async with (
            ClientSession() as session,
            session.request(
                request.method, f"{inside}{request.path_qs}", headers=headers, data=body
            ) as answer,
        ):
            response = StreamResponse(status=answer.status)
            for name in ("Content-Type", "Set-Cookie"):
                if name in answer.headers:
                    response.headers[name] = answer.headers[name]
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    proxy = Application()
    proxy.router.add_route("*", "/{path:.*}", forward)
    outside = f"https://funny-space-{client.port}.app.github.dev"
    host = {"Host": outside.removeprefix("https://"), "Origin": outside}
    async with TestClient(TestServer(proxy)) as visitor:
        assert (await visitor.get("/", headers=host)).status == 200
        assert (await visitor.get("/api/v1/state", headers=host)).status == 401
        assert (await visitor.get(STREAM, headers=host)).status == 401
        came = await visitor.post(SESSION_PATH, json={"token": TOKEN}, headers=host)
        assert came.status == 204
        cookie = SimpleCookie(came.headers["Set-Cookie"])["__Host-ven_session"]
        signed = {**host, "Cookie": f"__Host-ven_session={cookie.value}"}
        body = {"shed_kw": 2, "duration_s": 300}
        called = await visitor.post("/api/v1/events", json=body, headers=signed)
        assert called.status == 201
        crossed = {**signed, "Sec-Fetch-Site": "cross-site"}
        assert (await visitor.post("/api/v1/restore", json={}, headers=crossed)).status == 403
        async with visitor.get(STREAM, headers=signed) as stream:
            assert await stream.content.readline() == b"retry: 2000\n"


async def test_a_page_without_a_token_asks_nobody_at_home_and_signs_nobody_in() -> None:
    port = unused_port()
    client = await serve(access_for("127.0.0.1", port, (), {}, ""), port)
    assert await show(client, "", HOME) == await show(client, "any", HOME) == 200
    assert [await offer(client, token, HOME) for token in ("", "any")] == [401, 401]
    await client.close()


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer ", "Bearer any", "Basic Og=="])
@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
async def test_without_a_token_nobody_is_let_in_where_one_is_asked_for(
    host: str, authorization: str | None
) -> None:
    """From the network, and through a tunnel; by any route there is."""
    port = unused_port()
    client = await serve(access_for(host, port, (), {}, ""), port)
    headers = {"Authorization": authorization} if authorization else {}
    headers |= TUNNEL if host == "127.0.0.1" else {}
    seen = {route: await status(client, *route, headers) for route in apis(client)}
    assert seen.pop(("POST", SESSION_PATH)) in (422, 429), "it says no token"
    assert set(seen.values()) <= {401, 429}, seen
    assert len(seen) > 15
    for cookie in ("ven_session", "__Host-ven_session"):
        signed = {**headers, "Cookie": f"{cookie}="}
        assert await status(client, "GET", "/api/v1/state", signed) in (401, 429)
    assert await offer(client, "", headers) in (401, 429)
    await client.close()
