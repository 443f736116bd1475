"""The relays of a Tasmota, what is to happen to them later, and its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.devices.clock import Cancel
from tests.kit.devices.device import Device
from tests.kit.devices.faults import Deaf
from tests.kit.devices.wiring import Outlet

OFF, ON, TOGGLE = "0", "1", "2"
WORDS = {"off": OFF, "false": OFF, "on": ON, "true": ON, "toggle": TOGGLE}
LEAST_MS = 50


@dataclass(slots=True)
class Settings:
    """As they come from the maker."""

    tele_period: int = 300
    power_on_state: int = 3
    pulse_time: int = 0
    save_state: bool = True
    power_retain: bool = False

    def put(self, name: str, payload: str) -> None:
        match name:
            case "teleperiod" if 10 <= int(payload) <= 3600:
                self.tele_period = int(payload)
            case "poweronstate" if 0 <= int(payload) <= 5:
                self.power_on_state = int(payload)
            case "pulsetime" if 0 <= int(payload) < 65_536:
                self.pulse_time = int(payload)
            case "setoption0":
                self.save_state = WORDS.get(payload.lower(), payload) == ON
            case "powerretain":
                self.power_retain = WORDS.get(payload.lower(), payload) == ON

    def get(self, name: str) -> int | bool:
        return {
            "teleperiod": self.tele_period,
            "poweronstate": self.power_on_state,
            "pulsetime": self.pulse_time,
            "setoption0": self.save_state,
            "powerretain": self.power_retain,
        }[name]

    @property
    def pulse_s(self) -> float | None:
        """Up to 111 it is tenths of a second, above that seconds and 100."""
        if not self.pulse_time:
            return None
        return self.pulse_time / 10 if self.pulse_time <= 111 else self.pulse_time - 100.0


class Relays:
    """A timed command is a line in a list: one like it replaces it, and no other command does."""

    def __init__(self, device: Device, settings: Settings, outlets: tuple[Outlet, ...]) -> None:
        self._device, self._settings, self.outlets = device, settings, outlets
        self.on = [one.closed for one in outlets]
        self.changed: Callable[[int], None] = lambda channel: None
        self.flash_writes = 0
        self._timed: dict[tuple[int, str], tuple[float, Cancel]] = {}
        self._pulses: dict[int, Cancel] = {}

    def key(self, channel: int) -> str:
        return "POWER" if len(self.outlets) == 1 else f"POWER{channel + 1}"

    def word(self, channel: int) -> str:
        return "ON" if self.on[channel] else "OFF"

    def obey(self, channel: int, payload: str) -> None:
        """`Power`: 0, 1, 2 or a word for it; anything else asks only."""
        wanted = WORDS.get(payload.lower(), payload)
        if wanted in (OFF, ON, TOGGLE) and not isinstance(self._device.suffers, Deaf):
            self._put(channel, not self.on[channel] if wanted == TOGGLE else wanted == ON)

    def timed(self, channel: int, ms: int, start: str) -> None:
        """Now this, and its opposite after `ms`."""
        wanted = WORDS.get(start.lower(), start)
        after = {OFF: ON, ON: OFF, TOGGLE: TOGGLE}[wanted]
        if not isinstance(self._device.suffers, Deaf):
            self._forget((channel, after))
            seconds = max(ms, LEAST_MS) / 1000
            cancel = self._device.clock.after(seconds, lambda: self._due(channel, after))
            self._timed[channel, after] = (self._device.clock.now() + seconds, cancel)
            self.obey(channel, wanted)

    def clear(self, channel: int) -> None:
        if not isinstance(self._device.suffers, Deaf):
            for one in [one for one in self._timed if one[0] == channel]:
                self._forget(one)

    def remaining(self) -> list[tuple[float, str]]:
        """Milliseconds, and the command that comes then."""
        now = self._device.clock.now()
        return [
            ((due - now) * 1000, f"Power{channel + 1} {wanted}")
            for (channel, wanted), (due, _) in self._timed.items()
        ]

    def darken(self) -> None:
        for one in self.outlets:
            one.closed = False

    def boot(self, cold: bool) -> None:
        """What was timed is gone. After a warm restart PowerOnState does not count."""
        for one in list(self._timed):
            self._forget(one)
        for channel, saved in enumerate(list(self.on)):
            self._put(channel, self._wakes(saved) if cold else saved)

    def _wakes(self, saved: bool) -> bool:
        match self._settings.power_on_state:
            case 0 | 5:
                return False
            case 1 | 4:
                return True
            case 2:
                return not saved
        return saved if self._settings.save_state else False

    def _due(self, channel: int, wanted: str) -> None:
        self._timed.pop((channel, wanted), None)
        self._put(channel, not self.on[channel] if wanted == TOGGLE else wanted == ON)
        self.changed(channel)

    def _forget(self, one: tuple[int, str]) -> None:
        if one in self._timed:
            self._timed.pop(one)[1]()

    def _put(self, channel: int, on: bool) -> None:
        if on != self.on[channel] and self._settings.save_state:
            self.flash_writes += 1
        self.on[channel] = self.outlets[channel].closed = on
        self._pulses.pop(channel, lambda: None)()
        inverted = self._settings.power_on_state == 5
        if (seconds := self._settings.pulse_s) is not None and on != inverted:
            self._pulses[channel] = self._device.clock.after(seconds, lambda: self._end(channel))

    def _end(self, channel: int) -> None:
        del self._pulses[channel]
        self._put(channel, not self.on[channel])
        self.changed(channel)
