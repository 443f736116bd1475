"""A device that ven.yaml names is one text that says everything: template, parameters, link."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine import Spec, SpecError, read
from statemachine.audit.reader import examine
from statemachine.describe.writer import to_yaml
from statemachine.device.catalog import template_of
from statemachine.device.declaration import DeviceDeclaration, LinkDeclaration
from statemachine.kit.errors import Finding
from tests.kit.core.sample_devices import DEVICES
from tests.kit.depth import examples

LINKS = """\
links:
  house:  {mqtt: 192.168.1.5, username: venctl, password: env:MQTT_WORD, tls: true}
  cellar: {modbus: "192.168.1.20", pause: 100 ms}
  hass:   {home_assistant: "http://192.168.1.7:8123/", token: file:hass.token}
"""
MARKER = "open-sesame-4711"


def text_of(circuit: str, more: str) -> str:
    """A site with a circuit `a`, and a simulated one that is shed."""
    circuits = f"  a: {{rated: 3 kW, {circuit}}}\n  b: {{rated: 1 kW, shed: 100 %}}\n"
    return f"site: {{id: v}}\n{more}circuits:\n{circuits}"


def spec_of(circuit: str, more: str = LINKS) -> Spec:
    return read(text_of(circuit, more), "v", DEVICES)


def driver_of(circuit: str, more: str = LINKS) -> DeviceDeclaration:
    device = spec_of(circuit, more).circuits["a"].device
    assert device is not None
    return device


def found_in(circuit: str, more: str = LINKS) -> list[Finding]:
    return examine(text_of(circuit, more), "v", DEVICES)[1]


# -- what is filled in ----------------------------------------------------------------------------


def test_a_device_at_its_own_host_has_its_link_for_itself() -> None:
    device = driver_of("driver: {plug: 192.168.1.40, channel: 2}")
    assert device.device == "plug"
    assert device.params == {"host": "192.168.1.40", "channel": "2", "password": ""}
    assert device.link == LinkDeclaration("http", "http://192.168.1.40")


def test_its_password_and_its_way_of_proof_belong_to_that_link() -> None:
    link = driver_of("driver: {plug: 192.168.1.40, password: env:PLUG}").link
    assert link.settings == {"password": "env:PLUG", "username": "admin", "auth": "digest"}


def test_a_link_that_is_named_is_shared() -> None:
    device = driver_of("driver: {strip: garden, socket: 1, on: house}")
    assert device.link.name == "house" and device.link.to == "192.168.1.5:8883"
    assert device.link.settings["password"] == "env:MQTT_WORD"


def test_the_only_link_of_its_kind_needs_no_name() -> None:
    named = driver_of("driver: {wallbox: 1, on: cellar}")
    assert driver_of("driver: {wallbox: 1}") == named
    assert named.link.to == "192.168.1.20:502" and named.link.settings == {"pause": "100 ms"}


def test_a_modbus_device_may_have_a_host_of_its_own() -> None:
    link = driver_of("driver: {wallbox: 1, host: 192.168.1.21}").link
    assert link == LinkDeclaration("modbus", "192.168.1.21:502")


def test_home_assistant_is_reached_over_http_with_a_token() -> None:
    inline = "driver: {http: {read: {power: {get: /p, at: /w, unit: W}}, " \
        "write: {off: {get: /off}, on: {get: /on}}}, on: hass}"  # fmt: skip
    link = driver_of(inline).link
    assert (link.speaks, link.to) == ("http", "http://192.168.1.7:8123")
    assert link.settings == {"token": "file:hass.token", "auth": "bearer"}


def test_the_template_says_what_the_circuit_does_not() -> None:
    circuit = spec_of("driver: {wallbox: 1}").circuits["a"]
    assert (circuit.control, circuit.meter) == ("ev_pilot", "own")
    circuit = spec_of("driver: {strip: garden, socket: 1}").circuits["a"]
    assert (circuit.control, circuit.meter, circuit.metered) == ("relay", "none", False)


def test_a_circuit_that_is_only_measured_is_controlled_by_nothing() -> None:
    circuit = spec_of("meter: {counter: 1}").circuits["a"]
    assert circuit.control == "none" and circuit.metered and not circuit.simulated


def test_a_control_may_be_narrower_than_that_of_the_device() -> None:
    assert spec_of("control: relay, driver: {wallbox: 1}").circuits["a"].control == "relay"


def test_the_main_meter_is_a_device() -> None:
    spec = spec_of("shed: 100 %", LINKS + "meter: {counter: 9, on: cellar}\n")
    assert spec.meter is not None and json.loads(spec.meter)["params"] == {"unit": "9"}
    assert spec_of("shed: 100 %").meter is None


def test_a_device_that_is_described_in_place_is_its_own_template() -> None:
    form = "{read: {on: {get: /s, at: /r, words: {'1': on, '0': off}}}, " \
        "write: {off_for: {get: '/off?{lease_s}'}, off: {get: /off}, on: {get: /on}}, " \
        "lease: {by: off_for}}"  # fmt: skip
    device = driver_of(f"shed: 100 %, driver: {{http: {form}, host: fan.local}}")
    template = template_of(device, {})
    assert template is not None and template.gives_back and not template.measures
    assert device.link.to == "http://fan.local"


def test_two_that_share_a_link_share_its_key() -> None:
    one, two = driver_of("driver: {wallbox: 1}"), driver_of("driver: {wallbox: 2}")
    assert one.link.key == two.link.key and one.text != two.text


# -- what is wrong --------------------------------------------------------------------------------


def test_a_fault_in_a_driver_hides_no_other_fault() -> None:
    faults = found_in("shed: 170 %, driver: {plgu: 192.168.1.40}, meter: {counter: x}")
    assert {fault.kind for fault in faults} == {"unknown-device", "bad-value"}
    assert len(faults) == 3


HOUSE = "links: {house: {mqtt: 5@6}}\n"


def test_a_broken_link_is_told_once_and_not_at_each_of_its_devices() -> None:
    faults = found_in(
        "driver: {strip: garden, socket: 1, on: house}", "links: {house: {mqtt: 5@6}}\n"
    )
    assert [fault.kind for fault in faults] == ["bad-value"]


def test_what_is_never_shed_is_not_warned_of() -> None:
    assert found_in("driver: {strip: garden, socket: 1}") == []
    assert [fault.kind for fault in found_in("shed: 100 %, driver: {wallbox: 1}")] == ["failsafe"]


@pytest.mark.parametrize(
    "where", ["", "192.168.1.40:0", "http://a b", "ftp://x", "[::1", "a/../b?c"]
)
def test_a_host_that_is_none_is_refused(where: str) -> None:
    assert [fault.kind for fault in found_in(f'driver: {{plug: "{where}"}}')] == ["bad-value"]


@pytest.mark.parametrize("text", ['{"device": "plug"}', "{}", "plug", "own"])
def test_a_driver_that_is_a_text_other_than_sim_is_refused(text: str) -> None:
    """Also the text of a declaration: it is not how a person writes a device."""
    assert [fault.kind for fault in found_in(f"driver: '{text}'")] == ["bad-value"]


SECRETS = [
    f"links: {{house: {{mqtt: h, username: u, password: {MARKER}}}}}\n",
    f"links: {{house: {{mqtt: h, pasword: {MARKER}}}}}\n",
    f"links: {{house: {{mqtt: h, password:\n    {MARKER}}}}}\n",
    f"links:\n  house:\n    mqtt: h\n    token: >\n      {MARKER}\n      {MARKER}\n",
    f'links: {{hass: {{home_assistant: h, "token" : "{MARKER}"}}}}\n',
    f"links: {{hass: {{home_assistant: 'http://u:{MARKER}@h'}}}}\n",
    f"links: {{hass: {{home_assistant: h, token: [{MARKER}, x]}}}}\n",
    f"links: {{hass: {{home_assistant: h, token: {{a: {MARKER}}}}}}}\n",
    f"links: {{hass: {{home_assistant: h, token: {MARKER}]\n",
    f"meter: {{plug: h, password: {MARKER}}}\n",
    f"meter: {{plug: h, passwort: {MARKER}}}\n",
    f"meter: {{plgu: h, Password: {MARKER}}}\n",
    f"meter: {{plug: 'http://a:{MARKER}@h'}}\n",
    f"meter: {{plug: h, password: env:{MARKER}}}\n",
    f"meter: {{plug: h, password: '{MARKER}\u200b{{'}}\n",
]


@pytest.mark.parametrize("text", SECRETS)
def test_no_message_shows_a_secret(text: str) -> None:
    faults = found_in("shed: 100 %", text)
    assert faults and MARKER not in "\n".join(fault.pretty() for fault in faults)
    with pytest.raises(SpecError) as refused:
        spec_of("shed: 100 %", text)
    assert MARKER not in str(refused.value)


# -- any tree at all ------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["plug", "strip", "wallbox", "counter", "http", "mqtt", "modbus", "sim", "own", "none", "on",
     "host", "channel", "socket", "unit", "password", "read", "write", "lease", "house", "cellar",
     "192.168.1.40", "env:X", "file:y", "1", "0", "", "relay", "power", "get", "/x", "token", "@",
     "home_assistant", "username", "tls", "true", "ca", "{x}", "\u200b", "[::1]:502", "garden"]
)  # fmt: skip
TREES = st.recursive(
    WORDS | st.none() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
DEVICE = st.one_of(
    TREES,
    st.builds(
        lambda name, key, more: {name: key, **more},
        st.sampled_from(["plug", "strip", "wallbox", "counter", "http", "modbus"]),
        WORDS | TREES,
        st.dictionaries(WORDS, WORDS, max_size=3),
    ),
)


@settings(max_examples=examples(300), deadline=None)
@given(TREES, DEVICE, DEVICE, DEVICE)
def test_no_tree_makes_the_reader_raise(
    links: object, main: object, driver: object, meter: object
) -> None:
    circuit = {"rated": "1 kW", "shed": "100 %", "driver": driver, "meter": meter}
    whole = {"site": {"id": "v"}, "links": links, "meter": main, "circuits": {"a": circuit}}
    spec, faults = examine(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False), "v", DEVICES)
    assert (spec is None) == any(fault.severity == "error" for fault in faults)
    if spec is not None:
        again = read(to_yaml(spec), "v", DEVICES)
        assert again.circuits["a"].driver == spec.circuits["a"].driver
        assert again.circuits["a"].meter == spec.circuits["a"].meter
        assert (again.meter, again.links) == (spec.meter, spec.links)


@st.composite
def declared(draw: st.DrawFn) -> dict[str, object]:
    """A device that can be reached."""
    octet = st.integers(1, 254)
    host = st.builds(lambda n: f"10.0.0.{n}", octet) | st.sampled_from(["a.local", "[::1]", "x:81"])
    match draw(st.sampled_from(["plug", "strip", "wallbox", "counter", "here"])):
        case "plug":
            secret = draw(st.sampled_from([{}, {"password": "env:A"}, {"password": "file:b"}]))
            return {"plug": draw(host), "channel": str(draw(st.integers(0, 3))), **secret}
        case "strip":
            topic = draw(st.from_regex(r"[a-z]{1,6}(/[a-z]{1,3})?", fullmatch=True))
            return {"strip": topic, "socket": str(draw(st.integers(1, 6)))}
        case "here":
            form = {
                "read": {"power": {"get": "/p", "at": "/a b", "unit": "W"}},
                "write": {"off": {"get": "/off"}, "on": {"post": "/on", "json": {"a": "1"}}},
            }
            return {"http": form, "host": draw(host)}
        case name:
            way = draw(st.sampled_from([{"on": "cellar"}, {"on": "attic"}, {"host": draw(host)}]))
            return {name: str(draw(st.integers(1, 247))), **way}


@settings(max_examples=examples(150), deadline=None)
@given(declared(), st.one_of(st.none(), declared()))
def test_a_device_that_is_written_out_is_read_back_as_it_was(
    driver: dict[str, object], meter: dict[str, object] | None
) -> None:
    circuit = {
        "rated": "3 kW",
        "shed": "0 %",
        "driver": driver,
        **({"meter": meter} if meter else {}),
    }
    links = {"house": {"mqtt": "b"}, "cellar": {"modbus": "c"}, "attic": {"modbus": "d:1502"}}
    whole = {"site": {"id": "v"}, "links": links, "circuits": {"a": circuit}}
    spec, faults = examine(yaml.safe_dump(whole, sort_keys=False), "v", DEVICES)
    if spec is None:
        assert {fault.kind for fault in faults} <= {
            "nothing-to-shed",
            "cannot-switch",
            "cannot-measure",
            "shared-meter",
        }
        return
    again = read(to_yaml(spec), "v", DEVICES)
    assert again.circuits["a"].driver == spec.circuits["a"].driver
    assert again.circuits["a"].meter == spec.circuits["a"].meter
    assert again.links == spec.links and to_yaml(again) == to_yaml(spec)
