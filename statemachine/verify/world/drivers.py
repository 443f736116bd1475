"""The drivers of a modelled panel: they answer like those of a running controller.

They retry with the same pauses (`wanted_state.py`) behind the same interlock
(`guarded_circuit.py`). Times are elapsed milliseconds of the play. A crash of the program ends
them; breakers stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...interlock.guarded_circuit import GuardedCircuit
from ...interlock.headroom import Headroom
from ...interlock.wanted_state import Deed, DeviceAnswer
from ...site.spec import Spec
from ...state.effects import Hold, Switch
from ...state.triggers import NO_ANSWER, Held, Switched
from .panel import Breakers

DRIVER_MS, SILENT_MS = 100, 4_000
SILENCE = f"{NO_ANSWER} within {SILENT_MS // 1000} s"


@dataclass(slots=True)
class _Circuit:
    """One circuit; a hold or switch under way ends at `ends_ms`."""

    guarded: GuardedCircuit
    deed: Deed | None = None
    fault: str | None = None
    ends_ms: int = 0


def answer_trigger(told: DeviceAnswer, stamps: Mapping[str, int]) -> Held | Switched:
    """The result of a hold or switch, as a trigger for the core."""
    said: dict[str, Any] = {**stamps, "circuit": told.deed.circuit, "fault": told.fault}
    if isinstance(told.deed, Hold):
        return Held(**said, watts=told.deed.watts)
    return Switched(**said, enabled=told.deed.enabled)


class Drivers:
    """All drivers of a play. `until` converts the end of a lease to elapsed time."""

    def __init__(
        self, spec: Spec, breakers: Breakers, until: Callable[[int], int], ms: int
    ) -> None:
        self._breakers, self._until = breakers, until
        self._headroom = Headroom(spec.site.service)
        self._all = {
            id: _Circuit(GuardedCircuit(id, spec, self._headroom, ms)) for id in breakers.all
        }

    def seen(self, drawn_w: Mapping[str, int], beside_w: int, ms: int) -> None:
        """Pass on the believed readings, in watts."""
        self._headroom.seen(drawn_w, beside_w)
        for id, watts in drawn_w.items():
            self._all[id].guarded.seen(watts, ms)

    def put(self, deed: Deed, ms: int) -> list[DeviceAnswer]:
        """Request a hold or switch from now on; an idle driver begins at once."""
        one = self._all[deed.circuit]
        told = one.guarded.put(deed, ms)
        self._begin(one, ms)
        return told

    def next_ms(self) -> int | None:
        """When a driver next answers or retries; None: all is done."""
        dues = [
            one.ends_ms if one.deed is not None else one.guarded.due_ms()
            for one in self._all.values()
        ]
        return min((due for due in dues if due is not None), default=None)

    def busy(self, id: str) -> bool:
        """Whether a driver works on a request, or will retry it."""
        one = self._all[id]
        return one.deed is not None or one.guarded.busy()

    def overruled(self) -> list[str]:
        """Why interlocks overrule requests now."""
        every = [(id, one.guarded.overruled()) for id, one in self._all.items()]
        return [f"{id}: {why}" for id, whys in every for why in whys]

    def go_on(self, ms: int) -> Iterator[DeviceAnswer]:
        """The results that are due by this moment."""
        for one in self._all.values():
            if one.deed is not None and one.ends_ms <= ms:
                deed, one.deed = one.deed, None
                yield from one.guarded.ended(deed, one.fault, ms)
            yield from one.guarded.look(ms)
            self._begin(one, ms)

    def _begin(self, one: _Circuit, ms: int) -> None:
        if one.deed is None and (deed := one.guarded.begin(ms)) is not None:
            one.deed, one.fault = deed, self._do(deed)
            one.ends_ms = ms + (SILENT_MS if one.fault == SILENCE else DRIVER_MS)

    def _do(self, deed: Deed) -> str | None:
        if self._breakers.all[deed.circuit].fault == "mute":
            return SILENCE
        match deed:
            case Hold(circuit, watts, until_ms):
                self._breakers.hold(circuit, watts, self._until(until_ms))
                return None
            case Switch(circuit, enabled):
                return self._breakers.switch(circuit, enabled)
