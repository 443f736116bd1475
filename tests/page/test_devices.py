"""A site of fake devices on the page: what each circuit is wired to, and how its links do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.kit.devices.background import Background
from tests.kit.devices.modbus.chargers import Heidelberg
from tests.kit.devices.modbus.meters import Sdm120, Sdm630
from tests.kit.devices.modbus_device import ModbusDevice
from tests.kit.devices.shelly import Shelly
from tests.kit.devices.wiring import Wiring
from tests.kit.process.site import Site, until

from .test_states import row, shoot

HEATER_W, CAR_W, OVEN_W, REST_W = 1_500, 11_040, 700, 600
PASSWORD = "a word that nobody may see"


@dataclass
class House:
    street: Background
    plug: Shelly
    gateway: ModbusDevice
    site: Site

    @property
    def url(self) -> str:
        return self.site.url


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Named as the fixture that `page` opens."""
    with Background() as street:
        wiring = street.run(_wiring())
        plug = street.start(
            Shelly.plug(wiring, wiring.outlet("heater", HEATER_W), password=PASSWORD)
        )
        car = Heidelberg(wiring, wiring.outlet("car", CAR_W, (1, 2, 3)))
        oven = Sdm120(wiring.meter(wiring.outlet("oven", OVEN_W)))
        units = {1: car, 2: Sdm630(wiring.main), 3: oven}
        gateway = street.start(ModbusDevice(wiring.clock, units))
        one = Site(tmp_path_factory.mktemp("house"), _ven(plug, gateway), {"WORD": PASSWORD})
        one.start().connected()
        try:
            until(lambda: one.state()["power_kw"] is not None, "the main meter")
            until(lambda: all(c["power_kw"] for c in one.state()["circuits"]), "all read")
            yield House(street, plug, gateway, one)
        finally:
            one.close()


async def _wiring() -> Wiring:
    return Wiring(unmetered_w=REST_W)


def _ven(plug: Shelly, gateway: ModbusDevice) -> str:
    return f"""
site: {{id: real1, name: Maple Street 12, service: 24 kW}}
sim: {{load: steady}}
links:
  cellar: {{modbus: "127.0.0.1:{gateway.port}", pause: 20 ms}}
meter: {{sdm630: 2, on: cellar}}
circuits:
  heater1: {{name: Heater, type: heater, rated: 1.5 kW, shed: 100 %,
            driver: {{shelly: "{plug.address}", password: env:WORD}}}}
  ev1: {{name: EV Charger, type: ev, rated: 11.04 kW, shed: 100 %, volts: 230, phases: 3,
        driver: {{heidelberg: 1, on: cellar}}}}
  oven1: {{name: Oven, type: other, rated: 0.8 kW, meter: {{sdm120: 3, on: cellar}}}}
  lights1: {{name: Lights, type: lights, rated: 0.4 kW, shed: 70 %}}
restore: {{every: 500 ms}}
"""


def details(page: Page, name: str) -> Locator:
    page.get_by_role("button", name=f"{name}, details").click()
    return page.get_by_role("dialog")


def fact(dialog: Locator, name: str) -> Locator:
    return dialog.locator(f'dt:text-is("{name}") + dd')


def link(page: Page, id: str) -> Locator:
    return page.locator(f'[data-link="{id}"]')


def test_a_circuit_says_what_it_is_wired_to_and_what_it_was_told(page: Page, site: House) -> None:
    page.get_by_role("switch", name="Heater").click()
    until(lambda: not site.plug.relay.outlet.closed, "the relay is open")
    dialog = details(page, "Heater")
    expect(fact(dialog, "Device")).to_contain_text("Shelly relay or plug")
    expect(fact(dialog, "Device")).to_contain_text(site.plug.address)
    expect(fact(dialog, "Link")).to_contain_text(re.compile(r"up since \d\d:\d\d"))
    expect(fact(dialog, "Last command")).to_have_text(
        re.compile(r"Switched off, \d\d:\d\d, read back")
    )
    expect(fact(dialog, "Without venctl")).to_have_text(
        re.compile("Comes back from an event within 2")
    )
    expect(fact(dialog, "Last test")).to_contain_text("venctl circuits test")
    shoot(page, "device")
    page.keyboard.press("Escape")
    page.get_by_role("switch", name="Heater").click()
    until(lambda: site.plug.relay.outlet.closed, "the relay is closed")


def test_only_the_circuit_without_a_device_is_called_simulated(page: Page, site: House) -> None:
    expect(page.locator(".page-header").get_by_text("1 simulated")).to_be_visible()
    assert [
        one.get_attribute("data-circuit")
        for one in page.locator("[data-circuit]").filter(has_text="Simulated").all()
    ] == ["lights1"]
    expect(fact(details(page, "Oven"), "Device")).to_have_text(
        re.compile("SDM120.*unit 3 on cellar")
    )
    page.keyboard.press("Escape")
    expect(fact(details(page, "Lights"), "Device")).to_have_text("Simulated")
    page.keyboard.press("Escape")
    expect(row(page, "oven1")).to_contain_text(re.compile("0.70.kW"))


def test_every_link_has_its_line_and_no_secret_is_anywhere(page: Page, site: House) -> None:
    expect(link(page, "cellar")).to_contain_text("EV Charger, Oven and the main meter")
    expect(link(page, "cellar").locator(".chip")).to_have_text("Up")
    expect(page.get_by_test_id("main-meter")).to_contain_text("SDM630")
    for path in ("state", "circuits", "circuits/heater1"):
        text = str(site.site.http("GET", f"/api/v1/{path}"))
        assert PASSWORD not in text and "WORD" not in text
    assert PASSWORD not in page.content()
    shoot(page, "devices")


def test_a_main_meter_that_is_gone_is_not_known_and_never_zero(
    browser: Browser, site: House
) -> None:
    context = browser.new_context(reduced_motion="reduce", locale="en-GB")
    page = context.new_page()
    why = "192.168.1.20 gave no answer within 2 s"

    def altered(route: Route) -> None:
        now = route.fetch().json()
        now |= {"power_kw": None, "base_power_kw": None, "unmetered_kw": None}
        now["main_meter"] |= {"power_kw": None, "fault": why}
        now["device_links"][-1] |= {"up": False, "fault": why, "errors": 3}
        route.fulfill(json=now)

    page.route("**/api/v1/stream", lambda route: route.abort())
    page.route("**/api/v1/state", altered)
    page.goto(site.url)
    expect(page.get_by_test_id("power")).to_contain_text("Not known", timeout=15_000)
    for id in ("used", "base"):
        expect(page.get_by_test_id(id)).to_have_text("not known")
    expect(row(page, "unmetered")).to_contain_text("not known")
    down = page.locator("[data-link]").filter(has_text="Down")
    expect(down).to_contain_text(f"3 errors{why}.")
    expect(page.get_by_test_id("main-meter")).to_contain_text("Not known")
    shoot(page, "devices-lost")
    page.unroute_all(behavior="ignoreErrors")
    context.close()
