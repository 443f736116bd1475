"""The controller: one pure function from what is known and what happened to what to do."""

from __future__ import annotations

from ..site.spec import Spec
from ..state.effects import Effect
from ..state.memory import Memory, initial_memory
from ..state.triggers import Trigger
from ..state.turn import Turn
from .machines import Machines
from .phases import PHASES, in_order


class Ven:
    """Feed it triggers one at a time; keep the memory it returns; do the effects, in order.

    A trigger that raises has changed nothing: the memory passed in is still the truth.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._machines = Machines(spec)

    def start(self) -> Memory:
        """The memory of a site on its first day."""
        return initial_memory(self.spec)

    def decide(self, memory: Memory, trigger: Trigger) -> tuple[Memory, list[Effect]]:
        """What is known after `trigger`, and what to do about it, in order."""
        turn = Turn(self.spec, memory, trigger, charts=self._machines)
        for least, phase in PHASES:
            if turn.reach >= least:
                phase(self._machines, turn)
        return turn.memory, in_order(turn.effects)
