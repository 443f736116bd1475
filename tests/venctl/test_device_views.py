"""What is told of the devices of a site: where each is and how it does, and never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from statemachine import Spec, read
from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import LinkAnswer, Order, Query
from tests.kit.simulated.skipping import run
from venctl.commissioning.results import LastTest, digest
from venctl.device_views import DeviceViews
from venctl.devices.catalog import shipped
from venctl.drivers.circuits import Circuits
from venctl.drivers.links import DeviceLink, LinkFault, LinkState
from web.controller_port import LastTestView

SITE = """
site: {id: v}
links:
  house: {mqtt: "192.168.1.5", username: ven, password: env:MQTT_WORD}
  cellar: {modbus: "192.168.1.20", pause: 20 ms}
meter: {sdm630: 2, on: cellar}
circuits:
  heater: {rated: 2 kW, shed: 100 %,
           driver: {shelly: 192.168.1.40, channel: 1, password: env:PLUG_WORD}}
  boiler: {rated: 2 kW, shed: 100 %, driver: {tasmota: boiler, on: house}}
  car: {rated: 11 kW, shed: 100 %, volts: 230, phases: 3, driver: {heidelberg: 1, on: cellar},
        meter: {sdm630: 4, on: cellar}}
  oven: {rated: 2 kW, meter: {sdm120: 3, on: cellar}}
  lights: {rated: 1 kW, shed: 100 %}
"""


class Wire:
    """A link of which only the state matters."""

    def __init__(self, what: str) -> None:
        self.what, self.fault = what, "gave no answer within 2 s"

    async def ask(self, query: Query) -> LinkAnswer:
        raise LinkFault(self.fault, up=False)

    async def tell(self, order: Order) -> None:
        raise LinkFault(self.fault, up=False)

    def state(self) -> LinkState:
        return LinkState(self.what, False, 5_000, 20, 3, self.fault)

    async def close(self) -> None:
        """Nothing is open."""


class Deaf:
    """Whoever listens to devices."""

    def doubted(self, circuit: str) -> None: ...

    def moved(self, circuit: str, on: bool) -> None: ...

    def noticed(self, circuit: str, text: str | None) -> None: ...


class Modelled:
    timeout_s = last_s = 1.0

    def unmetered_w(self) -> int:
        return 0

    def use(self, spec: Spec) -> None: ...

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None: ...

    async def switch(self, circuit: str, enabled: bool) -> None: ...

    async def readings(self) -> Mapping[str, int]:
        return {}


def opened(declared: LinkDeclaration) -> DeviceLink:
    return Wire(f"{declared.speaks} {declared.to.removeprefix('http://')}")


def refused(declared: LinkDeclaration) -> DeviceLink:
    raise LinkFault(f"no link to {declared.to}")


def circuits(spec: Spec, open_link: Any = opened) -> Circuits:
    made = Circuits(spec, Modelled(), shipped(), Deaf(), lambda: (9_000, 9_000), open_link)
    made.build({}, lambda circuit: False)
    return made


@pytest.fixture
def spec() -> Spec:
    return read(SITE, "ven.yaml", shipped())


def test_a_device_is_told_by_its_title_and_its_place(spec: Spec) -> None:
    seen = DeviceViews(circuits(spec), lambda: spec).view()
    places = {id: one.address for id, one in seen.circuits.items()}
    assert places == {
        "heater": "192.168.1.40, channel 1",
        "boiler": "topic boiler on house",
        "car": "unit 1 on cellar",
        "oven": "unit 3 on cellar",
    }
    heater, car, oven = (seen.circuits[id] for id in ("heater", "car", "oven"))
    assert heater.title == "Shelly relay or plug, Gen 2 and later"
    assert (heater.switches, heater.lease, heater.lease_s) == (True, "free", 120.0)
    assert (car.lease, car.lease_s) == ("failsafe", 15.0)
    assert car.meter is not None and car.meter.address == "unit 4 on cellar"
    assert (oven.switches, oven.lease, oven.meter) == (False, None, None)


def test_a_link_names_who_uses_it_and_a_device_names_its_link(spec: Spec) -> None:
    seen = DeviceViews(circuits(spec), lambda: spec).view()
    users = {link.id: (link.circuits, link.main_meter) for link in seen.links}
    assert users == {
        "http 192.168.1.40": (("heater",), False),
        "house": (("boiler",), False),
        "cellar": (("car", "oven"), True),
    }
    assert {id: one.link for id, one in seen.circuits.items()} == {
        "heater": "http 192.168.1.40",
        "boiler": "house",
        "car": "cellar",
        "oven": "cellar",
    }
    cellar = seen.links[-1]
    assert (cellar.up, cellar.since, cellar.pace_s, cellar.errors) == (False, 5.0, 0.02, 3)


def test_no_secret_and_no_name_of_one_is_last_command(spec: Spec) -> None:
    seen = str(asdict(DeviceViews(circuits(spec), lambda: spec).view()))
    assert "WORD" not in seen and "password" not in seen


def test_two_links_to_one_place_have_two_names() -> None:
    text = SITE.replace("links:", 'links:\n  attic: {modbus: "192.168.1.20"}')
    text += "  pump: {rated: 1 kW, meter: {sdm120: 9, on: attic}}\n"
    spec = read(text, "ven.yaml", shipped())
    ids = [link.id for link in DeviceViews(circuits(spec), lambda: spec).view().links]
    assert len(ids) == len(set(ids)) == 4 and {"attic", "cellar"} < set(ids)


def test_a_link_that_cannot_be_opened_is_told_at_each_device_behind_it(spec: Spec) -> None:
    seen = DeviceViews(circuits(spec, refused), lambda: spec).view()
    assert seen.links == ()
    assert {one.link for one in seen.circuits.values()} == {None}
    assert {(one.fault or "")[:7] for one in seen.circuits.values()} == {"no link"}
    assert seen.main_meter is not None and "no link" in (seen.main_meter.fault or "")


def test_a_failed_command_was_not_read_back_and_a_main_meter_without_a_reading_is_not_known(
    spec: Spec,
) -> None:
    async def story() -> None:
        made = circuits(spec)
        views = DeviceViews(made, lambda: spec)
        driver = made.devices()["heater"]
        assert views.view().circuits["heater"].last_command is None
        with pytest.raises(LinkFault):
            await driver.hold("heater", 0, 60_000)
        with pytest.raises(LinkFault):
            await driver.readings()
        assert made.beside_w({}) is None
        await made.close()
        seen = views.view()
        assert "no answer" in (seen.circuits["heater"].fault or "")
        assert seen.main_meter is not None and seen.main_meter.power_w is None
        assert seen.main_meter.read_at is None

    run(story())


def test_a_test_belongs_to_its_circuit_as_long_as_that_is_wired_so(spec: Spec) -> None:
    as_now = digest(spec.circuits["heater"].driver, spec.circuits["heater"].meter)
    test = LastTest(at_ms=1_000, grade="ok", device="shelly", declared=as_now, firmware="1.1.0")
    kept = {"heater": test, "boiler": test.model_copy(update={"declared": "otherwise"})}
    seen = DeviceViews(circuits(spec), lambda: spec, kept).view().circuits
    assert seen["heater"].test == LastTestView(1.0, "ok", (), None, "1.1.0")
    assert seen["boiler"].test is None
