"""A template filled in: nothing is left open, and no value changes where a request goes."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.device.fill import (
    SAMPLE,
    orders,
    param_faults,
    queries,
    wanted_settings,
)
from statemachine.device.filling import FillError
from statemachine.device.form import PLACEHOLDER, Template
from statemachine.device.requests import (
    HttpRequest,
    Listen,
    Publish,
    ReadRegisters,
    WriteRegisters,
)
from tests.kit.depth import examples

SHELLY: dict[str, Any] = {
    "device": "shelly",
    "title": "x",
    "speaks": "http",
    "key": "host",
    "control": "relay",
    "params": {"host": {"means": "x"}, "channel": {"means": "x", "default": "0", "whole": "true"}},
    "read": {
        "on": {"get": "/s?id={channel}", "at": "/output", "words": {"true": "on", "false": "off"}},
        "power": {"get": "/s?id={channel}", "at": "/apower", "unit": "W"},
    },
    "write": {
        "off_for": {
            "post": "/rpc",
            "json": {
                "id": "1",
                "on": "false",
                "a": {"id": "{channel}", "for": "{lease_s}", "t": "x{lease_s}"},
            },
        },
        "on": {"post": "/rpc", "json": {"on": "true"}},
    },
    "lease": {"by": ["off_for"]},
}
WORDS = {"1": "on", "0": "off"}


def http(path: str) -> Template:
    return Template.model_validate(
        {
            **SHELLY,
            "params": {"host": {"means": "x"}, "name": {"means": "x"}},
            "read": {"on": {"get": path, "at": "/a/{name}", "words": WORDS}},
            "write": {
                "off": {"post": path, "json": {"a": ["{name}", "b {name}"]}},
                "on": {"get": path},
            },
            "lease": None,
        }
    )


def mqtt(topic: str) -> Template:
    return Template.model_validate(
        {
            **SHELLY,
            "speaks": "mqtt",
            "key": "name",
            "params": {"name": {"means": "x"}},
            "read": {
                "on": {"topic": topic, "words": WORDS, "ask": {"topic": topic, "payload": ""}}
            },
            "write": {
                "off": {"topic": topic, "payload": '{"a":"{name}"}'},
                "on": {"topic": topic, "json": {"a": "{name}"}},
            },
            "lease": None,
        }
    )


def every(template: Template, params: dict[str, str]) -> list[object]:
    """All that can be asked and told."""
    told = [order for write in template.write for order in orders(template, params, write, SAMPLE)]
    return [*queries(template, params).values(), *told]


NAMES = st.text(max_size=30) | st.sampled_from(
    [
        "..",
        "../x",
        "a/../b",
        "a?b=c",
        "a#b",
        "a b",
        "a\r\nHost: x",
        "//evil",
        "http://evil",
        "@evil",
        "%2e%2e",
        "+",
        "#",
        "a/+/b",
        "$SYS",
        "{lease_s}",
        "{name}",
        "\x00",
        '"',
        "\\",
        "ä",
        "\ud800",
        ".",
        "",
    ]
)


@settings(max_examples=examples(300))
@given(NAMES, st.sampled_from(["/a/{name}", "/a/{name}/b?c={name}", "/{name}", "/a?x={name}&y=1"]))
def test_a_parameter_in_a_path_never_leads_elsewhere(name: str, path: str) -> None:
    try:
        asked = every(http(path), {"host": "h", "name": name})
    except FillError as refused:
        assert refused.why
        return
    for request in asked:
        assert isinstance(request, HttpRequest)
        parts = urlsplit("http://device.invalid" + request.path)
        assert parts.netloc == "device.invalid" and not parts.fragment
        assert request.path.isascii() and request.path.isprintable() and " " not in request.path
        assert parts.path.count("/") == path.partition("?")[0].count("/")
        assert parts.query.count("&") == path.count("&")
        assert not {".", ".."} & {*unquote(parts.path).split("/")}


@settings(max_examples=examples(300))
@given(NAMES, st.sampled_from(["a/{name}", "{name}/b", "{name}"]))
def test_a_parameter_in_a_topic_adds_no_wildcard(name: str, topic: str) -> None:
    try:
        asked = every(mqtt(topic), {"name": name})
    except FillError:
        return
    topics = [one.topic for one in asked if isinstance(one, Listen | Publish)]
    assert len(topics) == 3
    for said in topics:
        assert said and said.isprintable() and not {"+", "#"} & {*said} and not said.startswith("$")
    for one in asked:
        if isinstance(one, Publish):
            assert json.loads(one.payload) == {"a": name}


@settings(max_examples=examples(300))
@given(NAMES)
def test_what_is_filled_in_has_no_placeholder_left(name: str) -> None:
    for template, params in (
        (http("/a/{name}"), {"host": "h", "name": name}),
        (mqtt("a/{name}"), {"name": name}),
    ):
        try:
            asked = every(template, params)
        except FillError:
            assert param_faults(template, params).keys() == {"name"}
            continue
        assert not param_faults(template, params)
        assert not [one for one in asked if PLACEHOLDER.search(str(astuple(one)))]  # type: ignore[call-overload]


def test_a_text_that_is_one_placeholder_becomes_the_number() -> None:
    template = Template.model_validate(SHELLY)
    (request,) = orders(template, {"host": "h", "channel": "2"}, "off_for", SAMPLE)
    assert isinstance(request, HttpRequest) and request.body is not None
    assert json.loads(request.body) == {
        "id": 1,
        "on": False,
        "a": {"id": 2, "for": 120, "t": "x120"},
    }


def test_two_reads_of_one_answer_are_asked_once() -> None:
    asked = queries(Template.model_validate(SHELLY), {"host": "h", "channel": "0"})
    assert asked["on"] == asked["power"] == HttpRequest("GET", "/s?id=0")


def modbus(**write: object) -> Template:
    return Template.model_validate(
        {
            **SHELLY,
            "speaks": "modbus",
            "key": "unit",
            "control": "ev_pilot",
            "params": {
                "unit": {"means": "x", "whole": "true", "least": "1", "most": "247"},
                "start": {"means": "x", "default": "100", "whole": "true"},
            },
            "read": {
                "limit": {
                    "table": "holding",
                    "register": "{start}+18",
                    "as": "int16",
                    "unit": "A",
                    "ten_to": "4",
                }
            },
            "write": {
                "limit": {
                    "table": "holding",
                    "register": "261",
                    "write": "{amps}",
                    "scale": "10",
                    **write,
                },
                "free": {"table": "coil", "register": "0x10", "write": "1"},
            },
            "lease": None,
        }
    )


def test_registers_are_read_together_with_their_power_of_ten() -> None:
    assert queries(modbus(), {"unit": "4"}) == {"limit": ReadRegisters(4, "holding", 118, 5)}


def test_registers_are_written_as_the_device_takes_them() -> None:
    def written(ordered: float, **write: object) -> tuple[object, ...]:
        return orders(modbus(**write), {"unit": "4"}, "limit", {"amps": ordered})

    assert written(6.07) == (WriteRegisters(4, "holding", 261, (60,), 6),), (
        "never more than ordered"
    )
    assert written(6.0, function="16") == (WriteRegisters(4, "holding", 261, (60,), 16),)
    words = (0x0000, 0x4270)
    swapped = {"as": "float32", "word_order": "little"}
    assert written(6.0, **swapped) == (WriteRegisters(4, "holding", 261, words, 16),)
    coil = WriteRegisters(4, "coil", 16, (1,), 5)
    assert orders(modbus(), {"unit": "4"}, "free", {}) == (coil,)


@pytest.mark.parametrize("amps", [7_000.0, -1.0, float("nan"), float("inf"), True])
def test_what_does_not_fit_into_a_register_is_refused(amps: float) -> None:
    with pytest.raises(FillError):
        orders(modbus(), {"unit": "4"}, "limit", {"amps": amps})


@pytest.mark.parametrize("unit", ["0", "248", "x", "", "1.5", "-1", "\u0664"])
def test_a_unit_is_from_1_to_247(unit: str) -> None:
    assert param_faults(modbus(), {"unit": unit}).keys() == {"unit"}


def test_a_register_that_a_parameter_moves_too_far_is_refused() -> None:
    assert param_faults(modbus(), {"unit": "1", "start": "65530"}).keys() == {"start"}


def test_what_an_optional_parameter_is_needed_for_is_not_read_without_it() -> None:
    said = {
        **SHELLY,
        "params": {**SHELLY["params"], "sensor": {"means": "x", "default": "", "optional": "true"}},
        "read": {**SHELLY["read"], "energy": {"get": "/{sensor}", "unit": "Wh"}},
        "wants": {"x": {"get": "/{sensor}", "one_of": "1", "why": "so"}},
    }
    template = Template.model_validate(said)
    assert {*queries(template, {"host": "h"})} == {"on", "power"}
    assert {*queries(template, {"host": "h", "sensor": "s"})} == {"on", "power", "energy"}
    assert wanted_settings(template, {"host": "h"}) == {}


def test_an_amount_that_nobody_knows_is_named() -> None:
    with pytest.raises(FillError, match="lease_s"):
        orders(Template.model_validate(SHELLY), {"host": "h"}, "off_for", {})


@pytest.mark.parametrize("amount", [True, float("nan"), "a\nb", "{x}"])
def test_an_amount_that_is_no_number_is_refused_in_a_text(amount: float | str) -> None:
    with pytest.raises(FillError):
        orders(Template.model_validate(SHELLY), {"host": "h"}, "off_for", {"lease_s": amount})


def test_a_fraction_is_sent_without_an_exponent() -> None:
    template = Template.model_validate(SHELLY)
    (request,) = orders(template, {"host": "h"}, "off_for", {"lease_s": 0.00001})
    assert isinstance(request, HttpRequest) and '"x0.00001"' in (request.body or "")


def test_whole_amps_are_rounded_down() -> None:
    template = modbus(write="{whole_amps}", scale="1000", **{"as": "uint16"})
    (told,) = orders(template, {"unit": "1"}, "limit", {"amps": 6.9})
    assert isinstance(told, WriteRegisters) and told.words == (6000,)
