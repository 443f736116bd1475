"""What a Tasmota does with a command, and what it says: alike over MQTT and HTTP.

Sources: tasmota/docs 9849ab9 (Commands, PowerOnState, JSON-Status-Responses);
support_command.ino of arendst/Tasmota 325c722.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.kit.devices.device import Device
from tests.kit.devices.mqtt.tasmota_relays import Relays, Settings
from tests.kit.devices.wiring import Outlet, Wiring

Said = list[tuple[str, Any]]
"""What a command makes it publish: `stat` topic, and text or what becomes JSON."""


class Firmware:
    """What is alike over MQTT and HTTP. `timed`: so new that it knows TimedPower."""

    def __init__(self, device: Device, wiring: Wiring, outlets: tuple[Outlet, ...]) -> None:
        self._device, self._clock = device, wiring.clock
        self.settings = Settings()
        self.timed = True
        self.restart: Callable[[], None] = lambda: None
        self.relays = Relays(device, self.settings, outlets)
        self.meters = [wiring.meter(one) for one in outlets]
        self.boots = 1

    def do(self, command: str, payload: str) -> Said:
        """Carries out one command; an empty payload asks."""
        name = command.rstrip("0123456789").lower()
        number = int(command[len(name) :] or 0)
        payload = "" if payload == "?" else payload.strip()
        if payload and name not in ("status", "backlog"):
            self._device.counts.commands.append((self._clock.now(), f"{command} {payload}"))
        match name:
            case "power":
                return self._power(number, payload)
            case "timedpower" if self.timed:
                return self._timed(number, payload)
            case "status":
                return self._status(int(payload or 0))
            case "state":
                return [("RESULT", self.state())]
            case "teleperiod" | "poweronstate" | "pulsetime" | "setoption0" | "powerretain":
                return self._setting(command, name, payload)
            case "restart" if payload == "1":
                self.restart()
                return [("RESULT", {"Restart": "Restarting"})]
            case "backlog":
                said: Said = []
                for each in payload.split(";"):
                    first, _, rest = each.strip().partition(" ")
                    said += self.do(first, rest)
                return said
        return [("RESULT", {"Command": "Unknown", "Input": command.upper()})]

    def power_said(self, channel: int) -> Said:
        """As it tells of the state of a relay."""
        key, state = self.relays.key(channel), self.relays.word(channel)
        return [("RESULT", {key: state}), (key, state)]

    def sensor(self) -> dict[str, Any]:
        watts = [round(one.watts) for one in self.meters]
        total = round(sum(one.wh for one in self.meters) / 1000, 3)
        power = watts[0] if len(watts) == 1 else watts
        amps = [round(abs(each) / 230, 3) for each in watts]
        energy = {
            "TotalStartTime": "2026-01-01T00:00:00",
            "Total": total,
            "Yesterday": 0.5,
            "Today": total,
            "Power": power,
            "ApparentPower": power,
            "ReactivePower": 0 if len(watts) == 1 else [0] * len(watts),
            "Factor": 0.99 if len(watts) == 1 else [0.99] * len(watts),
            "Voltage": 230,
            "Current": amps[0] if len(amps) == 1 else amps,
        }
        return {"Time": self._time(), "ENERGY": energy}

    def state(self) -> dict[str, Any]:
        days, rest = divmod(self._device.uptime_s, 86_400)
        said = {
            "Time": self._time(),
            "Uptime": f"{days}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}",
            "UptimeSec": self._device.uptime_s,
            "Heap": 25,
            "SleepMode": "Dynamic",
            "Sleep": 50,
            "LoadAvg": 19,
            "MqttCount": self._device.counts.connections,
        }
        for channel in range(len(self.relays.outlets)):
            said[self.relays.key(channel)] = self.relays.word(channel)
        return said | {"Wifi": {"AP": 1, "SSId": "Test", "RSSI": 100, "Signal": -47}}

    def boot(self, cold: bool) -> None:
        self.boots += 1
        self.relays.boot(cold)

    def _power(self, number: int, payload: str) -> Said:
        channel = max(number, 1) - 1
        if channel >= len(self.relays.outlets):
            return [("RESULT", {"Command": "Error"})]
        if payload:
            self.relays.obey(channel, payload)
        return self.power_said(channel)

    def _timed(self, number: int, payload: str) -> Said:
        if payload:
            channel, (ms, _, start) = max(number, 1) - 1, payload.partition(",")
            self.relays.timed(channel, int(ms), start.strip() or "1")
            return self.power_said(channel)
        if number:
            self.relays.clear(number - 1)
            return [("RESULT", {"TimedPower": "Done"})]
        waiting = [
            {"Remaining": round(ms), "Command": words} for ms, words in self.relays.remaining()
        ]
        return [("RESULT", {"TimedPower": waiting or "Empty"})]

    def _setting(self, command: str, name: str, payload: str) -> Said:
        if payload:
            self.settings.put(name, payload)
        value = self.settings.get(name)
        if name == "pulsetime":
            return [("RESULT", {"PulseTime1": {"Set": value, "Remaining": 0}})]
        spelled = {"teleperiod": "TelePeriod", "poweronstate": "PowerOnState"}
        onoff = {"setoption0": "SetOption0", "powerretain": "PowerRetain"}
        if name in onoff:
            return [("RESULT", {onoff[name]: "ON" if value else "OFF"})]
        return [("RESULT", {spelled[name]: value})]

    def _status(self, number: int) -> Said:
        version = {"Version": "14.2.0(tasmota)", "BuildDateTime": "2024-08-14T12:39:02"}
        match number:
            case 0:
                status = {
                    "Topic": "",
                    "Power": "".join(str(int(on)) for on in self.relays.on),
                    "PowerOnState": self.settings.power_on_state,
                    "SaveState": int(self.settings.save_state),
                    "PowerRetain": int(self.settings.power_retain),
                }
                return [("STATUS", {"Status": status})]
            case 1:
                uptime = {"RestartReason": "Power On", "BootCount": self.boots}
                return [("STATUS1", {"StatusPRM": uptime})]
            case 2:
                return [("STATUS2", {"StatusFWR": version})]
            case 3:
                return [("STATUS3", {"StatusLOG": {"TelePeriod": self.settings.tele_period}})]
            case 8 | 10:
                return [(f"STATUS{number}", {"StatusSNS": self.sensor()})]
            case 11:
                return [("STATUS11", {"StatusSTS": self.state()})]
        return [("RESULT", {"Command": "Error"})]

    def _time(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._clock.wall()))
