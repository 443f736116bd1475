"""What the API tells of a circuit with a device: its kind, and not where its secrets are."""

from __future__ import annotations

import json

from statemachine import read
from tests.kit.core.sample_devices import DEVICES
from tests.kit.core.web_controller import WebController
from web import resources

SITE = """
site: {id: v}
links: {house: {mqtt: 192.168.1.5, username: venctl, password: env:MQTT_WORD}}
circuits:
  heater: {rated: 2 kW, shed: 100 %, driver: {plug: 192.168.1.40, password: file:plug.secret}}
  pump:   {rated: 1 kW, shed: 100 %, driver: {strip: garden, socket: 1, on: house}}
  oven:   {rated: 3 kW, meter: {counter: 1, host: 192.168.1.20}}
  lamp:   {rated: 100 W}
"""


def test_a_circuit_is_simulated_only_where_no_device_switches_or_measures_it() -> None:
    desk = WebController(read(SITE, "v", DEVICES))
    told = {id: resources.circuit(desk, id) for id in desk.spec.circuits}
    assert {id: one["driver"] for id, one in told.items()} == {
        "heater": "plug", "pump": "strip", "oven": "sim", "lamp": "sim"
    }  # fmt: skip
    assert [id for id, one in told.items() if one["simulated"]] == ["lamp"]
    assert [id for id, one in told.items() if not one["metered"]] == ["pump"]
    text = json.dumps(resources.state(desk))
    assert "MQTT_WORD" not in text and "plug.secret" not in text
