"""The executable charts of a site: those of its events, and those of its shadows."""

from __future__ import annotations

from ..chart.machine import Chart
from ..returns.release import start_random_return
from ..shadow.protocol import ShadowProtocol
from ..site.spec import Spec
from ..state.memory import Transition
from ..state.turn import Turn


class Machines:
    """Made once for a ven.yaml; holds nothing that changes."""

    def __init__(self, spec: Spec) -> None:
        self.shadows = ShadowProtocol(spec.shadow, spec.cloud.has_shadow)
        self._event = Chart(spec.event)
        self.returning = self._event.sources("released")
        """The states of an event that wait until its load is back."""

    def fire(self, turn: Turn, name: str, id: str) -> bool:
        """Fire the chart of one event; True if a row took the trigger."""
        turn.name, turn.event_id = name, id
        before = turn.event.state
        state = self._event.fire(before, turn)
        if state is None:
            return False
        if state != before:
            turn.remember_event(id, state=state, entered_ms=turn.now_ms)
            turn.remember(last=Transition(id, before, state, name, turn.now_ms))
        if name == "ended":
            start_random_return(turn)
        if turn.spec.event.states[state].final:
            turn.forget_event(id)
        return True
