"""What retained messages tell of devices; anybody may publish there, so any text may come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venctl.devices.catalog import shipped
from venctl.discovery.topics import AnnouncedDevice, devices_of, others_of

CONFIG = {
    "t": "boiler",
    "rl": [1, 0, 0],
    "ft": "%prefix%/%topic%/",
    "sw": "14.2.0",
    "md": "Gosund SP1",
}
TASMOTA = "tasmota/discovery/AABBCC/config"
ZIGBEE = "zigbee2mqtt/bridge/devices"


def heard(topic: str, said: Any) -> list[AnnouncedDevice]:
    return devices_of({topic: json.dumps(said)})


def test_a_tasmota_is_known_by_its_topic() -> None:
    assert heard(TASMOTA, CONFIG) == [
        AnnouncedDevice("tasmota", {"topic": "boiler"}, "Tasmota 14.2.0 Gosund SP1")
    ]


def test_each_relay_of_a_tasmota_is_a_device() -> None:
    found = heard(TASMOTA, {**CONFIG, "rl": [1, 1, 2]})
    assert [one.params for one in found] == [
        {"topic": "boiler", "report": "POWER1"},
        {"topic": "boiler", "relay": "2", "report": "POWER2"},
    ]


def test_a_tasmota_with_topics_of_its_own_says_so() -> None:
    (found,) = heard(TASMOTA, {**CONFIG, "ft": "home/%topic%/%prefix%/"})
    assert "FullTopic" in found.note


def test_switches_behind_zigbee2mqtt_are_found_and_sensors_are_not() -> None:
    switch = {"exposes": [{"type": "switch"}, {"name": "power"}], "vendor": "V", "model": "M"}
    known = [
        {"friendly_name": "Coordinator", "type": "Coordinator"},
        {"friendly_name": "pump", "type": "Router", "definition": switch},
        {"friendly_name": "door", "definition": {"exposes": [{"name": "contact"}]}},
    ]
    assert heard(ZIGBEE, known) == [AnnouncedDevice("zigbee2mqtt", {"name": "pump"}, "V M")]


def test_both_trees_of_ebus_are_known() -> None:
    relay = {"properties": {"relay": {"settable": True}, "active-power": {"unit": "W"}}}
    panel = {"name": "Panel", "nodes": {"c1": {"name": "Kitchen", **relay}, "core": {}}}
    assert heard("ebus/5/nt-1/$description", panel) == [
        AnnouncedDevice("span", {"circuit": "c1", "panel": "nt-1"}, "Kitchen")
    ]
    circuit = {"name": "Kitchen", "nodes": {"switch": relay, "meter": {}}}
    assert heard("ebus/5/c1/$description", circuit) == [
        AnnouncedDevice("span_homie", {"circuit": "c1"}, "Kitchen")
    ]


def test_an_old_shelly_is_reached_at_its_address() -> None:
    said = {"id": "shelly1pm-1", "model": "SHSW-PM", "ip": "192.168.1.9", "fw_ver": "v1.14"}
    (found,) = heard("shellies/announce", said)
    assert (found.device, found.host) == ("shelly1", "192.168.1.9")


def test_what_no_template_knows_is_named() -> None:
    said = {"name": "Pool", "~": "pool", "stat_t": "~/state", "cmd_t": "~/set"}
    messages = {"homeassistant/switch/pool/config": json.dumps(said)}
    assert others_of(messages) == ["Pool: state on pool/state, commands on pool/set"]
    twice = {**said, "~": "zigbee2mqtt/pump"}
    told = {ZIGBEE: json.dumps([{"friendly_name": "pump"}])}
    assert others_of({**told, "homeassistant/switch/pump/config": json.dumps(twice)}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["t", "rl", "ft", "nodes", "switch", "relay", "properties", "ip"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TOPIC = st.sampled_from(
    [TASMOTA, ZIGBEE, "ebus/5/x/$description", "shellies/announce", "homeassistant/switch/a/config"]
)


@given(st.dictionaries(TOPIC, JSON.map(json.dumps) | st.text(max_size=20), max_size=3))
def test_no_message_makes_it_fail_and_each_device_has_a_template(messages: dict[str, str]) -> None:
    for one in devices_of(messages):
        template = shipped()[one.device]
        assert template.key == next(iter(one.params))
        assert set(one.params) <= set(template.params)
    assert all(isinstance(one, str) for one in others_of(messages))


@pytest.mark.parametrize("text", ["", "[" * 9_999, "nan", "{}", "[]", "1"])
def test_a_message_without_a_device_has_none(text: str) -> None:
    assert devices_of({TASMOTA: text, ZIGBEE: text, "ebus/5/x/$description": text}) == []
