"""Commands that wait for an earlier one to be stored or decided, to keep their order.

A broker limits how many messages it sends before the first is answered. A command that restores
load may be behind them all, so only a few may wait for a slow disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from statemachine.journal.promises import withdraws
from statemachine.site.spec import Spec

from .decision import Decision
from .queue import FEW, Queue, QueuedTrigger

GIVE_S = 0.2  # a command that restores load does not wait longer for the disk
PROMISE_S = 20.0  # for a slow disk that still makes progress


@dataclass(slots=True)
class Promise:
    """A decision that is being stored, and takes effect once it is.

    `overtaken`: its request was withdrawn meanwhile.
    """

    one: QueuedTrigger
    made: Decision
    overtaken: bool = False


class WaitingLine:
    """A queue with a limited waiting time.

    Commands wait for `promise`, if there is one. `late` is called for each that has waited a moment
    and may be able to proceed, and with True for each that has waited long enough.
    """

    def __init__(self, late: Callable[[QueuedTrigger, bool], None]) -> None:
        self._late = late
        self._queue = Queue()
        self.promise: Promise | None = None

    def __bool__(self) -> bool:
        return bool(self._queue)

    def __iter__(self) -> Iterator[QueuedTrigger]:
        return iter(self._queue)

    def join(self, entry: QueuedTrigger) -> None:
        """Wait in order of arrival; for a command that comes back, the waiting time goes on."""
        if entry.timer is None:
            self._time(entry, PROMISE_S if entry.patient else GIVE_S)
        self._queue.join(entry, _loop_s())

    def next(self) -> QueuedTrigger:
        """The next command. Its waiting time goes on, because it may have to come back."""
        return self._queue.next()

    def drop(self, entry: QueuedTrigger) -> None:
        """Remove a command, if it waits, and stop its timer."""
        self._queue.drop(entry)
        if entry.timer is not None:
            entry.timer.cancel()

    def crowd(self) -> list[QueuedTrigger]:
        """Commands behind the first few, once the first has waited a moment."""
        first = next(iter(self._queue), None)
        return self._queue.behind(FEW) if first is not None and first.late else []

    def too_many(self) -> list[QueuedTrigger]:
        """Commands from the broker that are too many to decide."""
        return self._queue.too_many(_loop_s())

    def overtaken(self, spec: Spec, by: QueuedTrigger) -> list[QueuedTrigger]:
        """Earlier commands that `by` withdraws; marks the promise if it is one of them."""
        first = [] if self.promise is None else [self.promise.one]
        earlier = [*first, *(entry for entry in self._queue if entry.place < by.place)]
        withdrawn = [entry for entry in earlier if withdraws(spec, by.trigger, entry.trigger)]
        if self.promise is not None and self.promise.one in withdrawn:
            self.promise.overtaken = True
        return withdrawn

    def _time(self, entry: QueuedTrigger, wait_s: float) -> None:
        entry.timer = asyncio.get_running_loop().call_later(wait_s, self._leave, entry)

    def _leave(self, entry: QueuedTrigger) -> None:
        if entry not in self._queue:
            return
        self._queue.drop(entry)
        last, entry.late = entry.late or entry.patient, True
        if not last:
            self._time(entry, PROMISE_S - GIVE_S)
        self._late(entry, last)


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
