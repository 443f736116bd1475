"""Who is let in, for every address there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from http.cookies import SimpleCookie

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer, unused_port
from aiohttp.web import Application, Request, StreamResponse

from web.app import access_for, make_app
from web.guard import HEADERS, Access
from web.session import SESSION_PATH

from .desk import BenchDesk, Client, site

TOKEN = "a-token-nobody-guesses"
SPACE = {
    "CODESPACE_NAME": "funny-space",
    "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
}
STREAM = "/api/v1/stream"


async def serve(access: Access | None = None, port: int = 0) -> Client:
    port = port or unused_port()
    access = access or access_for("127.0.0.1", port, (), SPACE, TOKEN)
    client = TestClient(TestServer(make_app(BenchDesk(site()), access), port=port))
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
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Host": "localhost"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
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


async def test_nobody_at_home_is_asked(client: Client) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert (
            await status(client, "GET", "/api/v1/state", {"Host": f"{host}:{client.port}"}) == 200
        )


async def test_off_loopback_everybody_is_asked_and_the_own_address_is_a_name() -> None:
    port = unused_port()
    app = make_app(BenchDesk(site()), access_for("0.0.0.0", port, ("ven.lan",), {}, TOKEN))
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


async def test_the_sixth_wrong_token_must_wait_and_so_must_the_right_one_then(
    client: Client,
) -> None:
    async def offer(token: str) -> tuple[int, bool]:
        answer = await client.post(SESSION_PATH, json={"token": token})
        return answer.status, "Retry-After" in answer.headers

    assert [await offer("wrong") for _ in range(6)] == [(401, False)] * 5 + [(429, True)]
    assert await offer(TOKEN) == (429, True)
    bearer = {"X-Forwarded-For": "203.0.113.9", "Authorization": f"Bearer {TOKEN}"}
    assert await status(client, "GET", "/api/v1/state", bearer) == 429
    assert await status(client, "GET", "/api/v1/state", {}) == 200


async def test_a_wrong_bearer_counts_as_a_try(client: Client) -> None:
    wrong = {"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer wrong"}
    seen = [await status(client, "GET", "/api/v1/state", wrong) for _ in range(6)]
    assert seen == [401] * 5 + [429]


async def test_no_answer_tells_of_our_insides(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("marker-of-the-inside")

    client = await serve()
    monkeypatch.setattr(BenchDesk, "clocks", fails)
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
    script = await client.get("/static/api.js")
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


async def test_a_page_without_a_token_asks_nobody_and_signs_nobody_in() -> None:
    port = unused_port()
    client = await serve(access_for("127.0.0.1", port, (), {}, ""), port)
    tunnel = {"X-Forwarded-For": "203.0.113.9"}
    assert await status(client, "GET", "/api/v1/state", tunnel) == 200
    answer = await client.post(SESSION_PATH, json={"token": "any"})
    assert (answer.status, "Set-Cookie" in answer.headers) == (204, False)
    await client.close()
