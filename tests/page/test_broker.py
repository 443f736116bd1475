"""The page while the broker dies and comes back: it tells so, and the site goes on without it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.process.site import STEADY, Backend, Site, until

from .test_page import accessible, trigger

EVENT_S = 10


@pytest.fixture
def site(tmp_path: Path, broker: Mosquitto) -> Iterator[Site]:
    cloud = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {broker.port}}}"
    one = Site(tmp_path, STEADY.replace("cloud: {kind: local}", cloud, 1)).start().connected()
    yield one
    one.close()


def test_with_the_broker_killed_the_event_ends_on_time_and_switches_work(
    page: Page, site: Site, broker: Mosquitto
) -> None:
    chip, power = page.get_by_test_id("mqtt"), page.get_by_test_id("power")
    live = page.locator("header .live")
    expect(chip).to_have_text("MQTT connected")
    trigger(page, seconds=str(EVENT_S))
    expect(power).to_have_text("8.00")
    end_s = site.state()["events"][0]["end"]

    broker.kill()
    expect(chip).to_have_text("MQTT disconnected")
    expect(live).to_contain_text("grid link down")
    page.get_by_role("switch", name="EV Charger").click()
    expect(page.get_by_role("switch", name="EV Charger")).to_have_attribute("aria-checked", "true")
    expect(power).to_have_text("15.2")
    accessible(page)

    assert time.time() < end_s, "still in the event"
    until(lambda: time.time() >= end_s, "the end", seconds=EVENT_S)
    expect(power).to_have_text("17.2")
    expect(page.get_by_role("button", name="Trigger DR Event")).to_be_visible()
    expect(chip).to_have_text("MQTT disconnected")
    trigger(page)
    expect(power).to_have_text("15.2")

    broker.start()
    expect(chip).to_have_text("MQTT connected")
    expect(live).not_to_contain_text("grid link")
    backend = Backend(broker.port)
    assert backend.ask({"op": "restore", "correlationId": "back"})["status"] == "success"
    backend.close()
    expect(power).to_have_text("17.2")


def test_what_the_broker_does_not_allow_stands_on_the_page(
    page: Page, site: Site, broker: Mosquitto, tmp_path: Path
) -> None:
    broker.kill()
    (tmp_path / "rights").write_text("topic readwrite ven/cmd/#\ntopic write ven/telemetry/#\n")
    with (tmp_path / "broker" / "broker.conf").open("a") as conf:
        conf.write(f"acl_file {tmp_path / 'rights'}\n")
    broker.start()
    expect(page.get_by_test_id("mqtt")).to_have_text("MQTT connected")
    card = page.locator(".card.power")
    expect(card).to_contain_text("retained messages on ven/status/volttron_local")
    expect(page.locator("header .live")).to_contain_text("grid link restricted")
    accessible(page)
