"""Pictures of the page, from a site that always does the same at the same time.

They go to docs/shots; with SHOTS=1 (`make shots`) the README's own is written too.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from socket import socket

import pytest
from aiohttp.web import AppRunner, SockSite
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from statemachine.wire.commands import Origin, command_from
from tests.kit.core.web_controller import START_MS, WebController
from tests.kit.core.web_controller import site as sample
from tests.kit.paths import ROOT
from web.app import access_for, make_app
from web.controller_port import LinkView

from .test_page import SIZES

PICTURE = ROOT / "docs" / "page.png"
BEFORE_S, INTO_S, STEP_MS = 9 * 60, 5 * 60 + 48, 4_000
EVENT = {"op": "event", "event_id": "evt-0800-2kW", "shed_kw": 2.0, "duration_sec": 600}

NOW_S = START_MS / 1_000 + BEFORE_S + INTO_S
ENDPOINT = "xxx-ats.iot.us-west-2.amazonaws.com:8883"
DOWN = LinkView(
    "disconnected", "aws", ENDPOINT, NOW_S - 42, 12, NOW_S - 47, "socket connection refused.", ()
)
NOT_ALLOWED = ("a last will on ven/status/volttron_local", "ven/ack/volttron_local")
RESTRICTED = LinkView("connected", "aws", ENDPOINT, NOW_S - 42, 0, NOW_S - 1, None, NOT_ALLOWED)


class BenchSite:
    """The page of a site whose clock stands still unless it is moved."""

    def __init__(self) -> None:
        self.desk = WebController(sample())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._pass, BEFORE_S)

    def event(self) -> None:
        """The grid calls an event, and most of it passes."""
        asyncio.run_coroutine_threadsafe(self._event(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self) -> str:
        listening = socket()
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = make_app(self.desk, access_for("127.0.0.1", port, (), {}, "token"))
        self._runner = AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await SockSite(self._runner, listening).start()
        return f"http://127.0.0.1:{port}"

    async def _event(self) -> None:
        door = Origin("operator", "r", *self.desk.clocks())
        ack = await self.desk.submit(command_from(EVENT, self.desk.spec.site.id, door))
        assert ack["status"] == "accepted"
        began_ms = self.desk.now_ms
        self._pass(INTO_S)
        self.desk.recent = [
            replace(one, target_w=one.base_w - 2_000) if one.at_ms > began_ms else one
            for one in self.desk.recent
        ]

    def _pass(self, seconds: int) -> None:
        for _ in range(0, seconds * 1_000, STEP_MS):
            self.desk.advance(STEP_MS)
        sent_s = self.desk.now_ms / 1_000 - 1
        self.desk.link = LinkView(
            "connected", "local", "127.0.0.1:1883", START_MS / 1_000, 0, sent_s, None, ()
        )


@pytest.fixture
def bench() -> Iterator[BenchSite]:
    one = BenchSite()
    yield one
    one.stop()


@pytest.fixture
def page(browser: Browser, bench: BenchSite) -> Iterator[Page]:
    context = browser.new_context(
        reduced_motion="reduce", locale="en-GB", timezone_id="America/Los_Angeles"
    )
    yield context.new_page()
    context.close()


def shoot(page: Page, moment: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size in ("desktop", "phone"):
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(
                "() => document.querySelector('.plot canvas').clientWidth <="
                " document.querySelector('.plot').clientWidth"
            )
            file = ROOT / "docs" / "shots" / f"{moment}-{size}-{scheme}.png"
            page.screenshot(path=str(file), animations="disabled", full_page=True)
            with Image.open(file) as picture:
                assert picture.width == width, "nothing is wider than the window"
                assert picture.height > height
            if os.environ.get("SHOTS") and (moment, size, scheme) == ("event", "desktop", "light"):
                PICTURE.write_bytes(file.read_bytes())


def look(page: Page, bench: BenchSite) -> None:
    page.clock.set_fixed_time(datetime.fromtimestamp(bench.desk.now_ms / 1_000, UTC))
    page.goto(bench.url)
    expect(page.locator("[data-state]").first).to_be_visible()
    page.evaluate("() => document.fonts.ready")


def test_screenshots_of_a_quiet_site_and_of_an_event(page: Page, bench: BenchSite) -> None:
    (ROOT / "docs" / "shots").mkdir(exist_ok=True)
    look(page, bench)
    expect(page.get_by_test_id("preview")).to_contain_text("Heater")
    shoot(page, "idle")
    bench.event()
    look(page, bench)
    expect(page.get_by_test_id("power")).to_have_text("8.00")
    expect(page.locator(".event")).to_contain_text("4:12")
    shoot(page, "event")
    bench.desk.link = DOWN
    look(page, bench)
    expect(page.get_by_test_id("mqtt")).to_have_text("MQTT disconnected")
    shoot(page, "down")
    bench.desk.link = RESTRICTED
    look(page, bench)
    expect(page.locator(".card.power")).to_contain_text("does not allow")
    shoot(page, "restricted")


def test_the_readme_shows_its_picture() -> None:
    assert "](docs/page.png)" in (ROOT / "README.md").read_text()
    with Image.open(PICTURE) as picture:
        assert picture.width == SIZES["desktop"][0]
