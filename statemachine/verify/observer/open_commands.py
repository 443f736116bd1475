"""Commands that are not answered yet, as an observer records them."""

from __future__ import annotations

from ...decide.switches import PATIENCE_MS
from ...state.effects import Ack
from ...state.triggers import Command, Restarted, Toggle
from ..world.play import Moment


class OpenCommands:
    """Every command must be answered once and at once, a switch within 5 s. `wrong`: violations."""

    def __init__(self) -> None:
        self._since_ms: dict[str, int] = {}
        self._may_wait: set[str] = set()
        self.wrong: list[str] = []

    def note(self, moment: Moment, stepped: bool) -> None:
        """Record one moment; `stepped`: the wall clock was set, so that waits start anew."""
        self.wrong = []
        if isinstance(moment.trigger, Restarted):
            self._since_ms.clear()
        if isinstance(moment.trigger, Command) and moment.fault is None:
            reply = moment.trigger.reply
            self._since_ms[reply] = moment.ms
            self._may_wait |= {reply} if isinstance(moment.trigger, Toggle) else set()
        for effect in moment.effects:
            if isinstance(effect, Ack):
                if effect.reply not in self._since_ms:
                    self.wrong.append(f"{effect.body['op']} is answered twice")
                self._since_ms.pop(effect.reply, None)
        self._look(moment, stepped)

    def _look(self, moment: Moment, stepped: bool) -> None:
        for reply, since_ms in list(self._since_ms.items()):
            if stepped:
                self._since_ms[reply] = moment.ms
            elif moment.ms - since_ms > PATIENCE_MS or reply not in self._may_wait:
                self.wrong.append(f"a command of {moment.ms - since_ms} ms ago has no answer")
                del self._since_ms[reply]
