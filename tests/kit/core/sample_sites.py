"""The sites that tests use most, and when their clock begins."""

from __future__ import annotations

from statemachine import Spec, read
from statemachine.state.desires import Wish

NOW_S = 1_700_000_000
NOW_MS = NOW_S * 1_000

PANEL = """
site: {id: ven-test, service: 24 kW, unmetered: 1 kW}
circuits:
  heater: {rated: 2 kW, shed: 100 %}
  lights: {rated: 600 W, shed: 70 %, floor: 100 W, priority: 1}
  pumpa:  {rated: 900 W, shed: 100 %, control: relay, priority: 5}
  pumpb:  {rated: 500 W, shed: 100 %, control: relay, priority: 5}
  oven:   {rated: 3 kW}
  server: {rated: 400 W, shed: never}
  shop:   {rated: 1 kW, shed: 50 %, remote: no}
  hvac:   {rated: 3.5 kW, shed: 20 %, critical: true}
  fridge: {rated: 200 W, shed: 20 %, critical: true}
restore: {bridge: 0 s}
"""

# The site of the worked example of docs/wire-contract.md.
MAPLE = """
site: {id: volttron_local, unmetered: 3.4 kW}
sim: {load: steady}
circuits:
  heater1: {name: Heater, rated: 1.5 kW, shed: 100 %}
  lights1: {name: Lights, rated: 0.4 kW, shed: 70 %}
  misc1:   {name: House Load, rated: 1.0 kW, shed: 60 %}
  ev1:     {name: EV Charger, rated: 7.2 kW, shed: 100 %, enabled: false}
  hvac1:   {name: HVAC, rated: 3.5 kW, shed: 20 %, critical: true}
  fridge1: {name: Fridge, rated: 0.2 kW, shed: 20 %, critical: true}
"""


def site(text: str) -> Spec:
    """A site out of its text."""
    return read(text, "ven.yaml")


def wish(circuit: str, enabled: bool, stamp_s: int) -> Wish:
    """What the cloud wants of a circuit."""
    return Wish(circuit, enabled, stamp_s)
