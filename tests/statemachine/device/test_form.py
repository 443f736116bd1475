"""What a template may say: everything that cannot be is named in a sentence, all at once."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from statemachine.device.faults import TemplateError, TemplateFault
from statemachine.device.form import Template, inline

RELAY: dict[str, Any] = {
    "device": "plug",
    "title": "A plug",
    "speaks": "http",
    "key": "host",
    "control": "relay",
    "params": {
        "host": {"means": "its address"},
        "word": {"means": "x", "default": "", "secret": "true"},
    },
    "read": {
        "on": {"get": "/on", "words": {"1": "on", "0": "off"}},
        "power": {"get": "/power", "unit": "W"},
    },
    "write": {
        "off": {"get": "/off"},
        "off_for": {"get": "/off?for={lease_s}"},
        "on": {"get": "/on?1"},
    },
    "lease": {"by": ["off_for"], "longest": "5 min"},
    "wants": {
        "start": {"get": "/start", "one_of": ["on"], "why": "it stays off after a power cut"}
    },
}
CHARGER: dict[str, Any] = {
    "device": "box",
    "title": "A charger",
    "speaks": "modbus",
    "key": "unit",
    "control": "ev_pilot",
    "params": {"unit": {"means": "its unit", "whole": "true", "least": "1", "most": "247"}},
    "read": {"limit": {"table": "holding", "register": "261", "unit": "A"}},
    "write": {
        "limit": {"table": "holding", "register": "261", "write": "{amps}"},
        "free": {"table": "holding", "register": "261", "write": "{amps}"},
    },
}
MQTT: dict[str, Any] = {
    **RELAY,
    "speaks": "mqtt",
    "read": {"on": {"topic": "a/b", "words": {"1": "on", "0": "off"}}},
    "write": {"off": {"topic": "a/c", "payload": "0"}, "on": {"topic": "a/c", "payload": "1"}},
    "lease": None,
    "wants": {},
}
GONE = object()


def changed(base: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    said = copy.deepcopy(base)
    *way, last = path.split(".")
    inside = said
    for name in way:
        inside = inside[name]
    if value is GONE:
        del inside[last]
    else:
        inside[last] = value
    return said


def found(said: dict[str, Any]) -> tuple[TemplateFault, ...]:
    """The faults of a template as a whole; () if it is sound."""
    try:
        Template.model_validate(said)
    except ValidationError as error:
        (details,) = error.errors()
        fault = details["ctx"]["error"]
        assert isinstance(fault, TemplateError)
        return fault.faults
    return ()


@pytest.mark.parametrize("said", [RELAY, CHARGER, MQTT], ids=["relay", "charger", "mqtt"])
def test_a_sound_template_has_no_faults(said: dict[str, Any]) -> None:
    assert found(said) == ()


def test_a_template_says_what_it_can_do() -> None:
    relay, charger = Template.model_validate(RELAY), Template.model_validate(CHARGER)
    assert (relay.measures, relay.switches, relay.limits, relay.gives_back) == (
        True,
        True,
        False,
        True,
    )
    assert (charger.measures, charger.switches, charger.limits, charger.gives_back) == (
        False,
        False,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("base", "path", "value", "part", "where"),
    [
        (
            RELAY,
            "read.power.get",
            "/p?{chanel}",
            "no parameter is called 'chanel'",
            ("read", "power"),
        ),
        (
            RELAY,
            "read.power.get",
            "/p?{lease_s}",
            "no parameter is called 'lease_s'",
            ("read", "power"),
        ),
        (RELAY, "read.power.get", "/p?{word}", "is a secret", ("read", "power")),
        (RELAY, "write.on.get", "/p?{chanel}", "no parameter is called 'chanel'", ("write", "on")),
        (RELAY, "read.power.post", "/p", "exactly one of", ("read", "power")),
        (RELAY, "read.power.get", None, "exactly one of", ("read", "power")),
        (RELAY, "read.power.topic", "a", "http has no `topic`", ("read", "power")),
        (RELAY, "write.off.table", "coil", "http has no `table`", ("write", "off")),
        (RELAY, "read.power.get", "//evil/x", "is no path", ("read", "power")),
        (RELAY, "read.power.get", "http://evil/x", "is no path", ("read", "power")),
        (RELAY, "read.power.get", "/a/./b", "out of its folder", ("read", "power")),
        (RELAY, "read.power.get", "/a b", "is no path", ("read", "power")),
        (RELAY, "read.power.at", "power", "is no JSON pointer", ("read", "power")),
        (RELAY, "read.power.at", "/a~2", "is no JSON pointer", ("read", "power")),
        (RELAY, "read.power.unit", "VA", "is no unit", ("read", "power")),
        (RELAY, "read.power.unit", "A", "is no unit of `power`", ("read", "power")),
        (RELAY, "read.power.unit", GONE, "is no unit of `power`", ("read", "power")),
        (RELAY, "read.power.scale", "0", "other than 0", ("read", "power")),
        (RELAY, "read.power.scale", "x{host}", "is no scale", ("read", "power")),
        (RELAY, "read.power.register", "5", "goes with table", ("read", "power")),
        (RELAY, "read.power.json", {"a": "1"}, "`json` goes with", ("read", "power")),
        (RELAY, "read.on.words", {"1": "on"}, "a word for off", ("read", "on")),
        (
            RELAY,
            "read.on.words",
            {"1": "on", "0": "off", "2": "person"},
            "cannot be 'person'",
            ("read", "on"),
        ),
        (RELAY, "read.on.words", GONE, "needs words", ("read", "on")),
        (RELAY, "read.on.nothing", "1", "means no reading", ("read", "on")),
        (RELAY, "write.on", GONE, "needs `on`", ("write",)),
        (RELAY, "write", {"on": {"get": "/on"}}, "nothing is taken away", ("write",)),
        (RELAY, "write.limit", {"get": "/l?{watts}"}, "needs `free`", ("write",)),
        (RELAY, "write.off.get", "/off?{lease_s}", "name it in `lease: by`", ("write", "off")),
        (RELAY, "write.off.get", "/off?{amps}", "takes no amount", ("write", "off")),
        (RELAY, "lease", GONE, "add `lease`", ("write", "off_for")),
        (RELAY, "lease.by", ["off_four"], "no write is called 'off_four'", ("lease", "by")),
        (RELAY, "lease", {"by": ["off", "off_for"]}, "carries no end", ("lease", "by")),
        (RELAY, "lease.longest", "15000 s", "1 s to 1 h", ("lease", "longest")),
        (RELAY, "lease.longest", "15 ms", "1 s to 1 h", ("lease", "longest")),
        (RELAY, "key", "hots", "no parameter is called 'hots'", ("key",)),
        (RELAY, "params.amps", {"means": "x"}, "cannot be called 'amps'", ("params", "amps")),
        (RELAY, "params.on", {"means": "x"}, "cannot be called 'on'", ("params", "on")),
        (RELAY, "params.Host", {"means": "x"}, "no name of a parameter", ("params", "Host")),
        (RELAY, "params.word.default", "hunter2", "env:NAME", ("params", "word")),
        (RELAY, "wants.start.why", GONE, "does not say why", ("wants", "start")),
        (RELAY, "wants.start.one_of", GONE, "says nothing that is wanted", ("wants", "start")),
        (RELAY, "wants.start.get", GONE, "exactly one of", ("wants", "start")),
        (RELAY, "control", "none", "has no writes", ("write",)),
        (RELAY, "pace", {"poll": "1 ms"}, "0.5 s to 10 min", ("pace", "poll")),
        (
            CHARGER,
            "read",
            {"uptime": {"table": "input", "register": "1", "unit": "s"}},
            "read back",
            ("read",),
        ),
        (CHARGER, "control", "relay", "a relay needs off", ("write",)),
        (CHARGER, "write.free", GONE, "needs `free`", ("write",)),
        (CHARGER, "write.limit.write", "16", "sends no amount", ("write", "limit")),
        (CHARGER, "write.limit.write", "{amps} A", "needs `write`", ("write", "limit")),
        (CHARGER, "write.limit.write", GONE, "needs `write`", ("write", "limit")),
        (
            CHARGER,
            "write.limit.function",
            "5",
            "function 5 does not write holding",
            ("write", "limit"),
        ),
        (CHARGER, "write.limit.register", "70000", "no register 70000", ("write", "limit")),
        (CHARGER, "read.limit.register", GONE, "needs a register", ("read", "limit")),
        (CHARGER, "read.limit.register", "one", "is no register", ("read", "limit")),
        (CHARGER, "read.limit.at", "/a", "has no `at`", ("read", "limit")),
        (CHARGER, "read.limit.as", "bit", "is no bit", ("read", "limit")),
        (CHARGER, "read.limit.ten_to", "0", "1 to 100", ("read", "limit")),
        (CHARGER, "params.unit.least", "0", "from 1 to 255", ("params",)),
        (CHARGER, "params.unit.whole", "false", "from 1 to 255", ("params",)),
        (MQTT, "read.on.topic", "a/+/b", "wildcard", ("read", "on")),
        (MQTT, "read.on.topic", "a/#", "wildcard", ("read", "on")),
        (MQTT, "read.on.topic", "$SYS/x", "broker's own", ("read", "on")),
        (MQTT, "read.on.ask", {"get": "/x"}, "mqtt has no `get`", ("read", "on")),
        (MQTT, "write.off.payload", GONE, "needs `payload`", ("write", "off")),
        (MQTT, "write.off.json", {"a": "1"}, "needs `payload`", ("write", "off")),
    ],
)
def test_what_cannot_be_is_said_where_it_stands(
    base: dict[str, Any], path: str, value: object, part: str, where: tuple[str, ...]
) -> None:
    faults = found(changed(base, path, value))
    assert [fault for fault in faults if part in fault.sentence and fault.path == where], faults


def test_all_faults_are_told_at_once() -> None:
    said = changed(changed(RELAY, "read.power.unit", "VA"), "lease.longest", "15000 s")
    assert len(found(said)) >= 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("read.powr", {"get": "/x"}),
        ("write.of", {"get": "/x"}),
        ("read.on.words", {"1": "onn", "0": "off"}),
        ("read.power.wrods", {"1": "on"}),
        ("speaks", "gopher"),
        ("control", "dimmer"),
        ("lease.longest", "15000"),
        ("params.host.means", GONE),
    ],
)
def test_a_word_that_the_grammar_does_not_know_is_refused(path: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Template.model_validate(changed(RELAY, path, value))


def test_a_device_without_a_template_is_written_in_place() -> None:
    blocks = {name: RELAY[name] for name in ("read", "write", "lease")}
    template = inline("http", blocks)
    assert (template.device, template.key, template.control) == ("http", "host", "relay")
    meter = inline(
        "modbus",
        {"read": {"power": {"table": "input", "register": "12", "as": "float32", "unit": "W"}}},
    )
    assert (meter.control, meter.key) == ("none", "unit")
    assert inline("mqtt", {"read": MQTT["read"], "write": MQTT["write"]}).switches
    with pytest.raises(ValidationError):
        inline("http", {"read": MQTT["read"]})
