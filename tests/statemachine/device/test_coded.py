"""Templates of chargers over OCPP and of BACnet objects: what they say, filled in."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from statemachine.device.fill import SAMPLE, orders, param_faults, queries
from statemachine.device.form import Template
from statemachine.device.requests import (
    Connector,
    FreeCharger,
    LimitCharger,
    ReadCharger,
    ReadObject,
    WriteObject,
)

WHOLE = {"means": "x", "whole": True, "default": "1"}
SECRET = {"means": "x", "secret": True, "optional": True, "default": ""}


def charger(**more: Any) -> Template:
    base: dict[str, Any] = {
        "device": "car",
        "title": "A charger",
        "speaks": "ocpp",
        "key": "charger",
        "control": "ev_pilot",
        "params": {"charger": {"means": "x"}, "connector": WHOLE, "password": SECRET},
        "read": {"power": {"ocpp": "power", "at": "/power", "unit": "W"}},
        "write": {
            "limit": {"ocpp": "limit"},
            "off_for": {"ocpp": "pause"},
            "on": {"ocpp": "free"},
            "free": {"ocpp": "free"},
        },
        "lease": {"by": ["limit", "off_for"]},
    }
    return Template.model_validate(base | more)


def building(**more: Any) -> Template:
    base: dict[str, Any] = {
        "device": "pump",
        "title": "A pump",
        "speaks": "bacnet",
        "key": "device",
        "control": "relay",
        "params": {
            "device": {"means": "x"},
            "object": {"means": "x"},
            "priority": WHOLE | {"default": "9"},
            "power": {"means": "x", "optional": True, "default": ""},
        },
        "read": {
            "on": {"object": "{object}", "at": "/value", "words": {"active": "on", "not": "off"}},
            "power": {"object": "{power}", "at": "/watts", "unit": "W"},
        },
        "write": {
            "off": {"object": "{object}", "write": "inactive"},
            "on": {"object": "{object}", "write": "null"},
        },
    }
    return Template.model_validate(base | more)


def test_a_charger_is_asked_and_told_by_its_outlet() -> None:
    params = {"charger": "CP001", "connector": "2", "password": "env:WORD"}
    outlet = Connector("CP001", 2, "env:WORD")
    assert queries(charger(), params) == {"power": ReadCharger(outlet, "power")}
    told = {name: orders(charger(), params, name, SAMPLE) for name in charger().write}
    assert told["limit"] == (LimitCharger(outlet, 6, 1_380, 120_000),)
    assert told["off_for"] == (LimitCharger(outlet, 0, 0, 120_000),)
    assert told["on"] == told["free"] == (FreeCharger(outlet, 6, 1_380),)


def test_amperes_are_rounded_down() -> None:
    (order,) = orders(charger(), {"charger": "a"}, "limit", {**SAMPLE, "amps": 7.9})
    assert isinstance(order, LimitCharger) and order.amps == 7


@pytest.mark.parametrize("name", ["", "a/b", "a b", "x" * 49, "a\n"])
def test_what_cannot_be_the_identity_of_a_charger_is_refused(name: str) -> None:
    assert "charger" in param_faults(charger(), {"charger": name})


def test_an_object_is_read_and_written_at_its_priority() -> None:
    params = {"device": "192.168.1.9/3456", "object": "binary-value,2"}
    at = "192.168.1.9/3456", "binary-value,2"
    assert queries(building(), params) == {"on": ReadObject(*at, 9)}
    assert orders(building(), params, "off", SAMPLE) == (WriteObject(*at, "inactive", 9),)
    assert orders(building(), params, "on", SAMPLE) == (WriteObject(*at, None, 9),)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("device", "pump.local"),
        ("device", "192.168.1.9/x"),
        ("object", "file,1"),
        ("object", "binary-value"),
        ("priority", "x"),
        ("power", "watts"),
    ],
)
def test_what_is_no_device_or_object_is_refused(name: str, text: str) -> None:
    params = {"device": "192.168.1.9", "object": "binary-value,2"}
    assert param_faults(building(), params) == {}
    assert name in param_faults(building(), params | {name: text})


@pytest.mark.parametrize(
    ("make", "more", "sentence"),
    [
        (charger, {"params": {"charger": {"means": "x"}}}, "ocpp needs the whole parameter"),
        (charger, {"read": {"power": {"unit": "W"}}}, "exactly one of ocpp says where"),
        (charger, {"read": {"power": {"get": "/x", "unit": "W"}}}, "ocpp has no `get`"),
        (building, {"params": {"device": {"means": "x"}}}, "bacnet needs the whole parameter"),
        (building, {"write": {"off": {"object": "{object}"}}}, "an object needs `write`"),
        (building, {"write": {"off": {"write": "0"}}}, "`write` goes with table, object"),
    ],
)
def test_a_template_that_says_it_otherwise_is_refused(make: Any, more: Any, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        make(**more)
