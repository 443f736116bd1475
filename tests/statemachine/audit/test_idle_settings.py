"""A setting that `venctl check` calls meaningless changes nothing, at no door."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.audit.reader import examine
from statemachine.curtail.estimate import typical_memory
from statemachine.shadow.report import reported_section
from statemachine.state.triggers import DrEvent
from statemachine.wire.commands import Origin, command_from
from statemachine.wire.messages import telemetry
from tests.kit.core.random_sites import EXTRAS
from tests.kit.core.sample_sites import NOW_MS, site
from tests.kit.harness import Harness
from web.planning import preview

SETTINGS = EXTRAS | {"typical": ("400 W",), "volts": ("100",), "phases": ("3",)}
KINDS = (
    "rated: 3 kW",
    "rated: 3 kW, shed: never",
    "rated: 3 kW, shed: 50 %",
    "rated: 3 kW, shed: 100 %, control: relay, type: fridge",
    "rated: 3 kW, shed: 0 %, control: none",
    "rated: 7.2 kW, shed: 100 %, control: ev_pilot, type: ev",
    "rated: 3 kW, shed: 100 %, meter: none",
)


def text_of(kind: str, *more: str) -> str:
    middle = ", ".join((kind, *more))
    return f"""
site: {{id: v, service: 24 kW, timezone: UTC}}
circuits:
  a: {{rated: 1 kW, shed: 100 %}}
  b: {{{middle}}}
  c: {{rated: 2 kW, shed: 100 %}}
  d: {{rated: 2 kW, shed: 100 %, critical: true}}
"""


def seen(text: str) -> list[Any]:
    """All that is said of a site, by its file alone and while an event comes and goes."""
    spec = site(text)
    asked = command_from(
        {"op": "event", "shed_kw": 4.5, "event_id": "e"}, "v", Origin("cli", "", NOW_MS, 0)
    )
    assert isinstance(asked, DrEvent)
    desk, said = Harness(spec), [preview(spec, typical_memory(spec), asked)]
    desk.read()
    for command in ({"op": "event", "event_id": "e", "shed_kw": 4.5}, {"op": "restore"}):
        said += [desk.ask(**command), desk.held()]
        for seconds in (70, 600):
            desk.wait(seconds)
            said.append(telemetry(spec, desk.memory, 1, desk.ms))
            said.append(reported_section(spec, desk.memory, "", desk.ms))
    return said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SETTINGS)
def test_what_check_calls_meaningless_changes_nothing(kind: str, name: str) -> None:
    for value in SETTINGS[name]:
        text = text_of(kind, f"{name}: {value}")
        spec, faults = examine(text, "ven.yaml")
        if spec is not None and any(one.kind == "idle-setting" for one in faults):
            assert seen(text) == seen(text_of(kind))
