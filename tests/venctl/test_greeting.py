"""Every address that `venctl run` prints can be opened, also from another device."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from tests.kit.core.web_controller import WebController, site
from tests.kit.process.site import STEADY, Site, until
from tests.web.http.test_guard import SPACE, TOKEN
from venctl.greeting import addresses, lines
from web.app import access_for, make_app

OWN = re.compile(r"http://[^/ ]+:\d+/#token=\S+")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "::1"])
async def test_the_guard_lets_in_at_every_address_that_is_printed(host: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as free:
        try:
            free.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        port = free.getsockname()[1]
    server = TestServer(
        make_app(WebController(site()), access_for(host, port, (), {}, TOKEN)), host=host, port=port
    )
    await server.start_server()
    pages = addresses(f"{host}:{port}", (), {})
    async with ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as visitor:
        for page in pages:
            async with visitor.get(f"{page}/api/v1/health/live") as answer:
                assert answer.status == 200, page
    assert not [page for page in pages if "0.0.0.0" in page or "[::]" in page]
    await server.close()


def test_a_page_that_listens_everywhere_names_the_way_from_another_device() -> None:
    printed = lines("0.0.0.0:8080", addresses("0.0.0.0:8080", ("house.lan",), {}), "secret")
    assert printed[0] == "page     http://127.0.0.1:8080/#token=secret"
    assert "         http://house.lan:8080/#token=secret" in printed
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))
        mine = asking.getsockname()[0]
    assert f"         http://{mine}:8080/#token=secret" in printed


def test_a_page_on_loopback_needs_no_token_but_through_a_tunnel() -> None:
    printed = lines("127.0.0.1:80", addresses("127.0.0.1:80", ("proxy.lan",), SPACE), "secret")
    assert printed == [
        "page     http://127.0.0.1:80",
        "         https://funny-space-80.app.github.dev/#token=secret",
    ]
    assert addresses("::1:80", (), {}) == ["http://[::1]:80"]


def test_run_prints_an_address_that_can_be_opened(tmp_path: Path) -> None:
    one = Site(tmp_path, STEADY.replace("listen: 127.0.0.1:8080", "listen: 0.0.0.0:8080")).start()
    try:
        until(lambda: "state    " in one.said(), "the greeting")
        pages = one.said().partition("broker")[0]
        assert OWN.findall(pages) and "0.0.0.0" not in pages
        assert one.ready["web"].startswith("0.0.0.0:")
    finally:
        one.close()
