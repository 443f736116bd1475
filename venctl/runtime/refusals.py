"""Refuses commands, with a reason; nothing of a refused command is done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from statemachine.journal.promises import CROWDED, OVERLOADED, OVERTAKEN
from statemachine.state.effects import Effect
from statemachine.state.reasons import Reason, Refusal
from statemachine.state.triggers import Command
from statemachine.wire.messages import rejected

from ..store.storage import Storage
from .decision import Decision
from .effect_runner import EffectRunner
from .waiting_line import Promise

log = logging.getLogger(__name__)
EVERY_S = 10.0
RAISED = "the controller failed to process this command; see its log"


class Refusals:
    """`made` builds a decision; `take_effect` carries it out, in place of a stored one if any.

    A command that is one too many is refused without a commit; the log only counts them.
    """

    def __init__(
        self,
        storage: Storage,
        performing: EffectRunner,
        made: Callable[[Command, Sequence[Effect]], Decision],
        take_effect: Callable[[Decision, bool, Decision | None], None],
    ) -> None:
        self._storage, self._performing = storage, performing
        self._made, self._take_effect = made, take_effect
        self._turned_away = 0
        self._told = False

    def answer(self, command: Command, reason: Reason, detail: str) -> None:
        """Refuse one command."""
        ack = rejected(command, reason, detail)
        if reason == "overloaded":
            self._count()
            self._performing.turn_away(ack)
        else:
            self._take_effect(self._made(command, [ack]), False, None)

    def take_back(self, promise: Promise) -> None:
        """Refuse a command that is already stored; the refusal is sent once it is stored too."""
        command = promise.one.trigger
        assert isinstance(command, Command)
        made = self._made(command, [rejected(command, "storage", OVERTAKEN)])
        made.words, made.quick = made.quick, []
        self._take_effect(made, False, promise.made)

    def too_many(self) -> Refusal:
        """Reason and detail for a command that is one too many."""
        return ("storage", CROWDED) if self._storage.slow else ("overloaded", OVERLOADED)

    def overtaken(self) -> Refusal:
        """Reason and detail for a waiting command that a newer one withdraws."""
        return "storage" if self._storage.slow else "overloaded", OVERTAKEN

    def _count(self) -> None:
        self._turned_away += 1
        if not self._told:
            self._told = True
            log.warning("too many commands arrive: the newest are answered with `overloaded`")
            asyncio.get_running_loop().call_later(EVERY_S, self._look)

    def _look(self) -> None:
        count, self._turned_away = self._turned_away, 0
        if not count:
            self._told = False
            return
        log.warning("%d commands were answered with `overloaded` within %g s", count, EVERY_S)
        asyncio.get_running_loop().call_later(EVERY_S, self._look)
