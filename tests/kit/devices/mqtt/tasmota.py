"""A Tasmota plug: a client of a broker, with a lease by `TimedPower`; also over HTTP.

Source: tasmota/docs 9849ab9 (MQTT); see also the firmware.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.kit.devices.http_device import HttpDevice, reply
from tests.kit.devices.mqtt.tasmota_firmware import Firmware
from tests.kit.devices.mqtt_device import MqttDevice
from tests.kit.devices.wiring import Outlet, Wiring


class Tasmota(MqttDevice):
    """`Tasmota(wiring, outlet, broker=port, topic="boiler")`; several outlets: several relays."""

    def __init__(self, wiring: Wiring, *outlets: Outlet, broker: int, topic: str) -> None:
        self.topic = topic
        super().__init__(wiring.clock, broker, f"DVES_{topic}", (f"tele/{topic}/LWT", "Offline"))
        self.firmware = Firmware(self, wiring, outlets)
        self.firmware.restart = lambda: self.later(self.reboot(0.1))
        self.firmware.relays.changed = self._tell
        self.settings, self.relays = self.firmware.settings, self.firmware.relays
        self._next: Callable[[], None] = lambda: None

    def listens(self) -> list[str]:
        return [f"cmnd/{self.topic}/#"]

    def joined(self) -> None:
        self.say(f"tele/{self.topic}/LWT", "Online", retain=True)
        self._announce()
        restart = {"RestartReason": "Software/System restart", "BootCount": self.firmware.boots}
        self._publish("tele", "INFO3", {"Info3": restart})
        for channel in range(len(self.relays.outlets)):
            self._tell(channel)
        self.telemetry()

    def telemetry(self) -> None:
        """STATE and SENSOR, now and each TelePeriod from now on."""
        self._next()
        self._publish("tele", "STATE", self.firmware.state())
        self._publish("tele", "SENSOR", self.firmware.sensor())
        self._next = self.clock.after(self.settings.tele_period, self.telemetry)

    def hear(self, topic: str, payload: str) -> None:
        for name, said in self.firmware.do(topic.rpartition("/")[2], payload):
            self._publish("stat", name, said)

    def press(self, channel: int = 0) -> None:
        """A person pushes its button."""
        self.relays.obey(channel, "2")
        self._tell(channel)

    def darken(self) -> None:
        self.relays.darken()

    def boot(self, cold: bool) -> None:
        self.firmware.boot(cold)

    async def _leave(self) -> None:
        self._next()
        await super()._leave()

    def _tell(self, channel: int) -> None:
        for name, said in self.firmware.power_said(channel):
            self._publish("stat", name, said)

    def _publish(self, prefix: str, name: str, said: Any) -> None:
        text = said if isinstance(said, str) else json.dumps(said, separators=(",", ":"))
        retain = self.settings.power_retain and prefix == "stat" and name.startswith("POWER")
        self.say(f"{prefix}/{self.topic}/{name}", text, retain=retain)

    def _announce(self) -> None:
        """For those who discover."""
        mac = f"{abs(hash(self.topic)) % 16**12:012X}"
        said = {
            "ip": "127.0.0.1",
            "dn": self.topic,
            "fn": [self.topic] + [None] * 7,
            "hn": f"tasmota-{self.topic}",
            "mac": mac,
            "md": "Gosund SP1",
            "ofln": "Offline",
            "onln": "Online",
            "state": ["OFF", "ON", "TOGGLE", "HOLD"],
            "sw": "14.2.0",
            "t": self.topic,
            "ft": "%prefix%/%topic%/",
            "tp": ["cmnd", "stat", "tele"],
            "rl": [int(n < len(self.relays.outlets)) for n in range(8)],
            "ver": 1,
        }
        self.say(f"tasmota/discovery/{mac}/config", json.dumps(said), retain=True)


class TasmotaHttp(HttpDevice):
    """The same firmware, asked by `/cm?cmnd=...`."""

    def __init__(self, wiring: Wiring, *outlets: Outlet) -> None:
        super().__init__(wiring.clock)
        self.firmware = Firmware(self, wiring, outlets)
        self.firmware.restart = lambda: self.later(self.reboot(0.1))

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/cm":
            return web.Response(status=404, text="Not found")
        command, _, payload = request.query.get("cmnd", "").partition(" ")
        return reply(self.firmware.do(command, payload)[0][1])

    def boot(self, cold: bool) -> None:
        self.firmware.boot(cold)
