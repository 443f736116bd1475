"""Carries out a decision: deeds at once, words once they are stored or cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from statemachine.decide.copies import with_earlier_answer
from statemachine.journal.answers import Answer, Answers
from statemachine.journal.retention import must_keep
from statemachine.state.effects import Ack, Effect
from statemachine.state.memory import Memory
from statemachine.state.triggers import Command, Trigger

from ..store.journal import Batch
from ..store.storage import Storage
from .decision import HERE, Decision, OutgoingMessage, mark_unstored
from .waker import Waker

Perform = Callable[[Effect, int | None], None]
Asked = asyncio.Future[Mapping[str, Any]]


class EffectRunner:
    """`perform` carries out everything except Wakes and the acks of local commands; it gets acks
    and status messages with their number.
    """

    def __init__(self, storage: Storage, answers: Answers, waker: Waker, perform: Perform) -> None:
        self.answers = answers
        self._storage, self._waker, self._perform = storage, waker, perform
        self._asked: dict[str, Asked] = {}
        self._replies = count(1)

    def asks(self, command: Command) -> tuple[Command, Asked]:
        """Register a local command; returns it with a reply id, and its future ack."""
        reply = f"{HERE}{next(self._replies)}"
        self._asked[reply] = answer = asyncio.get_running_loop().create_future()
        return replace(command, reply=reply), answer

    def learn(self, answered: Iterable[Answer]) -> None:
        """Add earlier answers from the journal."""
        self.answers = Answers([*answered, *self.answers.rows()])

    def known(self, trigger: Trigger, memory: Memory) -> Trigger:
        """Add to a command the answer to its first copy."""
        if not isinstance(trigger, Command):
            return trigger
        earlier = self.answers.earlier(trigger)
        return with_earlier_answer(trigger, earlier, memory, self._storage.unknown)

    def carry_out(self, made: Decision, stored: bool, instead: Decision | None) -> None:
        """Act, store and send. `stored`: the promise is already on disk.

        `instead` is a stored decision that did not take effect, to be corrected on disk.
        """
        self._say(made.quick, True)
        if stored:
            self._say(made.words, True)
        self._remember(made)
        for deed in made.deeds:
            self._perform(deed, None)
        if made.wake is not None:
            self._waker.set(made.wake.at_ms)
        if instead is not None or not stored:
            self._keep(made, instead, [] if stored else made.words)

    def turn_away(self, ack: Ack) -> None:
        """Refuse a command that is one too many: nothing was decided, so nothing is stored."""
        number = None if ack.reply.startswith(HERE) else self._storage.letter()
        self._say([(ack, number)], True)

    def _remember(self, made: Decision) -> None:
        gone = self.answers.keep(made.answers, made.trigger.at_ms)
        if gone:
            self._storage.keep(Batch(gone=gone))

    def _keep(
        self, made: Decision, instead: Decision | None, words: Sequence[OutgoingMessage]
    ) -> None:
        lasting = must_keep(made.trigger, made.before, made.after, made.effects)
        if instead is None and not lasting:
            self._say(words, True)
            return
        self._storage.keep(made.batch(instead), partial(self._say, words) if words else None)

    def _say(self, words: Sequence[OutgoingMessage], stored: bool) -> None:
        for message, number in words if stored else mark_unstored(words):
            answer = self._asked.pop(message.reply, None) if isinstance(message, Ack) else None
            if answer is None:
                self._perform(message, number)
            elif isinstance(message, Ack) and not answer.done():
                answer.set_result(message.body)
