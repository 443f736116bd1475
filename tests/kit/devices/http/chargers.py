"""Wallboxes that speak HTTP: an OpenEVSE, and a go-e with its API version 2.

Source of the OpenEVSE: handleOverridePost, web_server_claims.cpp and evse_man.cpp (evaluateClaims,
setTargetState; 1000 of a person over 500 of the API) in OpenEVSE/openevse_esp32_firmware; its
/status as the notes on 1797b7a have it. The go-e's keys are those of its API version 2, and were
not checked against a dump.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.kit.devices.http_device import HttpDevice, reply
from tests.kit.devices.wiring import VOLTS, Outlet, Wiring

CHARGING, READY, DISABLED = 3, 2, 255
LEAST_A = 6


class OpenEvse(HttpDevice):
    """`override` is what a person set, `claims` what programs claimed, by client; nothing: it
    charges as it likes. It has no lease. `cycles`: how often its contactor opened or closed.
    """

    def __init__(self, wiring: Wiring, outlet: Outlet, *, max_a: int = 32) -> None:
        super().__init__(wiring.clock)
        self.outlet, self.meter, self.max_a = outlet, wiring.meter(outlet), max_a
        self.override: dict[str, Any] | None = None
        self.claims: dict[int, dict[str, Any]] = {}
        self.cycles = 0
        self._apply()

    def _claimed_of(self, key: str) -> Any:
        """What the claim with the highest priority says; None: none does."""
        by_priority = [self.override or {}, *self.claims.values()]
        return next((claim[key] for claim in by_priority if key in claim), None)

    @property
    def enabled(self) -> bool:
        return self._claimed_of("state") in (None, "active")

    @property
    def pilot_a(self) -> int:
        most = [self.max_a, self._claimed_of("max_current"), self._claimed_of("charge_current")]
        return max(LEAST_A, min(int(each) for each in most if each is not None))

    def boot(self, cold: bool) -> None:
        """After a power cut it charges at once."""
        self.override = None
        self.claims.clear()
        self._apply()

    def darken(self) -> None:
        self.outlet.closed = False

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.path, request.method:
            case "/status", "GET":
                return reply(self._status())
            case "/config", "GET":
                return reply({"firmware": "8.2.1.EU", "version": "5.1.2", "hostname": "openevse"})
            case "/override", "GET":
                none = reply({"msg": "No manual override"}, 404)
                return none if self.override is None else reply(self.override)
            case "/override", "POST":
                return await self._overridden(request)
            case "/override", "DELETE":
                if self.override is None:
                    return reply({"msg": "Failed to release manual overide"}, 500)
                self.order("release", lambda: self._override(None))
                return reply({"msg": "Deleted"})
        if request.path.startswith("/claims/"):
            return await self._claimed(request, int(request.path.removeprefix("/claims/")))
        return web.Response(status=404, text="Not found")

    async def _claimed(self, request: web.BaseRequest, client: int) -> web.Response:
        match request.method:
            case "GET" if client in self.claims:
                return reply({"priority": 500} | self.claims[client])
            case "POST":
                wanted = json.loads(await request.text())
                self.order(f"claim {json.dumps(wanted)}", lambda: self._claim(client, wanted))
                return reply({"msg": "done"})
            case "DELETE" if client in self.claims:
                self.order("release claim", lambda: self._claim(client, None))
                return reply({"msg": "done"})
        return reply({"msg": "Not found"}, 404)

    async def _overridden(self, request: web.BaseRequest) -> web.Response:
        text = await request.text()
        if not text:
            return reply({"msg": "No Body"}, 400)
        try:
            wanted = json.loads(text)
            assert isinstance(wanted, dict)
        except (ValueError, AssertionError):
            return reply({"msg": "Failed to parse JSON"}, 500)
        self.order(f"override {json.dumps(wanted)}", lambda: self._override(wanted))
        return reply({"msg": "Created"}, 201)

    def _override(self, wanted: dict[str, Any] | None) -> None:
        self.override = wanted
        self._apply()

    def _claim(self, client: int, wanted: dict[str, Any] | None) -> None:
        self.claims.pop(client, None)
        if wanted is not None:
            self.claims[client] = wanted
        self._apply()

    def _apply(self) -> None:
        phases = len(self.outlet.load.phases)
        self.outlet.limit_w = self.pilot_a * VOLTS * phases
        self.cycles += self.outlet.closed != self.enabled
        self.outlet.closed = self.enabled

    def _status(self) -> dict[str, Any]:
        watts = self.meter.watts
        busy = CHARGING if watts else READY
        return {
            "mode": "STA",
            "evse_connected": 1,
            "uptime": self.uptime_s,
            "amp": round(1000 * watts / VOLTS / len(self.outlet.load.phases)),
            "voltage": round(VOLTS),
            "power": round(watts),
            "pilot": self.pilot_a,
            "max_current": self.max_a,
            "temp": 300,
            "state": busy if self.enabled else DISABLED,
            "status": "active" if self.enabled else "disabled",
            "vehicle": 1,
            "manual_override": int(self.override is not None),
            "session_energy": round(self.meter.wh),
            "total_energy": round(self.meter.wh / 1000, 3),
        }


class GoE(HttpDevice):
    """`frc`: 0 neutral, 1 off, 2 on. `api_on`: whether the owner switched the local API on."""

    def __init__(self, wiring: Wiring, outlet: Outlet) -> None:
        super().__init__(wiring.clock)
        self.outlet, self.meter = outlet, wiring.meter(outlet)
        self.amp, self.frc, self.api_on = 16, 0, True

    def boot(self, cold: bool) -> None:
        self.outlet.closed = self.frc != 1

    def darken(self) -> None:
        self.outlet.closed = False

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self.api_on:
            return web.Response(status=404, text="HTTP API v2 is disabled")
        match request.path:
            case "/api/status":
                said = self._status()
                if wanted := request.query.get("filter"):
                    said = {key: said.get(key) for key in wanted.split(",")}
                return reply(said)
            case "/api/set":
                return reply({key: self._set(key, text) for key, text in request.query.items()})
        return web.Response(status=404, text="Not found")

    def _set(self, key: str, text: str) -> bool | str:
        """True, or why not."""
        if key not in ("amp", "frc"):
            return "unknown key"
        value = int(text) if text.lstrip("-").isdigit() else -1
        if value not in (range(6, 33) if key == "amp" else range(3)):
            return "value out of range"
        self.order(f"{key}={value}", lambda: self._do(key, value))
        return True

    def _do(self, key: str, value: int) -> None:
        setattr(self, key, value)
        self.outlet.limit_w = self.amp * VOLTS * len(self.outlet.load.phases)
        self.outlet.closed = self.frc != 1

    def _status(self) -> dict[str, Any]:
        phases = [round(each, 1) for each in self.meter.phases]
        amps = [round(each / VOLTS, 2) for each in phases]
        volts = [VOLTS, VOLTS, VOLTS, 1.0]
        powers = [*phases, 0.0, round(self.meter.watts, 1)]
        return {
            "sse": "000001",
            "typ": "go-eCharger",
            "fwv": "055.7",
            "rbt": self.uptime_s * 1000,
            "amp": self.amp,
            "frc": self.frc,
            "alw": self.frc != 1,
            "car": 2 if self.meter.watts else 4,
            "err": 0,
            "psm": 2 if len(self.outlet.load.phases) == 3 else 1,
            "nrg": [*volts, *amps, *powers, 1.0, 1.0, 1.0, 0.0],
            "wh": round(self.meter.wh, 1),
            "eto": round(self.meter.wh),
        }
