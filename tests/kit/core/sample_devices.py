"""Invented devices for tests: their templates are beside the bad files that name them."""

from __future__ import annotations

from statemachine.device.form import Template
from statemachine.site.source import parse
from tests.kit.paths import DATA

_FILES = sorted((DATA / "bad" / "devices").glob("*.yaml"))
_ALL = [Template.model_validate(parse(file.read_text("utf-8"), file.name).value) for file in _FILES]
# plug: a relay with a lease, over HTTP; strip: one without, over MQTT; wallbox and counter: Modbus.
DEVICES = {template.device: template for template in _ALL}
