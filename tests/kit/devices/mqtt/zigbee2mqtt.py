"""A zigbee2mqtt with plugs: no lease, power that stands still, availability that lags.

Sources: zigbee2mqtt.io (usage, devices); Koenkk/zigbee2mqtt#28470, #23860, #24627, #27652.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.kit.devices.clock import Cancel
from tests.kit.devices.mqtt_device import MqttDevice
from tests.kit.devices.wiring import Meter, Outlet, Wiring


@dataclass(slots=True)
class Plug:
    """`frozen_when_off`: power keeps its last value. `unplugged`: it is gone, and what it said
    last is published on and on until `available_for_s` have passed.
    """

    outlet: Outlet
    meter: Meter
    on: bool = True
    frozen_when_off: bool = False
    unplugged: bool = False
    power_on_behavior: str = "previous"
    watts: float = 0.0
    seen: float = 0.0
    last: dict[str, Any] = field(default_factory=dict)
    stop: Cancel = lambda: None


class Zigbee2Mqtt(MqttDevice):
    """`z2m.plug("pump", outlet)` before it starts. It reports each `every_s`, and at a change."""

    def __init__(self, wiring: Wiring, *, broker: int, base: str = "zigbee2mqtt") -> None:
        super().__init__(
            wiring.clock, broker, base, (f"{base}/bridge/state", '{"state":"offline"}')
        )
        self._wiring, self.base = wiring, base
        self.plugs: dict[str, Plug] = {}
        self.every_s, self.available_for_s = 60.0, 600.0
        self.availability, self.retain = True, False
        self._next: Cancel = lambda: None

    def plug(self, name: str, outlet: Outlet) -> Plug:
        one = self.plugs[name] = Plug(outlet, self._wiring.meter(outlet), outlet.closed)
        one.seen = self.clock.now()
        return one

    def set(self, name: str, on: bool) -> None:
        one = self.plugs[name]
        if not one.unplugged:
            one.stop()
            one.on = one.outlet.closed = on

    def press(self, name: str) -> None:
        """A person pushes its button."""
        self.set(name, not self.plugs[name].on)
        self.report(name)

    def listens(self) -> list[str]:
        return [f"{self.base}/+/set", f"{self.base}/+/get"]

    def joined(self) -> None:
        self._say("bridge/state", {"state": "online"}, retain=True)
        known = [
            {"friendly_name": name, "type": "Router", "supported": True} for name in self.plugs
        ]
        self._say("bridge/devices", known, retain=True)
        self.reports()

    def reports(self) -> None:
        """All of them, now and each `every_s` from now on."""
        self._next()
        for name in self.plugs:
            self.report(name)
        self._next = self.clock.after(self.every_s, self.reports)

    def report(self, name: str) -> None:
        one = self.plugs[name]
        if not one.unplugged:
            self._look(one)
        self._say(name, one.last, retain=self.retain)
        if self.availability:
            there = self.clock.now() - one.seen < self.available_for_s
            state = {"state": "online" if there else "offline"}
            self._say(f"{name}/availability", state, retain=True)

    def hear(self, topic: str, payload: str) -> None:
        name, _, verb = topic.removeprefix(f"{self.base}/").rpartition("/")
        if name not in self.plugs:
            return
        try:
            said = json.loads(payload)
        except ValueError:
            said = {"state": payload}
        if verb == "set" and isinstance(said, dict):
            self.order(f"{name} {payload}", lambda: self._obey(name, said))
        if not self.plugs[name].unplugged:
            self.report(name)

    def _obey(self, name: str, said: dict[str, Any]) -> None:
        one = self.plugs[name]
        if behavior := said.get("power_on_behavior"):
            one.power_on_behavior = behavior
        wanted = str(said.get("state", "")).upper()
        if wanted in ("ON", "OFF", "TOGGLE"):
            self.set(name, not one.on if wanted == "TOGGLE" else wanted == "ON")
        if wanted == "ON" and (seconds := said.get("on_time")):
            one.stop = self.clock.after(float(seconds), self._switcher(name))

    def _switcher(self, name: str) -> Callable[[], None]:
        def off() -> None:
            self.set(name, False)
            self.report(name)

        return off

    def _look(self, one: Plug) -> None:
        if one.on or not one.frozen_when_off:
            one.watts = one.meter.watts
        one.seen = self.clock.now()
        one.last = {
            "state": "ON" if one.on else "OFF",
            "power": round(one.watts, 1),
            "current": round(one.watts / 230, 2),
            "voltage": 230,
            "energy": round(one.meter.wh / 1000, 2),
            "power_on_behavior": one.power_on_behavior,
            "linkquality": 120,
            "last_seen": int(self.clock.wall() * 1000),
        }

    def _say(self, topic: str, said: Any, *, retain: bool) -> None:
        text = json.dumps(said, separators=(",", ":"))
        self.say(f"{self.base}/{topic}", text, retain=retain)

    async def _leave(self) -> None:
        self._next()
        await super()._leave()
