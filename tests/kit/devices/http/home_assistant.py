"""A Home Assistant: 200 and a list for whatever is asked of it, also for what is not there.

Source: runs of 2024.3.3 and 2025.4.4 with MQTT entities; core#63714, core#13407.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.kit.devices.http_device import HttpDevice, reply
from tests.kit.devices.wiring import Meter, Outlet, Wiring


@dataclass(slots=True)
class Entity:
    """`mute`: nothing is behind it any more, and it keeps its last state. `available`: else it
    says `unavailable`.
    """

    read: Callable[[], str]
    write: Callable[[str, dict[str, Any]], None]
    attributes: dict[str, Any]
    mute: bool = False
    available: bool = True
    last: str = ""
    changed: float = 0.0


class HomeAssistant(HttpDevice):
    """`hass.switch("switch.pump", outlet)`, `hass.power("sensor.pump", meter)`; `token` is its
    long-lived token. It never says who moved something, and has no lease.
    """

    def __init__(self, wiring: Wiring, *, token: str = "a token") -> None:
        super().__init__(wiring.clock)
        self.token = token
        self.entities: dict[str, Entity] = {}

    def switch(self, name: str, outlet: Outlet) -> Entity:
        def write(service: str, _: dict[str, Any]) -> None:
            on = {"turn_on": True, "turn_off": False}.get(service, not outlet.closed)
            outlet.closed = on

        return self._add(name, lambda: "on" if outlet.closed else "off", write, {})

    def power(self, name: str, meter: Meter) -> Entity:
        attributes = {
            "unit_of_measurement": "W",
            "device_class": "power",
            "state_class": "measurement",
        }
        return self._add(name, lambda: str(round(meter.watts, 1)), lambda *_: None, attributes)

    def number(self, name: str, outlet: Outlet, unit: str = "W") -> Entity:
        """`number.set_value` sets its limit."""

        def write(service: str, said: dict[str, Any]) -> None:
            if service == "set_value":
                outlet.limit_w = float(said["value"])

        def read() -> str:
            return str(outlet.load.watts if outlet.limit_w is None else outlet.limit_w)

        return self._add(name, read, write, {"unit_of_measurement": unit, "min": 0.0})

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401, text="401: Unauthorized")
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["api"]:
                return reply({"message": "API running."})
            case "GET", ["api", "config"]:
                return reply({"version": "2025.4.4", "state": "RUNNING"})
            case "GET", ["api", "states"]:
                return reply([self._state(name) for name in self.entities])
            case "GET", ["api", "states", name]:
                known = name in self.entities
                none = reply({"message": "Entity not found."}, 404)
                return reply(self._state(name)) if known else none
            case "POST", ["api", "services", _, service]:
                return await self._serviced(request, service)
        return web.Response(status=404, text="404: Not Found")

    async def _serviced(self, request: web.BaseRequest, service: str) -> web.Response:
        try:
            said = json.loads(await request.text() or "{}")
        except ValueError:
            return reply({"message": "Data should be valid JSON."}, 400)
        wanted = said.get("entity_id", [])
        names = [wanted] if isinstance(wanted, str) else wanted
        before = {name: self._state(name)["state"] for name in names if name in self.entities}
        self.order(f"{service} {' '.join(names)}", lambda: self._do(service, names, said))
        changed = [name for name, state in before.items() if self._state(name)["state"] != state]
        return reply([self._state(name) for name in changed])

    def _do(self, service: str, names: list[str], said: dict[str, Any]) -> None:
        for name in names:
            entity = self.entities.get(name)
            if entity is not None and not entity.mute and entity.available:
                entity.write(service, said)

    def _add(
        self,
        name: str,
        read: Callable[[], str],
        write: Callable[[str, dict[str, Any]], None],
        attributes: dict[str, Any],
    ) -> Entity:
        one = Entity(read, write, attributes | {"friendly_name": name.partition(".")[2]})
        self.entities[name] = one
        self._state(name)
        return one

    def _state(self, name: str) -> dict[str, Any]:
        """Its times move only when the state is another one."""
        one = self.entities[name]
        if not one.mute:
            state = one.read() if one.available else "unavailable"
            if state != one.last:
                one.last, one.changed = state, self.clock.wall()
        when = datetime.fromtimestamp(one.changed, UTC).isoformat()
        return {
            "entity_id": name,
            "state": one.last,
            "attributes": one.attributes if one.available else {},
            "last_changed": when,
            "last_reported": when,
            "last_updated": when,
            "context": {"id": "01J0000000000000000000000", "parent_id": None, "user_id": None},
        }
