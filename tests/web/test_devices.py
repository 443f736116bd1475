"""Devices, their links and the main meter in the API; a power that is not known is null."""

from __future__ import annotations

from dataclasses import replace

from statemachine.kit.frozen import changed
from tests.kit.core.web_controller import START_MS
from tests.kit.core.web_page import Page, api
from venctl.cli.status import _six_lines
from web.controller_port import (
    ChartPoint,
    DeviceLinkView,
    DevicesView,
    DeviceView,
    LastCommandView,
    LastTestView,
    MainMeterView,
    MeterView,
)

__all__ = ["api"]  # a fixture

NOW_S = START_MS / 1000
METER = MeterView("sdm120", "Eastron SDM120 meter", "unit 4 on cellar", "cellar", None)
DEVICE = DeviceView(
    "shelly",
    "Shelly relay",
    "192.168.1.40",
    "http 192.168.1.40",
    None,
    switches=True,
    lease="free",
    lease_s=120.0,
    last_command=LastCommandView("switched off", NOW_S - 5, seen=True),
    meter=METER,
    test=LastTestView(NOW_S - 60, "ok", ("all well",), "Plus 1PM", "1.1.0"),
)
CELLAR = DeviceLinkView(
    "cellar", "modbus 192.168.1.20", False, NOW_S - 9, 0.02, 3, "does not answer", (), True
)
MAIN = MainMeterView("sdm630", "Eastron SDM630", "unit 2 on cellar", "cellar", None, 9_800, NOW_S)
WIRED = DevicesView({"heater1": DEVICE}, (CELLAR,), MAIN)


async def test_a_circuit_without_a_device_has_none(api: Page) -> None:
    now = await api.get("/api/v1/state")
    assert [one["device"] for one in now["circuits"]] == [None] * 6
    assert (now["device_links"], now["main_meter"]) == ([], None)


async def test_a_circuit_says_its_device_its_last_command_and_its_last_test(api: Page) -> None:
    api.desk.wired = WIRED
    device = (await api.get("/api/v1/circuits/heater1"))["device"]
    assert (device["title"], device["address"], device["lease"]) == (
        "Shelly relay",
        "192.168.1.40",
        "free",
    )
    assert device["last_command"] == {"what": "switched off", "at": NOW_S - 5, "read_back": True}
    assert device["meter"]["address"] == "unit 4 on cellar"
    assert (device["test"]["grade"], device["test"]["findings"]) == ("ok", ["all well"])
    now = await api.get("/api/v1/state")
    assert now["circuits"][0]["device"] == device
    assert now["main_meter"]["power_kw"] == 9.8
    [link] = now["device_links"]
    assert (link["up"], link["errors"], link["main_meter"]) == (False, 3, True)


async def test_without_the_main_meter_nothing_of_the_site_is_known_and_nothing_is_zero(
    api: Page,
) -> None:
    api.desk.wired = replace(WIRED, main_meter=replace(MAIN, power_w=None, read_at=None))
    api.desk.memory = changed(api.desk.memory, main_lost_ms=START_MS)
    api.desk.recent = [ChartPoint(START_MS, None, None, None)]
    now = await api.get("/api/v1/state")
    names = ("power_kw", "base_power_kw", "unmetered_kw")
    assert [now[name] for name in names] == [None, None, None]
    assert now["main_meter"]["power_kw"] is None and now["shed_kw"] == 0.0
    seen = await api.get("/api/v1/preview?shed_kw=2&duration_s=300")
    assert (seen["power_before_kw"], seen["power_after_kw"]) == (None, None)
    series = (await api.get("/api/v1/recent"))["series"]
    assert series == {"power": [None], "base": [None], "target": [None]}


async def test_the_command_line_tells_the_same(api: Page) -> None:
    assert "circuits 5 of 6 on, all simulated" in "\n".join(
        _six_lines(await api.get("/api/v1/state"))
    )
    api.desk.wired = WIRED
    api.desk.memory = changed(api.desk.memory, main_lost_ms=START_MS)
    now = await api.get("/api/v1/state")
    now["circuits"][0]["simulated"] = False
    lines = "\n".join(_six_lines(now))
    assert "power    not known, the main meter cannot be read; shed 0.00 kW" in lines
    assert "on, simulated: Lights, House Load, EV Charger and 2 more" in lines
    assert "device   Heater: Shelly relay, 192.168.1.40, read 0 s ago; told to be" in lines
    assert "read back\n" in lines and "NOT" not in lines
    assert "device   main meter: Eastron SDM630, unit 2 on cellar, read 0 s ago" in lines
    assert "FAULT    link cellar: down since" in lines
