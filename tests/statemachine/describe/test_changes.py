"""What another ven.yaml changes, in words, and what of it is in force at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine import Spec, read
from statemachine.describe.changes import changes
from tests.kit.core.sample_devices import DEVICES
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.paths import ROOT

WHOLE = (ROOT / "ven.yaml").read_text("utf-8")
CHART = """
event:
  initial: received
  states:
    received:
    ramping:  {for: 2 min, sheds: 50 %}
    shedding: {until: end, sheds: 100 %, report: started}
    done:     {final: true}
  transitions:
    - {trigger: dr_event, from: received, to: ramping, do: accept}
    - {trigger: elapsed,  from: ramping, to: shedding}
    - {trigger: ended,  from: shedding, to: done}
    - {trigger: restore, from: [ramping, shedding], to: done}
    - {trigger: cancel, from: [ramping, shedding], to: done}
"""


def lines(old: str, new: str, live: bool = False) -> list[str]:
    return changes(site(old), site(new), live).lines


def edited(text: str, *pairs: tuple[str, str]) -> str:
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after, 1)
    return text


HEATER = "heater1: {name: Heater, rated: 1.5 kW, shed: 100 %}"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("shed: 100 %", "shed: 50 %", "heater1: shed 100 % -> 50 %"),
        ("shed: 100 %", "shed: never", "heater1: shed 100 % -> never"),
        ("rated: 1.5 kW", "rated: 1.55 kW", "heater1: rated 1.5 kW -> 1.55 kW"),
        ("shed: 100 %", "shed: 100 %, floor: 15 W", "heater1: floor 0 kW -> 15 W"),
        ("name: Heater", "name: Boiler", "heater1: name Heater -> Boiler"),
        ("name: Heater, ", "", "heater1: name Heater -> none"),
        ("shed: 100 %", "shed: 100 %, min_off: 5 min", "heater1: min_off none -> 5 min"),
        (
            "shed: 100 %",
            "shed: 100 %, enabled: false",
            "heater1: enabled true -> false (only applies to a new site)",
        ),
    ],
)
def test_a_setting_of_a_circuit_is_told_with_its_unit(before: str, after: str, said: str) -> None:
    assert lines(MAPLE, edited(MAPLE, (HEATER, HEATER.replace(before, after)))) == [said]


def test_circuits_that_come_and_go_are_named() -> None:
    new = edited(MAPLE, (HEATER, "pump1: {rated: 1 kW, shed: 100 %}"))
    assert lines(MAPLE, new) == ["pump1 new", "heater1 removed"]


def test_another_order_of_giving_is_told_though_no_setting_changed() -> None:
    lights = "lights1: {name: Lights, rated: 0.4 kW, shed: 70 %}"
    new = edited(MAPLE, (lights, "@"), (HEATER, lights), ("@", HEATER))
    assert lines(MAPLE, new) == ["shed order: lights1, heater1, misc1, ev1, hvac1, fridge1"]


def test_settings_of_the_site_are_told_by_section() -> None:
    new = edited(
        WHOLE,
        ("longest_event: 4 h}", "longest_event: 90 min, blackout: [22:00-06:00]}"),
        ("mode: act", "mode: observe"),
        ("timezone: America/Los_Angeles", "timezone: Europe/Berlin"),
        ("seed: 1", "seed: 2"),
    )
    assert lines(WHOLE, new) == [
        "mode: act -> observe",
        "site: timezone America/Los_Angeles -> Europe/Berlin",
        "limits: longest_event 4 h -> 90 min, blackout none -> 22:00-06:00",
        "sim: seed 1 -> 2",
    ]


def test_own_rules_that_change_are_counted() -> None:
    new = MAPLE + "never:\n  - {circuit: fridge1, off_for: 30 min}\n"
    assert lines(MAPLE, new) == ["never: rules changed, 0 -> 1"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("id: volttron_local", "id: other", "site: id volttron_local -> other; needs a restart"),
        (
            "cloud: {kind: local}",
            "cloud: {kind: mqtt, host: a.b, password: s3cret}",
            "cloud: kind local -> mqtt, host none -> a.b, password changed; needs a restart",
        ),
        (
            "127.0.0.1:8080",
            "127.0.0.1:8081",
            "web: listen 127.0.0.1:8080 -> 127.0.0.1:8081; needs a restart",
        ),
        (
            "metering: volttron/metering",
            "metering: off",
            "topics: metering volttron/metering -> off; needs a restart",
        ),
    ],
)
def test_what_needs_a_restart_is_told_and_stays_as_it_was(
    before: str, after: str, said: str
) -> None:
    old, new = site(WHOLE), site(edited(WHOLE, (before, after)))
    found = changes(old, new, live=False)
    assert found.lines == [said]
    assert found.spec == old


def test_a_chart_is_told_by_its_states_and_rows() -> None:
    chart = CHART
    assert lines(MAPLE, MAPLE + chart) == [
        "event chart: ramping new, done new, scheduled removed, restoring removed, "
        "cancelling removed, completed removed, cancelled removed, failed removed, "
        "rows 5 new, 12 removed"
    ]


def test_a_chart_waits_while_an_event_is_live_and_all_else_does_not() -> None:
    old = site(MAPLE)
    new = site(MAPLE.replace("shed: 100 %", "shed: 50 %", 1) + CHART)
    found = changes(old, new, live=True)
    assert found.taken == ("heater1: shed 100 % -> 50 %",)
    assert found.waits and found.lines[-1].endswith("waits until no event is live")
    assert (found.spec.event, found.spec.circuits) == (old.event, new.circuits)
    again = changes(found.spec, new, live=False)
    assert again.taken == found.waits and again.spec == new


PANEL = """
site: {id: v}
links: {house: {mqtt: 192.168.1.5, password: env:WORD}, attic: {mqtt: 192.168.1.6}}
meter: {counter: 1, host: 192.168.1.20}
circuits:
  pump: {rated: 1 kW, shed: 100 %, driver: {strip: garden, socket: 1, on: house}}
  oven: {rated: 3 kW}
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("socket: 1", "socket: 2",
         ["pump: driver {strip: garden, socket: \"1\", on: house} -> "
          "{strip: garden, socket: \"2\", on: house}"]),
        ("on: house", "on: attic",
         ["pump: driver {strip: garden, socket: \"1\", on: house} -> "
          "{strip: garden, socket: \"1\", on: attic}"]),
        ("rated: 3 kW", "rated: 3 kW, control: none, meter: {counter: 2, host: 192.168.1.20}",
         ["oven: control modulating -> none, meter own -> "
          "{counter: \"2\", host: 192.168.1.20:502}"]),
        ("192.168.1.5", "192.168.1.9", ["link house: mqtt 192.168.1.5 -> 192.168.1.9"]),
        ("env:WORD", "env:OTHER", ["link house: password changed"]),
        (", attic: {mqtt: 192.168.1.6}", "", ["link attic removed"]),
        ("attic: {mqtt: 192.168.1.6}", "attic: {mqtt: 192.168.1.6}, cellar: {modbus: a}",
         ["link cellar new"]),
        ("meter: {counter: 1, host: 192.168.1.20}", "",
         ["main meter {counter: \"1\", host: 192.168.1.20:502} -> none"]),
    ],
)  # fmt: skip
def test_another_device_link_or_meter_is_told(before: str, after: str, said: list[str]) -> None:
    old, new = (read(text, "v", DEVICES) for text in (PANEL, edited(PANEL, (before, after))))
    found = changes(old, new, live=False)
    assert found.lines == said and found.spec.circuits == new.circuits
    assert (found.spec.links, found.spec.meter) == (new.links, new.meter)


def test_a_link_that_moves_moves_its_devices() -> None:
    old, new = (read(text, "v", DEVICES) for text in (PANEL, edited(PANEL, (".5", ".9"))))
    device = changes(old, new, live=True).spec.circuits["pump"].device
    assert device is not None and device.link.to == "192.168.1.9:1883"


def test_the_same_file_changes_nothing() -> None:
    assert lines(WHOLE, WHOLE) == ["nothing changes"]


SITES: list[Spec] = [
    site(text)
    for text in (
        MAPLE,
        WHOLE,
        MAPLE.replace("100 %", "50 %"),
        MAPLE + CHART,
        WHOLE.replace("mode: act", "mode: observe"),
        WHOLE.replace("127.0.0.1:8080", "127.0.0.1:1"),
    )
]


@given(st.sampled_from(SITES), st.sampled_from(SITES), st.booleans())
def test_what_is_not_told_is_not_changed(old: Spec, new: Spec, live: bool) -> None:
    found = changes(old, new, live)
    assert (found.spec == old) == (not found.taken)
    rest = changes(found.spec, new, live=False)
    assert rest.restart == found.restart, "a restart is still needed after what could be taken"
    assert rest.taken == found.waits
