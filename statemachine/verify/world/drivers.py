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
from .panel import Breakers, is_dead

DRIVER_MS, SLOW_MS, SILENT_MS = 100, 3_000, 4_000
POLL_MS, REBOOTS = 5_000, "reboots"
SILENCE = f"{NO_ANSWER} within {SILENT_MS // 1000} s"


@dataclass(slots=True)
class _Circuit:
    """One circuit; a hold or switch under way ends at `ends_ms`."""

    guarded: GuardedCircuit
    deed: Deed | None = None
    fault: str | None = None
    ends_ms: int = 0


def answer_trigger(answer: DeviceAnswer, stamps: Mapping[str, int]) -> Held | Switched:
    """The result of a hold or switch, as a trigger for the core."""
    fields: dict[str, Any] = {**stamps, "circuit": answer.deed.circuit, "fault": answer.fault}
    if isinstance(answer.deed, Hold):
        return Held(**fields, watts=answer.deed.watts)
    return Switched(**fields, enabled=answer.deed.enabled)


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
        again = [id for id, breaker in breakers.all.items() if breaker.fault == REBOOTS]
        self._looks_ms = dict.fromkeys(again, ms + POLL_MS)

    def seen(self, drawn_w: Mapping[str, int], beside_w: int, ms: int) -> None:
        """Pass on the believed readings, in watts."""
        self._headroom.seen(drawn_w, beside_w)
        for id, watts in drawn_w.items():
            self._all[id].guarded.seen(watts, ms)

    def put(self, deed: Deed, ms: int) -> list[DeviceAnswer]:
        """Request a hold or switch from now on; an idle driver begins at once."""
        circuit = self._all[deed.circuit]
        answers = circuit.guarded.put(deed, ms)
        self._begin(circuit, ms)
        return answers

    def next_ms(self) -> int | None:
        """When a driver next answers or retries; None: all is done."""
        dues = [
            circuit.ends_ms if circuit.deed is not None else circuit.guarded.due_ms()
            for circuit in self._all.values()
        ]
        dues += self._looks_ms.values()
        return min((due for due in dues if due is not None), default=None)

    def set_fault(self, id: str, kind: str, ms: int) -> None:
        """A device has a fault from now on. That it started anew is seen when it is next read."""
        self._breakers.all[id].fault = kind
        if kind == REBOOTS:
            self._breakers.reboot(id)
            self._looks_ms[id] = ms + POLL_MS

    def busy(self, id: str) -> bool:
        """Whether a driver works on a request, or will retry it."""
        circuit = self._all[id]
        return circuit.deed is not None or circuit.guarded.busy()

    def overruled(self) -> list[str]:
        """Why interlocks overrule requests now."""
        reasons = [(id, circuit.guarded.overruled()) for id, circuit in self._all.items()]
        return [f"{id}: {why}" for id, whys in reasons for why in whys]

    def go_on(self, ms: int) -> Iterator[DeviceAnswer]:
        """The results that are due by this moment."""
        self._look(ms)
        for circuit in self._all.values():
            if circuit.deed is not None and circuit.ends_ms <= ms:
                deed, circuit.deed = circuit.deed, None
                yield from circuit.guarded.ended(deed, circuit.fault, ms)
            yield from circuit.guarded.look(ms)
            self._begin(circuit, ms)

    def _look(self, ms: int) -> None:
        """What started anew is told again."""
        for id in [id for id, due_ms in self._looks_ms.items() if due_ms <= ms]:
            del self._looks_ms[id]
            if self._breakers.all[id].fault == REBOOTS:
                self._breakers.all[id].fault = "none"
            self._all[id].guarded.doubt(ms)

    def _begin(self, circuit: _Circuit, ms: int) -> None:
        if circuit.deed is None and (deed := circuit.guarded.begin(ms)) is not None:
            circuit.deed, circuit.fault = deed, self._do(deed, ms)
            slow = self._breakers.all[deed.circuit].fault == "slow"
            answer_ms = SLOW_MS if slow else DRIVER_MS
            circuit.ends_ms = ms + (SILENT_MS if circuit.fault == SILENCE else answer_ms)

    def _do(self, deed: Deed, ms: int) -> str | None:
        fault = self._breakers.all[deed.circuit].fault
        if fault == "mute" or is_dead(fault, ms):
            return SILENCE
        failed = self._move(deed)
        return SILENCE if fault == "late" else failed

    def _move(self, deed: Deed) -> str | None:
        match deed:
            case Hold(circuit, watts, until_ms):
                self._breakers.hold(circuit, watts, self._until(until_ms))
                return None
            case Switch(circuit, enabled):
                return self._breakers.switch(circuit, enabled)
