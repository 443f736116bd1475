"""One decision on its way from the core: what it does, what it says, what is stored of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from statemachine.journal.answers import Answer, rows_of
from statemachine.state.effects import Ack, Effect, Report, Status, Wake
from statemachine.state.memory import Memory
from statemachine.state.triggers import Get, Ping, Trigger

from ..store.journal import Batch

HERE = "here:"  # how the reply of a command begins that waits in this program
NOBODY = "nobody"  # the reply of a command that was answered before
Said = Ack | Status | Report
Word = tuple[Said, int | None]


@dataclass(slots=True)
class Decision:
    """What was known, what happened, what is known now and what follows.

    Of the effects `deeds` are done, and `words` are said, a letter with its number. What commits
    to nothing, a refusal or a pong, is said at once; all else is stored before it is said.
    """

    trigger: Trigger
    before: Memory
    after: Memory
    effects: Sequence[Effect]
    answers: list[Answer] = field(default_factory=list)
    quick: list[Word] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    deeds: list[Effect] = field(default_factory=list)

    @property
    def wake(self) -> Wake | None:
        """When to look again, where that changes."""
        return next((one for one in self.effects if isinstance(one, Wake)), None)

    def batch(self, instead: Decision | None = None) -> Batch:
        """What to store. `instead`: of a decision that was stored and did not come true."""
        letters = [
            (number, "ack" if isinstance(said, Ack) else "status", said.body)
            for said, number in self.words
            if number is not None and not isinstance(said, Report)
        ]
        batch = Batch(self.after, [(self.trigger, self.effects)], self.answers, letters=letters)
        if instead is not None:
            kept = {row[0] for row in self.answers}
            batch.gone = [row[0] for row in instead.answers if row[0] not in kept]
            batch.sent = [number for _, number in instead.words if number is not None]
        return batch


def decision(
    trigger: Trigger,
    before: Memory,
    after: Memory,
    effects: Sequence[Effect],
    letter: Callable[[], int],
) -> Decision:
    """Sort what follows from a decision; `letter` gives the number of the next letter."""
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


def knows_nothing(made: Decision) -> bool:
    """Whether it refuses only because no such event is known."""
    return any(
        isinstance(said, Ack) and said.body.get("reason") == "not_found" for said, _ in made.quick
    )


def _commits_to_nothing(trigger: Trigger, ack: Ack) -> bool:
    return isinstance(trigger, Ping | Get) or ack.body["status"] in ("rejected", "duplicate")


def unstored(words: Sequence[Word]) -> Iterator[Word]:
    """The same words, where nothing of it is on disk: an ack says so."""
    for said, number in words:
        if isinstance(said, Ack):
            said = replace(said, body={**said.body, "stored": False})
        yield said, number
