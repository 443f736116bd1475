"""A whole site of devices behind real sockets: the loads fall at the main meter, and come back.

The truth is the wiring behind the fake devices, never what the program says.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.devices.background import Background
from tests.kit.devices.faults import Dead, Deaf
from tests.kit.devices.modbus.chargers import Heidelberg
from tests.kit.devices.modbus.meters import Sdm630
from tests.kit.devices.modbus_device import ModbusDevice
from tests.kit.devices.mqtt.tasmota import Tasmota
from tests.kit.devices.shelly import Shelly
from tests.kit.devices.wiring import Outlet, Wiring
from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.process.site import Site, until

HEATER_W, BOILER_W, CAR_W, REST_W = 1_500, 2_000, 11_040, 600
ALL_W = HEATER_W + BOILER_W + CAR_W + REST_W
LEASE_S = 120


@dataclass
class House:
    """The world, the devices in it, and the program that commands them."""

    wiring: Wiring
    street: Background
    plug: Shelly
    boiler: Tasmota
    gateway: ModbusDevice
    car: Outlet
    broker: Mosquitto
    site: Site

    def watts(self) -> float:
        """What really flows at the main meter."""
        return self.wiring.main.watts

    def falls_to(self, watts: float, seconds: float = 20) -> None:
        until(lambda: self.watts() <= watts + 1, f"{watts} W at the main meter", seconds)

    def is_whole(self, seconds: float = 40) -> None:
        until(lambda: self.watts() == ALL_W, "everything is back", seconds)

    def trigger(self, shed: str, duration: str = "30 min") -> None:
        done = self.site.venctl("trigger", "event", "--shed", shed, "--for", duration, "--id", "e1")
        assert done.returncode == 0, done.stderr

    def restore(self) -> None:
        done = self.site.venctl("trigger", "restore", "--confirm")
        assert done.returncode == 0, done.stderr

    def circuit(self, id: str) -> dict[str, Any]:
        return next(one for one in self.site.state()["circuits"] if one["id"] == id)


@pytest.fixture
def house(broker: Mosquitto, tmp_path: Path) -> Iterator[House]:
    with Background() as street:
        wiring = street.run(_wiring())
        plug = street.start(Shelly.plug(wiring, wiring.outlet("heater", HEATER_W)))
        tasmota = Tasmota(
            wiring, wiring.outlet("boiler", BOILER_W), broker=broker.port, topic="boiler"
        )
        boiler = street.start(tasmota)
        outlet = wiring.outlet("car", CAR_W, (1, 2, 3))
        car = Heidelberg(wiring, outlet)
        gateway = street.start(ModbusDevice(wiring.clock, {1: car, 2: Sdm630(wiring.main)}))
        site = Site(tmp_path, _ven(plug, broker, gateway))
        site.start()
        house = House(wiring, street, plug, boiler, gateway, outlet, broker, site)
        try:
            until(lambda: site.state()["power_kw"] is not None, "the main meter")
            until(lambda: all(c["power_kw"] for c in site.state()["circuits"]), "all read")
            yield house
        finally:
            site.close()


async def _wiring() -> Wiring:
    return Wiring(unmetered_w=REST_W)


def _ven(plug: Shelly, broker: Mosquitto, gateway: ModbusDevice) -> str:
    return f"""
site: {{id: real1, service: 24 kW}}
links:
  house: {{mqtt: "127.0.0.1:{broker.port}"}}
  cellar: {{modbus: "127.0.0.1:{gateway.port}", pause: 20 ms}}
meter: {{sdm630: 2, on: cellar}}
circuits:
  heater1: {{type: heater, rated: 1.5 kW, shed: 100 %, driver: {{shelly: "{plug.address}"}}}}
  boiler1: {{type: water_heater, rated: 2 kW, shed: 100 %, driver: {{tasmota: boiler, on: house}}}}
  ev1: {{type: ev, rated: 11.04 kW, shed: 100 %, volts: 230, phases: 3,
        driver: {{heidelberg: 1, on: cellar}}}}
restore: {{every: 500 ms}}
"""


def test_an_event_end_to_end_with_the_loads_really_falling_at_the_main_meter(house: House) -> None:
    assert house.watts() == ALL_W
    state = house.site.state()
    assert state["power_kw"] == pytest.approx(ALL_W / 1000, abs=0.05)
    assert state["unmetered_kw"] == pytest.approx(REST_W / 1000, abs=0.05)
    house.trigger("3.5 kW")
    house.falls_to(ALL_W - 3_500)
    assert house.watts() == ALL_W - HEATER_W - BOILER_W
    until(lambda: house.site.state()["shed_kw"] == 3.5, "3.5 kW shed by the meters")
    house.restore()
    house.is_whole()


def test_a_car_is_limited_in_whole_amperes(house: House) -> None:
    house.trigger("6 kW")
    house.falls_to(ALL_W - 6_000)
    car = house.wiring.main.watts - REST_W
    assert car == 12 * 690
    house.restore()
    house.is_whole()


def test_a_device_that_is_away_is_replaced_and_joins_again_by_itself(house: House) -> None:
    house.street.run(house.plug.fail(Dead()))
    house.trigger("3 kW")
    house.falls_to(ALL_W - 3_000, 60)  # a circuit that fails for 30 s is replaced
    assert house.plug.relay.outlet.watts == HEATER_W
    until(lambda: house.circuit("heater1")["fault"], "its fault in words")
    house.street.run(house.plug.heal())
    until(lambda: not house.circuit("heater1")["fault"], "well again", 80)
    house.restore()
    house.is_whole()


def test_a_device_that_goes_away_in_mid_event_is_free_again_by_itself(house: House) -> None:
    house.trigger("1.5 kW")
    house.falls_to(ALL_W - 1_500)
    house.street.run(house.plug.fail(Dead()))
    house.restore()
    until(lambda: house.circuit("heater1")["fault"], "its fault in words", 30)
    house.street.run(house.plug.heal())
    house.is_whole(80)


def test_a_deaf_device_is_told_and_another_sheds_in_its_place(house: House) -> None:
    house.street.run(house.plug.fail(Deaf()))
    house.trigger("1.5 kW")
    house.falls_to(ALL_W - 1_500, 60)
    assert "not seen" in house.circuit("heater1")["fault"]


def test_a_broker_that_is_away_delays_only_its_own_circuits(house: House) -> None:
    house.broker.stop()
    house.trigger("4 kW")
    house.falls_to(ALL_W - 4_000, 60)
    house.broker.start()
    house.restore()
    house.is_whole(80)


def test_a_device_that_starts_anew_in_mid_event_is_held_again(house: House) -> None:
    house.trigger("1.5 kW")
    house.falls_to(ALL_W - 1_500)
    house.street.run(house.plug.reboot(1, cold=True))
    until(lambda: house.plug.relay.outlet.watts == 0, "held again", 60)
    house.falls_to(ALL_W - 1_500)
    assert len(house.site.state()["events"]) == 1
    house.restore()
    house.is_whole()


def test_kill_in_mid_event_and_another_start_hold_what_was_held(house: House) -> None:
    house.trigger("3.5 kW")
    house.falls_to(ALL_W - 3_500)
    house.site.kill()
    house.site.start()
    until(lambda: house.site.state()["shed_kw"] == 3.5, "the same shed")
    house.restore()
    house.is_whole()


def test_what_was_held_is_given_back_also_if_the_memory_is_lost(house: House) -> None:
    house.trigger("3.5 kW")
    house.falls_to(ALL_W - 3_500)
    house.site.kill()
    for part in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (house.site.folder / ".venctl/real1" / part).unlink(missing_ok=True)
    house.site.start()
    house.is_whole(40)  # long before the leases end
    assert "memory_lost" in str(house.site.state()["alarms"])


def test_a_circuit_that_left_the_file_is_given_back_also_after_a_kill(house: House) -> None:
    house.trigger("6 kW")
    house.falls_to(ALL_W - 6_000)
    file = house.site.folder / "ven.yaml"
    lines = file.read_text().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.lstrip().startswith("ev1:"))
    house.street.run(house.gateway.fail(Dead()))
    file.write_text("".join(lines[:at] + lines[at + 2 :]))
    assert house.site.venctl("reload").returncode == 0
    house.site.kill()
    house.street.run(house.gateway.heal())
    house.site.start()
    until(lambda: house.car.watts == CAR_W, "the car charges as it likes", 80)


def test_a_device_that_its_circuit_no_longer_names_is_given_back(house: House) -> None:
    house.trigger("1.5 kW")
    house.falls_to(ALL_W - 1_500)
    file = house.site.folder / "ven.yaml"
    file.write_text(file.read_text().replace(f'{{shelly: "{house.plug.address}"}}', "sim"))
    assert house.site.venctl("reload").returncode == 0
    until(lambda: house.plug.relay.outlet.watts == HEATER_W, "the heater draws again", 30)


def test_a_person_at_the_device_keeps_it_out_of_the_event(house: House) -> None:
    house.trigger("1.5 kW")
    house.falls_to(ALL_W - 1_500)
    house.street.do(house.plug.relay.press)
    until(lambda: house.circuit("heater1")["opted_out"], "opted out", 20)
    house.falls_to(ALL_W - 1_500)
    assert house.plug.relay.outlet.watts == HEATER_W


@pytest.mark.skipif("LEASES" not in os.environ, reason="takes two minutes: make devices")
def test_a_killed_program_leaves_no_leased_load_off(house: House) -> None:
    house.trigger("3.5 kW")
    house.falls_to(ALL_W - 3_500)
    house.site.process.send_signal(signal.SIGKILL)
    relays = (house.plug.relay.outlet, house.boiler.relays.outlets[0])
    until(lambda: [one.watts for one in relays] == [HEATER_W, BOILER_W], "back", LEASE_S + 2)
