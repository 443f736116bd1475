"""Sends acks and status messages from the journal, in order, while the link is up."""

from __future__ import annotations

import asyncio
import logging
from bisect import insort
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .tables import StoredMessage

log = logging.getLogger(__name__)
Publish = Callable[[str, Mapping[str, Any]], Awaitable[None]]
MOST = 1_000  # status messages
MOST_ACKS = 5_000
ABREAST = 64
RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class _Letter:
    seq: int
    kind: str
    body: Mapping[str, Any]
    then: Callable[[], None]
    lasting: bool = True


def _nothing() -> None:
    pass


class Outbox:
    """As durable as the journal: what was not sent before a crash is sent after it.

    `sent` gets the number of each message that need not be kept any longer. `publish` sends at
    once; the awaitable it returns raises OSError while the link is down. The message then waits for
    `resume` or for a retry, because a broker may also be silent while the link is up. The awaitable
    returns once the broker has the message, or refuses it for good.

    Of the status messages, only the newest are kept. An ack is never dropped: check `full` before
    you accept a command that needs one.
    """

    def __init__(self, sent: Callable[[int], None], publish: Publish) -> None:
        self._sent, self._publish = sent, publish
        self._acks: deque[_Letter] = deque()
        self._statuses: deque[_Letter] = deque()
        self._wake = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        self._sending: dict[asyncio.Task[bool], _Letter] = {}

    def __len__(self) -> int:
        return len(self._acks) + len(self._statuses) + len(self._sending)

    @property
    def full(self) -> bool:
        """The broker has accepted no acks for so long that no more can be kept."""
        return len(self._acks) >= MOST_ACKS

    @property
    def has_no_acks(self) -> bool:
        """Every ack was passed to the link."""
        return not self._acks

    def add(self, letters: Iterable[StoredMessage]) -> None:
        """Add messages of an earlier run that are not known to be sent."""
        for seq, kind, body in letters:
            self._put(_Letter(seq, kind, body, _nothing))

    def unsent(self) -> list[StoredMessage]:
        """Every message that must be sent even after a crash, and is not known to be sent."""
        waiting = [*self._sending.values(), *self._acks, *self._statuses]
        return [(letter.seq, letter.kind, letter.body) for letter in waiting if letter.lasting]

    def put(
        self,
        seq: int,
        kind: str,
        body: Mapping[str, Any],
        then: Callable[[], None],
        lasting: bool = True,
    ) -> None:
        """Send `body` in its turn; `then` is called once the broker has it.

        Not `lasting`: the command it answers comes again after a crash, so it is not stored.
        """
        self._put(_Letter(seq, kind, body, then, lasting))
        if len(self._statuses) > MOST:
            self._sent(self._statuses.popleft().seq)
        self._pump()

    def resume(self, comes_again: bool) -> None:
        """The link is up. `comes_again`: the broker resends what has no PUBACK yet."""
        if comes_again:
            self._acks = deque(letter for letter in self._acks if letter.lasting)
        self._wake.set()

    async def run(self) -> None:
        """Send, forever: many acks at once, and status messages one at a time."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._pump()

    def _put(self, letter: _Letter) -> None:
        queue = self._acks if letter.kind == "ack" else self._statuses
        if queue and queue[-1].seq > letter.seq:
            insort(queue, letter, key=lambda queued: queued.seq)
        else:
            queue.append(letter)

    def _pump(self) -> None:
        while (letter := self._next()) is not None:
            try:
                sent = self._publish(letter.kind, letter.body)
            except Exception:
                log.exception("a message could not be sent and is kept for later: %s", letter)
                self._keep(letter)
                return
            task = asyncio.create_task(self._see_off(letter, sent))
            self._sending[task] = letter
            task.add_done_callback(self._done)

    def _next(self) -> _Letter | None:
        """The next message to send: a status message waits until all earlier acks have arrived."""
        if self._acks and len(self._sending) < ABREAST:
            return self._acks.popleft()
        if not self._statuses:
            return None
        first, under_way = self._statuses[0].seq, self._sending.values()
        before = self._acks and self._acks[0].seq < first
        if before or any(letter.kind != "ack" or letter.seq < first for letter in under_way):
            return None
        return self._statuses.popleft()

    def _done(self, task: asyncio.Task[bool]) -> None:
        self._sending.pop(task, None)
        if not task.cancelled() and task.result():
            self._pump()

    def _keep(self, letter: _Letter) -> None:
        self._put(letter)
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._wake.set()

    async def _see_off(self, letter: _Letter, sent: Awaitable[None]) -> bool:
        try:
            await sent
        except OSError as error:
            log.debug("a message is kept for later: %s", error)
            self._keep(letter)
            return False
        if letter.lasting:
            self._sent(letter.seq)
        letter.then()
        return True
