"""The components of a Shelly of generation 2 and later: switches, and a three-phase meter.

Names, values and their order are those of dumps of a Plus 1PM (1.1.0) and a Pro 3EM.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from tests.kit.devices.clock import Cancel
from tests.kit.devices.device import Device
from tests.kit.devices.wiring import VOLTS, Meter, Outlet

InitialState = Literal["on", "off", "restore_last", "match_input"]


class RpcError(Exception):
    """An answer that is a fault: its code and words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


def argument(params: dict[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    """The argument of this name."""
    if name not in params:
        raise RpcError(-103, f"Missing required argument '{name}'!")
    value = params[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise RpcError(-103, f"Argument '{name}', value {value!r} has wrong type!")
    return value


class Relay:
    """`switch:N`. `meter`: what it measures; None: a model without a meter."""

    kind = "switch"

    def __init__(self, device: Device, number: int, outlet: Outlet, meter: Meter | None) -> None:
        self._device, self.number, self.outlet, self.meter = device, number, outlet, meter
        self.on, self.source, self.input_on = outlet.closed, "init", False
        self.errors: list[str] = []
        self.changed: Callable[[str], None] = lambda key: None
        self._timer: tuple[float, float, Cancel] | None = None
        self.config: dict[str, Any] = {
            "id": number,
            "name": None,
            "in_mode": "flip",
            "initial_state": "restore_last",
            "auto_on": False,
            "auto_on_delay": 60.0,
            "auto_off": False,
            "auto_off_delay": 60.0,
            "power_limit": 4480,
            "voltage_limit": 280,
            "autorecover_voltage_errors": False,
            "current_limit": 16.0,
        }

    @property
    def key(self) -> str:
        return f"switch:{self.number}"

    @property
    def lease_s(self) -> float | None:
        """What is left until it flips back; None: no timer runs."""
        if self._timer is None:
            return None
        return self._timer[0] + self._timer[1] - self._device.clock.wall()

    def status(self) -> dict[str, Any]:
        said: dict[str, Any] = {"id": self.number, "source": self.source, "output": self.on}
        if self._timer is not None:
            said |= {"timer_started_at": round(self._timer[0], 2), "timer_duration": self._timer[1]}
        if self.meter is not None:
            watts = self.meter.watts
            said |= {
                "apower": round(watts, 1),
                "voltage": 232.8,
                "current": round(abs(watts) / 232.8, 3),
                "aenergy": {
                    "total": round(self.meter.wh, 3),
                    "by_minute": [0.0, 0.0, 0.0],
                    "minute_ts": int(self._device.clock.wall()) // 60 * 60,
                },
            }
        if self.errors:
            said["errors"] = list(self.errors)
        return said | {"temperature": {"tC": 30.3, "tF": 86.6}}

    def set(self, on: bool, source: str, toggle_after: float | None = None) -> None:
        """Another state, or the same again; every one ends a timer that runs."""
        self._stop()
        self.on = self.outlet.closed = on
        self.source, self.errors = source, []
        own = self.config["auto_off_delay" if on else "auto_on_delay"]
        if toggle_after is None and self.config["auto_off" if on else "auto_on"]:
            toggle_after = own
        if toggle_after is not None:
            cancel = self._device.clock.after(toggle_after, self._flip_back)
            self._timer = (self._device.clock.wall(), toggle_after, cancel)
        self.changed(self.key)

    def press(self, source: str = "button") -> None:
        """A person pushes its button."""
        self.set(not self.on, source)

    def trip(self) -> None:
        """It protects itself against an overload."""
        self.set(False, self.source)
        self.errors = ["overpower"]

    def boot(self) -> None:
        """A timer lives in memory only."""
        self._stop()
        state: InitialState = self.config["initial_state"]
        wanted = {"on": True, "off": False, "restore_last": self.on, "match_input": self.input_on}
        self.set(wanted[state], "init")

    def call(self, verb: str, params: dict[str, Any], source: str) -> Any:
        match verb:
            case "GetStatus":
                return self.status()
            case "GetConfig":
                return self.config
            case "SetConfig":
                wanted = argument(params, "config", dict)
                self._device.order(
                    f"{self.key} config {wanted}", lambda: self.config.update(wanted)
                )
                return {"restart_required": False}
            case "Set" | "Toggle":
                on = not self.on if verb == "Toggle" else argument(params, "on", bool)
                after = params.get("toggle_after")
                if after is not None:
                    after = float(argument(params, "toggle_after", (int, float)))
                was = self.on
                lease = "" if after is None else f" for {after:g} s"
                words = f"{self.key} {'on' if on else 'off'}{lease}"
                self._device.order(words, lambda: self.set(on, source, after))
                return {"was_on": was}
        raise RpcError(404, f"No handler for Switch.{verb}")

    def _flip_back(self) -> None:
        self._timer = None
        self.set(not self.on, "timer")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer[2]()
            self._timer = None


class Triphase:
    """`em:0` of a Pro 3EM."""

    kind = "em"
    key = "em:0"
    number = 0

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.config: dict[str, Any] = {
            "id": 0,
            "name": None,
            "blink_mode_selector": "active_energy",
            "phase_selector": "all",
            "monitor_phase_sequence": False,
            "reverse": {},
            "ct_type": "120A",
        }

    def status(self) -> dict[str, Any]:
        said: dict[str, Any] = {"id": 0}
        phases = self.meter.phases
        for name, watts in zip("abc", phases, strict=True):
            said |= {
                f"{name}_current": round(abs(watts) / VOLTS, 3),
                f"{name}_voltage": VOLTS,
                f"{name}_act_power": round(watts, 1),
                f"{name}_aprt_power": round(abs(watts) * 1.1, 1),
                f"{name}_pf": 0.91,
                f"{name}_freq": 50.0,
            }
        total = sum(phases)
        return said | {
            "n_current": None,
            "total_current": round(math.fsum(map(abs, phases)) / VOLTS, 3),
            "total_act_power": round(total, 3),
            "total_aprt_power": round(abs(total) * 1.1, 3),
            "user_calibrated_phase": [],
        }

    def boot(self) -> None:
        """Nothing to restore."""

    def call(self, verb: str, params: dict[str, Any], source: str) -> Any:
        match verb:
            case "GetStatus":
                return self.status()
            case "GetConfig":
                return self.config
        raise RpcError(404, f"No handler for EM.{verb}")
