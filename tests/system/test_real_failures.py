"""Failures of devices that only a whole program shows. The truth is the wiring behind the fakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.devices.background import Background
from tests.kit.devices.faults import Dead
from tests.kit.devices.mqtt.tasmota import Tasmota
from tests.kit.devices.retained import retained
from tests.kit.devices.shelly import Shelly
from tests.kit.devices.wiring import Wiring
from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.process.site import Site, until

WATTS = 1_500
NAMES = ("a", "b", "c", "d")


@dataclass
class House:
    """Four Shelly plugs and a Tasmota, whose `e` is the circuit that is shed first."""

    street: Background
    plugs: dict[str, Shelly]
    boiler: Tasmota
    site: Site

    def circuit(self, id: str) -> dict[str, Any]:
        return next(one for one in self.site.state()["circuits"] if one["id"] == id)

    def trigger(self, shed: str, duration: str) -> None:
        done = self.site.venctl("trigger", "event", "--shed", shed, "--for", duration, "--id", "e1")
        assert done.returncode == 0, done.stderr

    def are_read(self, *ids: str) -> None:
        until(lambda: all(self.circuit(id)["power_kw"] for id in ids), f"{ids} are read", 30)


@pytest.fixture
def house(broker: Mosquitto, tmp_path: Path) -> Iterator[House]:
    with Background() as street:
        wiring = street.run(_wiring())
        plugs = {id: street.start(Shelly.plug(wiring, wiring.outlet(id, WATTS))) for id in NAMES}
        boiler = street.start(
            Tasmota(wiring, wiring.outlet("e", WATTS), broker=broker.port, topic="boiler")
        )
        rows = [
            f'  {id}: {{rated: 1.5 kW, shed: 100 %, driver: {{shelly: "{plug.address}"}}}}'
            for id, plug in plugs.items()
        ]
        text = (
            f'site: {{id: real2}}\nlinks:\n  house: {{mqtt: "127.0.0.1:{broker.port}"}}\n'
            "circuits:\n  e: {rated: 1.5 kW, shed: 100 %, driver: {tasmota: boiler, on: house}}\n"
            + "\n".join(rows)
            + "\nrestore: {every: 500 ms}\n"
        )
        one = House(street, plugs, boiler, Site(tmp_path, text))
        try:
            yield one
        finally:
            one.site.close()


async def _wiring() -> Wiring:
    return Wiring()


def test_failure_2_with_one_of_five_devices_away_the_page_and_four_circuits_work(
    house: House,
) -> None:
    house.street.run(house.plugs["c"].fail(Dead()))
    house.site.start()
    assert {one["id"] for one in house.site.state()["circuits"]} == {*NAMES, "e"}
    house.are_read("a", "b", "d", "e")
    until(lambda: "answer" in (house.circuit("c")["fault"] or ""), "its fault in words", 60)
    house.street.run(house.plugs["c"].heal())
    until(lambda: not house.circuit("c")["fault"], "it joins by itself", 80)
    house.are_read("c")


def test_failure_3_a_relay_that_reads_off_and_is_on_is_never_counted_as_shed(house: House) -> None:
    house.site.start()
    house.are_read(*NAMES, "e")
    house.street.do(setattr, house.boiler.relays.outlets[0], "stuck", True)
    house.trigger("1.5 kW", "30 min")
    doubt = "it says that it is off, but its meter shows 1.5 kW"
    until(lambda: doubt in (house.circuit("e")["fault"] or ""), "its fault in words", 60)
    until(lambda: sum(plug.relay.outlet.watts for plug in house.plugs.values()) == 3 * WATTS,
          "another sheds in its place", 60)  # fmt: skip
    until(lambda: house.site.state()["shed_kw"] == 1.5, "that one alone is counted", 30)


def test_failure_5_and_21_a_program_that_dies_as_an_event_ends_frees_all_and_leaves_no_command(
    house: House, broker: Mosquitto
) -> None:
    house.site.start()
    house.are_read(*NAMES, "e")
    house.trigger("3 kW", "12 s")
    until(lambda: house.boiler.relays.outlets[0].watts == 0, "it is shed")
    house.site.kill()
    assert [topic for topic in retained(broker.port) if topic.startswith("cmnd/")] == []
    house.site.start()
    loads = [house.boiler.relays.outlets[0], *(one.relay.outlet for one in house.plugs.values())]
    until(lambda: all(one.watts == WATTS for one in loads), "all is back", 40)
