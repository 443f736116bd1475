"""Who is told no, and why. Of what was asked nothing is done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from statemachine.journal.promises import CROWDED, OVERLOADED, OVERTAKEN
from statemachine.state.effects import Effect
from statemachine.state.triggers import Command
from statemachine.wire.messages import rejected

from ..store.storage import Storage
from .decision import Decision
from .line import Promise
from .performing import Performing

log = logging.getLogger(__name__)
EVERY_S = 10.0


class Refusals:
    """`made` sorts what is said; `take_effect` carries it out, in place of what was stored if any.

    Who is one too many is told so and nothing else happens: no commit, and no line in the log but
    how many there were.
    """

    def __init__(
        self,
        storage: Storage,
        performing: Performing,
        made: Callable[[Command, Sequence[Effect]], Decision],
        take_effect: Callable[[Decision, bool, Decision | None], None],
    ) -> None:
        self._storage, self._performing = storage, performing
        self._made, self._take_effect = made, take_effect
        self._turned_away = 0
        self._told = False

    def answer(self, command: Command, reason: str, detail: str) -> None:
        """Say no to one command."""
        ack = rejected(command, reason, detail)
        if reason == "overloaded":
            self._count()
            self._performing.turn_away(ack)
        else:
            self._take_effect(self._made(command, [ack]), False, None)

    def take_back(self, promise: Promise) -> None:
        """Say no to what is on disk already; said once the disk knows that, too."""
        command = promise.one.trigger
        assert isinstance(command, Command)
        made = self._made(command, [rejected(command, "storage", OVERTAKEN)])
        made.words, made.quick = made.quick, []
        self._take_effect(made, False, promise.made)

    def too_many(self) -> tuple[str, str]:
        """Reason and detail for who waits while more come than can be decided."""
        return ("storage", CROWDED) if self._storage.slow else ("overloaded", OVERLOADED)

    def overtaken(self) -> tuple[str, str]:
        """The same for who waited, and a newer command took back what he asked for."""
        return "storage" if self._storage.slow else "overloaded", OVERTAKEN

    def _count(self) -> None:
        self._turned_away += 1
        if not self._told:
            self._told = True
            log.warning("more commands come than can be decided: the newest hear `overloaded`")
            asyncio.get_running_loop().call_later(EVERY_S, self._look)

    def _look(self) -> None:
        count, self._turned_away = self._turned_away, 0
        if not count:
            self._told = False
            return
        log.warning("%d commands were answered `overloaded` within %g s", count, EVERY_S)
        asyncio.get_running_loop().call_later(EVERY_S, self._look)
