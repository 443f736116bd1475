"""A Shelly of generation 1: everything by GET, `timer` as its lease, watt-minutes as its energy.

Source: a dump of a Plug S (SHPLG-S, 1.14.0) in home-assistant-libs/aioshelly ea7a88f;
shelly-api-docs.shelly.cloud/gen1. Not known: that `timer` after `turn=off` flips back on; here it
does.
"""

from __future__ import annotations

import base64
from typing import Any, Literal

from aiohttp import web

from tests.kit.devices.clock import Cancel
from tests.kit.devices.http_device import HttpDevice, reply
from tests.kit.devices.wiring import Outlet, Wiring

MAC = "AABBCCDDEEFF"
FIRMWARE = "20230913-113421/v1.14.0-gcb84623"


class Shelly1(HttpDevice):
    """A Plug S. With `password` it wants basic authentication of user `admin`."""

    def __init__(self, wiring: Wiring, outlet: Outlet, *, password: str | None = None) -> None:
        super().__init__(wiring.clock)
        self.outlet, self.meter = outlet, wiring.meter(outlet)
        self.on, self.source = outlet.closed, "http"
        self.default_state: Literal["on", "off", "last", "switch"] = "last"
        self._timer: tuple[float, float, Cancel] | None = None
        self._key = base64.b64encode(f"admin:{password}".encode()).decode() if password else None

    def set(self, on: bool, source: str, timer_s: float | None = None) -> None:
        self._stop()
        self.on = self.outlet.closed = on
        self.source = source
        if timer_s:
            cancel = self.clock.after(timer_s, self._flip_back)
            self._timer = (self.clock.wall(), timer_s, cancel)

    def press(self) -> None:
        """A person pushes its button."""
        self.set(not self.on, "input")

    def darken(self) -> None:
        self.outlet.closed = False

    def boot(self, cold: bool) -> None:
        wanted = {"on": True, "off": False, "last": self.on, "switch": False}
        self.set(wanted[self.default_state], "poweron")

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/shelly":
            return reply(self._info())
        if self._key and request.headers.get("Authorization") != f"Basic {self._key}":
            return web.Response(
                status=401, headers={"WWW-Authenticate": 'Basic realm="shellyplug-s"'}
            )
        match request.path:
            case "/status":
                return reply(self._status())
            case "/settings":
                return reply(self._settings())
            case "/relay/0":
                return self._turned(request)
            case "/reboot":
                self.order("reboot", lambda: self.later(self.reboot(0.1)))
                return reply({"ok": True})
        return web.Response(status=404, text="Not Found")

    def _turned(self, request: web.BaseRequest) -> web.Response:
        turn, timer = request.query.get("turn"), request.query.get("timer")
        if turn is None:
            return reply(self._relay())
        if turn not in ("on", "off", "toggle"):
            return web.Response(status=400, text="Bad turn!")
        on = not self.on if turn == "toggle" else turn == "on"
        seconds = float(timer) if timer else None
        words = f"relay {'on' if on else 'off'}" + (f" for {seconds:g} s" if seconds else "")
        self.order(words, lambda: self.set(on, "http", seconds))
        return reply(self._relay())

    def _relay(self) -> dict[str, Any]:
        began, lasts, _ = self._timer or (0.0, 0.0, None)
        left = began + lasts - self.clock.wall() if self._timer else 0
        return {
            "ison": self.on,
            "has_timer": self._timer is not None,
            "timer_started": int(began),
            "timer_duration": int(lasts),
            "timer_remaining": max(0, round(left)),
            "overpower": False,
            "source": self.source,
        }

    def _status(self) -> dict[str, Any]:
        meter = {
            "power": round(self.meter.watts, 2),
            "overpower": 0.0,
            "is_valid": True,
            "timestamp": int(self.clock.wall()),
            "counters": [0.0, 0.0, 0.0],
            "total": int(self.meter.wh * 60),
        }
        return {
            "wifi_sta": {"connected": True, "ssid": "Test", "ip": "127.0.0.1", "rssi": -76},
            "cloud": {"enabled": False, "connected": False},
            "mqtt": {"connected": False},
            "unixtime": int(self.clock.wall()),
            "mac": MAC,
            "relays": [self._relay()],
            "meters": [meter],
            "temperature": 24.14,
            "overtemperature": False,
            "update": {"status": "idle", "has_update": False},
            "uptime": self.uptime_s,
        }

    def _settings(self) -> dict[str, Any]:
        device = {"type": "SHPLG-S", "mac": MAC, "num_outputs": 1, "num_meters": 1}
        relay = {
            "name": None,
            "ison": self.on,
            "has_timer": self._timer is not None,
            "default_state": self.default_state,
            "auto_on": 0.0,
            "auto_off": 0.0,
            "max_power": 1800,
        }
        return {"device": device, "fw": FIRMWARE, "max_power": 1800, "relays": [relay]}

    def _info(self) -> dict[str, Any]:
        return {
            "type": "SHPLG-S",
            "mac": MAC,
            "auth": self._key is not None,
            "fw": FIRMWARE,
            "discoverable": True,
            "num_outputs": 1,
            "num_meters": 1,
        }

    def _flip_back(self) -> None:
        self._timer = None
        self.set(not self.on, "timer")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer[2]()
            self._timer = None
