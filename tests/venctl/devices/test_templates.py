"""The shipped templates: each has sources, can be filled in, and reads what its device answers."""

from __future__ import annotations

import json
import struct
from decimal import Decimal
from typing import Any

import pytest

from statemachine.device.extract import meets, reading
from statemachine.device.fill import (
    SAMPLE,
    identifying,
    orders,
    param_faults,
    queries,
    wanted_settings,
)
from statemachine.device.form import PLACEHOLDER, Template
from statemachine.device.requests import HttpRequest, Publish, WriteRegisters
from venctl.devices.catalog import shipped

TEMPLATES = list(shipped().values())
NAMES = [template.device for template in TEMPLATES]
ASKED_FOR = {
    *("shelly", "shelly1", "tasmota", "tasmota_http", "zigbee2mqtt", "esphome", "esphome_mqtt"),
    *("openevse", "goe", "heidelberg", "keba", "alfen", "sdm120", "sdm630", "sunspec_meter"),
    *("homewizard", "shelly_em", "shelly_3em", "home_assistant", "span", "span_homie", "sg_ready"),
}


EXAMPLES = {"device": "192.168.1.9/3456", "object": "binary-value,2"}


def params_of(template: Template, **given: str) -> dict[str, str]:
    """Its parameters: those given, the defaults, and an example of what else is needed."""
    return {
        name: given.get(
            name,
            parameter.default or (EXAMPLES.get(name, "x") if parameter.default is None else ""),
        )
        for name, parameter in template.params.items()
    }


def words(code: str, *numbers: float) -> tuple[int, ...]:
    raw = struct.pack(f">{code}", *numbers)
    return struct.unpack(f">{len(raw) // 2}H", raw)


def test_every_family_that_was_asked_for_is_here() -> None:
    assert {*NAMES} >= ASKED_FOR


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_a_template_says_where_each_fact_is_from(template: Template) -> None:
    assert template.sources and all(len(source) > 10 for source in template.sources)


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_a_template_can_be_filled_in(template: Template) -> None:
    params = params_of(template)
    assert param_faults(template, params) == {}
    assert queries(template, params), "it reads something"
    asked = [*queries(template, params).values(), *wanted_settings(template, params).values()]
    told = [order for write in template.write for order in orders(template, params, write, SAMPLE)]
    everything = [*asked, *identifying(template, params).values(), *told]
    assert not [one for one in everything if PLACEHOLDER.search(repr(one))]


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_what_gives_back_by_itself_sends_the_end_with_every_off(template: Template) -> None:
    if not template.gives_back:
        return
    written = repr(orders(template, params_of(template), "off_for", SAMPLE))
    assert "120" in written, "the lease in s or in ms"


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_what_keeps_no_promise_says_so(template: Template) -> None:
    """Without a lease, or with one that limits: a note tells the owner."""
    if template.control != "none" and not template.gives_back:
        assert [note for note in template.notes if "lease" in note or "limits instead" in note]


@pytest.mark.parametrize("name", ["span", "span_homie"])
def test_the_terms_of_span_are_told(name: str) -> None:
    terms = shipped()[name].terms
    assert terms and "non-commercial" in terms


SHELLY = {
    "id": 0,
    "source": "WS_in",
    "output": False,
    "apower": 2.7,
    "aenergy": {"total": 7258.589},
}
GEN1 = {
    "relays": [{"ison": True, "source": "http", "timer_remaining": 17}],
    "meters": [{"power": 1203.4}],
    "emeters": [
        {"power": 500.5, "total": 12.0},
        {"power": -20, "total": 1},
        {"power": 0.5, "total": 2},
    ],
    "uptime": 2589909,
}
POW = {"StatusSNS": {"ENERGY": {"Total": 6.404, "Power": 2629}}}
NRG = [230, 230, 230, 0, 10.1, 10.0, 9.9, 2320, 2300, 2280, 0, 6900, 0, 0, 0, 0]
GOE = {"frc": 1, "amp": 16, "nrg": NRG, "eto": 123456, "rbt": 5000}
EVSE = {
    "status": "active",
    "power": 1380,
    "pilot": 6,
    "max_current": 32,
    "total_energy": 998,
    "uptime": 77,
}


@pytest.mark.parametrize(
    ("name", "read", "answer", "said"),
    [
        ("shelly", "on", SHELLY, "off"),
        ("shelly", "power", SHELLY, Decimal("2.7")),
        ("shelly", "energy", SHELLY, Decimal("7258.589")),
        ("shelly", "by", SHELLY, "person"),
        ("shelly", "power", {"output": False}, None),
        ("shelly", "on", {"code": 404, "message": "No handler"}, None),
        ("shelly1", "on", GEN1, "on"),
        ("shelly1", "power", GEN1, Decimal("1203.4")),
        ("shelly1", "lease_left", GEN1, 17),
        ("shelly1", "uptime", GEN1, 2589909),
        ("shelly_em", "power", GEN1, Decimal("500.5")),
        ("shelly1_3em", "power", GEN1, 481),
        ("shelly1_3em", "energy", GEN1, 15),
        ("shelly_3em", "power", {"total_act_power": 558.965}, Decimal("558.965")),
        ("tasmota", "on", "OFF", "off"),
        ("tasmota", "power", POW, 2629),
        ("tasmota", "energy", POW, 6404),
        ("tasmota", "alive", "Offline", "off"),
        ("tasmota", "power", {"StatusSNS": {"ENERGY": {"Power": [1, 2]}}}, None),
        ("tasmota_http", "on", {"POWER": "ON"}, "on"),
        ("tasmota_http", "on", {"Command": "Unknown"}, None),
        ("tasmota_http", "power", POW, 2629),
        ("zigbee2mqtt", "on", {"state": "OFF", "power": 74}, "off"),
        ("zigbee2mqtt", "power", {"state": "OFF", "power": 74}, 74),
        ("zigbee2mqtt", "alive", {"state": "online"}, "on"),
        ("esphome", "on", {"id": "switch-relay", "state": "ON", "value": True}, "on"),
        ("esphome_mqtt", "on", "OFF", "off"),
        ("openevse", "on", EVSE, "on"),
        ("openevse", "power", EVSE, 1380),
        ("openevse", "limit", EVSE, 6),
        ("goe", "on", GOE, "off"),
        ("goe", "power", GOE, 6900),
        ("goe", "limit", GOE, 16),
        ("goe", "uptime", GOE, 5),
        ("homewizard", "power", {"active_power_w": -543}, -543),
        ("home_assistant", "on", {"state": "on"}, "on"),
        ("home_assistant", "on", {"state": "unavailable"}, None),
        ("home_assistant", "alive", {"state": "unavailable"}, "off"),
        ("span", "power", "-2271.38", Decimal("2271.38")),
        ("span", "on", "OPEN", "off"),
        ("span", "on", "UNKNOWN", None),
        ("span", "by", "USER", None),
        ("span_homie", "power", "500.0", 500),
        ("sg_ready", "on", {"output": True}, "off"),
        ("sg_ready", "on", {"output": False}, "on"),
        ("heidelberg", "power", (1380,), 1380),
        ("heidelberg", "limit", (60,), 6),
        ("keba", "power", words("I", 3_680_000), 3680),
        ("keba", "limit", words("I", 16_000), 16),
        ("keba", "on", words("I", 5), "off"),
        ("keba", "on", words("I", 1), None),
        ("alfen", "power", words("f", 3680.5), Decimal("3680.5")),
        ("alfen", "power", words("f", float("nan")), None),
        ("alfen", "energy", words("d", 1234567.5), Decimal("1234567.5")),
        ("sdm120", "power", words("f", 1234.5), Decimal("1234.5")),
        ("sdm630", "power", words("f", -250.25), Decimal("-250.25")),
        (
            "sunspec_meter",
            "power",
            (*words("hhhh", 4321, 0, 0, 0), *words("h", -1)),
            Decimal("432.1"),
        ),
        ("sunspec_meter", "power", (0x8000, 0, 0, 0, 0), None),
    ],
)
def test_an_answer_is_read_as_the_device_means_it(
    name: str, read: Any, answer: object, said: object
) -> None:
    template = shipped()[name]
    raw = answer if isinstance(answer, str | tuple) else json.dumps(answer)
    assert reading(template.read[read], params_of(template), raw) == said


def test_a_shelly_is_switched_off_for_as_long_as_the_lease() -> None:
    template = shipped()["shelly"]
    (told,) = orders(template, params_of(template, channel="1"), "off_for", SAMPLE)
    assert isinstance(told, HttpRequest) and told.path == "/rpc" and told.body
    sent = {"id": 1, "on": False, "toggle_after": 120}
    assert json.loads(told.body) == {
        "id": 1,
        "src": "venctl",
        "method": "Switch.Set",
        "params": sent,
    }


def test_a_tasmota_forgets_its_timer_before_it_is_switched_on() -> None:
    template = shipped()["tasmota"]
    params = params_of(template, topic="boiler", relay="2", report="POWER2")
    (held,) = orders(template, params, "off_for", SAMPLE)
    assert held == Publish("cmnd/boiler/TimedPower2", "120000,0")
    freed = orders(template, params, "on", SAMPLE)
    assert freed == (Publish("cmnd/boiler/TimedPower2", ""), Publish("cmnd/boiler/Power2", "1"))


def test_a_message_to_zigbee2mqtt_is_json() -> None:
    template = shipped()["zigbee2mqtt"]
    (told,) = orders(template, params_of(template, name="kitchen/plug"), "off", SAMPLE)
    assert told == Publish("zigbee2mqtt/kitchen/plug/set", '{"state":"OFF"}')


def test_a_wallbox_is_limited_in_its_own_unit() -> None:
    def told(name: str, write: str) -> object:
        return orders(shipped()[name], params_of(shipped()[name]), write, {"amps": 6.0})[0]

    assert told("heidelberg", "limit") == WriteRegisters(1, "holding", 261, (60,), 16)
    assert told("heidelberg", "off") == WriteRegisters(1, "holding", 261, (0,), 16)
    assert told("keba", "limit") == WriteRegisters(255, "holding", 5004, (6000,), 6)
    assert told("alfen", "limit") == WriteRegisters(1, "holding", 1210, (0x40C0, 0), 16)
    assert told("goe", "limit") == HttpRequest("GET", "/api/set?amp=6")


def test_a_charger_is_given_back_though_nothing_was_taken() -> None:
    """OpenEVSE answers 404 where there is no claim to delete."""
    template = shipped()["openevse"]
    made, removed = orders(template, params_of(template), "free", {"amps": 32.0})
    assert isinstance(made, HttpRequest) and made.method == "POST"
    assert removed == HttpRequest("DELETE", "/claims/20501")


def test_a_failsafe_below_the_full_current_is_not_as_wanted() -> None:
    template = shipped()["heidelberg"]
    want = template.wants["failsafe_current"]
    full = {"full_amps": Decimal(16)}
    met = [meets(want, {}, reading(want, {}, (amps,)), full) for amps in (0, 60, 160)]
    assert met == [False, False, True]


def test_what_a_shelly_does_after_a_power_cut_is_compared() -> None:
    template = shipped()["shelly"]
    want = template.wants["initial_state"]
    said = [reading(want, {}, json.dumps({"initial_state": word})) for word in ("off", "on")]
    assert [meets(want, {}, one, {}) for one in said] == [False, True]
    auto_off = template.wants["auto_off"]
    assert meets(auto_off, {}, reading(auto_off, {}, '{"auto_off": false}'), {}) is True
