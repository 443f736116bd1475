"""What else small devices say over HTTP: a HomeWizard P1 meter and an ESPHome plug.

Not checked against dumps: HomeWizard's fields beside `active_power_w`. ESPHome: its web API, and
esphome/feature-requests#2694 (the restart for want of a native client).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.kit.devices.clock import Cancel
from tests.kit.devices.http_device import HttpDevice, reply
from tests.kit.devices.wiring import VOLTS, Meter, Outlet, Wiring


class HomeWizard(HttpDevice):
    """A P1 meter, such as over `wiring.main`. `api_on`: whether its owner allows the local API."""

    def __init__(self, wiring: Wiring, meter: Meter) -> None:
        super().__init__(wiring.clock)
        self.meter, self.api_on = meter, True

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/api":
            return reply(
                {
                    "product_type": "HWE-P1",
                    "product_name": "P1 meter",
                    "serial": "aabbccddeeff",
                    "firmware_version": "5.18",
                    "api_version": "v1",
                }
            )
        if not self.api_on:
            return reply({"error": {"id": 202, "description": "API not enabled"}}, 403)
        if request.path != "/api/v1/data":
            return reply({"error": {"id": 201, "description": "Not found"}}, 404)
        return reply(self._data())

    def _data(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "wifi_ssid": "Test",
            "wifi_strength": 100,
            "smr_version": 50,
            "meter_model": "ISKRA  2M550T-101",
            "active_tariff": 2,
            "total_power_import_kwh": round(self.meter.wh / 1000, 3),
            "total_power_export_kwh": round(self.meter.sold_wh / 1000, 3),
            "active_power_w": round(self.meter.watts),
        }
        for place, watts in enumerate(self.meter.phases, 1):
            said[f"active_power_l{place}_w"] = round(watts)
            said[f"active_voltage_l{place}_v"] = VOLTS
            said[f"active_current_l{place}_a"] = round(watts / VOLTS, 3)
        return said


class EspHome(HttpDevice):
    """A plug with `web_server`. `reboot_timeout_s`: its native API restarts it when nobody is
    connected there, and this fake has no such client; 0: never.
    """

    def __init__(
        self,
        wiring: Wiring,
        outlet: Outlet,
        *,
        switch: str = "relay",
        sensor: str = "power",
        reboot_timeout_s: float = 0.0,
    ) -> None:
        super().__init__(wiring.clock)
        self.outlet, self.meter = outlet, wiring.meter(outlet)
        self.on, self._switch, self._sensor = outlet.closed, switch, sensor
        self.restores_on = True
        self.lease_s = 0.0
        """The owner's own script: on again so long after an off; 0: none."""
        self.reboots = 0
        self._reboot_timeout_s = reboot_timeout_s
        self._stop: Cancel = lambda: None
        self._arm()

    def set(self, on: bool) -> None:
        self._stop()
        self.on = self.outlet.closed = on
        if not on and self.lease_s:
            self._stop = self.clock.after(self.lease_s, lambda: self.set(True))

    def press(self) -> None:
        """A person pushes its button."""
        self.set(not self.on)

    def darken(self) -> None:
        self.outlet.closed = False

    def boot(self, cold: bool) -> None:
        self.reboots += 1
        self.set(self.restores_on)
        self._arm()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.method, request.path.split("/")[1:]:
            case "GET", ["switch", self._switch]:
                state = "ON" if self.on else "OFF"
                return reply({"id": f"switch-{self._switch}", "value": self.on, "state": state})
            case "GET", ["sensor", self._sensor]:
                watts = round(self.meter.watts, 1)
                said = {"id": f"sensor-{self._sensor}", "value": watts, "state": f"{watts} W"}
                return reply(said)
            case "GET", ["sensor", "uptime"]:
                said = {
                    "id": "sensor-uptime",
                    "value": self.uptime_s,
                    "state": f"{self.uptime_s} s",
                }
                return reply(said)
            case "POST", ["switch", self._switch, ("turn_on" | "turn_off" | "toggle") as deed]:
                on = not self.on if deed == "toggle" else deed == "turn_on"
                self.order(deed, lambda: self.set(on))
                return web.Response()
        return web.Response(status=404)

    def _arm(self) -> None:
        if self._reboot_timeout_s:
            self.clock.after(self._reboot_timeout_s, lambda: self.later(self.reboot(0.5)))
