"""One decision of the core: what it does, what it sends, and what of it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from statemachine.journal.answers import Answer, rows_of
from statemachine.state.effects import Ack, Effect, Report, Status, Wake
from statemachine.state.memory import Memory
from statemachine.state.triggers import Get, Ping, Trigger

from ..store.journal import Batch

HERE = "here:"  # start of the reply id of a command that waits in this program
NOBODY = "nobody"  # the reply id of a command that was already answered
Said = Ack | Status | Report
OutgoingMessage = tuple[Said, int | None]


@dataclass(slots=True)
class Decision:
    """The memory before, the trigger, the memory after, and the effects.

    Of the effects, `deeds` are carried out and `words` are sent, messages with their number.
    `quick` words commit to nothing, such as a refusal or a pong, and are sent at once; all others
    are stored before they are sent.
    """

    trigger: Trigger
    before: Memory
    after: Memory
    effects: Sequence[Effect]
    answers: list[Answer] = field(default_factory=list)
    quick: list[OutgoingMessage] = field(default_factory=list)
    words: list[OutgoingMessage] = field(default_factory=list)
    deeds: list[Effect] = field(default_factory=list)

    @property
    def wake(self) -> Wake | None:
        """The new time to wake up; None if it has not changed."""
        return next((effect for effect in self.effects if isinstance(effect, Wake)), None)

    def batch(self, instead: Decision | None = None) -> Batch:
        """What to store. `instead` is a stored decision without effect, which this replaces."""
        letters = [
            (number, "ack" if isinstance(message, Ack) else "status", message.body)
            for message, number in self.words
            if number is not None and not isinstance(message, Report)
        ]
        batch = Batch(self.after, [(self.trigger, self.effects)], self.answers, letters=letters)
        if instead is not None:
            kept = {row[0] for row in self.answers}
            batch.gone = [row[0] for row in instead.answers if row[0] not in kept]
            batch.sent = [number for _, number in instead.words if number is not None]
        return batch


def sort_decision(
    trigger: Trigger,
    before: Memory,
    after: Memory,
    effects: Sequence[Effect],
    letter: Callable[[], int],
) -> Decision:
    """Sort the effects of a decision; `letter` returns the number of the next queued message."""
    made = Decision(trigger, before, after, effects)
    for effect in effects:
        match effect:
            case Ack(reply=reply) if reply == NOBODY:
                pass
            case Ack(reply=reply):
                made.answers += rows_of([effect], trigger.at_ms)
                number = None if reply.startswith(HERE) else letter()
                (made.quick if _commits_to_nothing(trigger, effect) else made.words).append(
                    (effect, number)
                )
            case Status():
                made.words.append((effect, letter()))
            case Report():
                made.words.append((effect, None))
            case Wake():
                pass
            case _:
                made.deeds.append(effect)
    return made


def refuses_unknown_event(made: Decision) -> bool:
    """Whether it refuses because the event is not known."""
    return any(
        isinstance(message, Ack) and message.body.get("reason") == "not_found"
        for message, _ in made.quick
    )


def _commits_to_nothing(trigger: Trigger, ack: Ack) -> bool:
    return isinstance(trigger, Ping | Get) or ack.body["status"] in ("rejected", "duplicate")


def mark_unstored(words: Sequence[OutgoingMessage]) -> Iterator[OutgoingMessage]:
    """The same words for a decision that is not stored; acks say so."""
    for message, number in words:
        if isinstance(message, Ack):
            message = replace(message, body={**message.body, "stored": False})
        yield message, number
