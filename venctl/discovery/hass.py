"""Finds switches of Home Assistant that have a power sensor. It is only read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.form import Template
from statemachine.device.requests import HttpRequest

from ..drivers.links import LinkFault, Secrets
from ..drivers.links.http import HttpLink
from .candidate import Candidate, DiscoveredDevice, look, usable

MOST_STATES = 8 << 20
DEVICE = "home_assistant"


async def switches_of(
    declaration: LinkDeclaration, template: Template, secrets: Secrets, beside: Path
) -> list[DiscoveredDevice]:
    """A line for each switch with a power sensor in W. Raises LinkFault."""
    link = HttpLink(declaration, secrets, beside, most_answer=MOST_STATES)
    try:
        states = (await link.ask(HttpRequest("GET", "/api/states"))).raw
        found = []
        for switch, sensor in pairs(str(states)):
            params = {"switch": switch, "sensor": sensor}
            candidate = Candidate(template, params, declaration)
            if usable(candidate):
                found.append(await look(candidate, link))
        return found
    finally:
        await link.close()


def pairs(states: str) -> Iterator[tuple[str, str]]:
    """Each switch with its power sensor, by their names: switch.pump, and sensor.pump_power or
    sensor.pump. Raises LinkFault if these are no states.
    """
    try:
        told = json.loads(states)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, list):
        raise LinkFault("its answer to /api/states is no list; is it Home Assistant?")
    entities = {str(one.get("entity_id")): one for one in told if isinstance(one, dict)}
    sensors = [id for id, one in entities.items() if _is_power(id, one)]
    for id in entities:
        if not id.startswith("switch."):
            continue
        name = id.removeprefix("switch.")
        fits = [one for one in sensors if _belongs(one.removeprefix("sensor."), name)]
        if fits:
            yield id, min(fits, key=len)


def _belongs(sensor: str, switch: str) -> bool:
    return sensor == switch or sensor.startswith(f"{switch}_")


def _is_power(id: str, state: dict[str, Any]) -> bool:
    attributes = state.get("attributes")
    if not id.startswith("sensor.") or not isinstance(attributes, dict):
        return False
    return (attributes.get("device_class"), attributes.get("unit_of_measurement")) == ("power", "W")
