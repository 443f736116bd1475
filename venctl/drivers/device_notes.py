"""What people are told of a device beside its faults, and who wants to know."""

from __future__ import annotations

from typing import Protocol

from statemachine.device.control import SeenState, WiredLoad
from statemachine.device.form import Template
from statemachine.device.watch import Wear, device_warnings, is_off


class DeviceListener(Protocol):
    """Who wants to know what happens at a device."""

    def doubted(self, circuit: str) -> None:
        """The device may not stand as it should: do all requests again."""

    def moved(self, circuit: str, on: bool) -> None:
        """A person switched it on or off at the device."""

    def noticed(self, circuit: str, text: str | None) -> None:
        """Something is wrong with the device, in words; None: it is well again."""


class DeviceNotes:
    """Tells what is to be noticed when it begins and when it is over."""

    def __init__(
        self, circuit: str, template: Template, load: WiredLoad, listener: DeviceListener
    ) -> None:
        self._circuit, self._template, self._load = circuit, template, load
        self._listener = listener
        self._wear, self._refusal = Wear(), None  # type: Wear, str | None
        self._told: frozenset[str] = frozenset()

    def refused(self, refusal: str | None) -> None:
        """A command was refused, and it stands as told nevertheless; None: it was not refused."""
        self._refusal = refusal

    def seen(self, seen: SeenState, restarts_ms: tuple[int, ...], now_ms: int) -> None:
        """It was read. `restarts_ms` are those of the last day, in UTC, as `now_ms` is."""
        self._wear = self._wear.seen(is_off(self._template, self._load, seen), now_ms)
        found = device_warnings(self._template, self._wear, restarts_ms, self._refusal, now_ms)
        if found.keys() != self._told:
            self._told = frozenset(found)
            self._listener.noticed(self._circuit, "; ".join(found.values()) or None)
