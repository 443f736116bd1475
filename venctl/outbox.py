"""Acks and status messages on their way out: in order, once the link is there, from the journal."""

from __future__ import annotations

import asyncio
import logging
from bisect import insort
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .tables import Letter

log = logging.getLogger(__name__)
Publish = Callable[[str, Mapping[str, Any]], Awaitable[None]]
MOST = 1_000
ABREAST = 16
RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class _Letter:
    seq: int
    kind: str
    body: Mapping[str, Any]
    then: Callable[[], None]


def _nothing() -> None:
    pass


class Outbox:
    """Bounded, and as durable as the journal: what was not sent before a crash is sent after it.

    `sent` hears the number of each letter that need not be kept any longer. `publish` sends at
    once; what it returns raises OSError while the link is down. The letter then waits for
    `resume`, or for its next try, since a broker may also be silent while the link is up. It ends
    well once the broker has the letter, or does not allow it and never will.
    """

    def __init__(self, sent: Callable[[int], None], publish: Publish) -> None:
        self._sent, self._publish = sent, publish
        self._letters: list[_Letter] = []
        self._wake = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        self._sending: dict[asyncio.Task[bool], _Letter] = {}

    def __len__(self) -> int:
        return len(self._letters) + len(self._sending)

    def add(self, letters: Iterable[Letter]) -> None:
        """Letters of an earlier run that are not known to have gone out."""
        for seq, kind, body in letters:
            insort(self._letters, _Letter(seq, kind, body, _nothing), key=lambda one: one.seq)

    def unsent(self) -> list[Letter]:
        """Every letter that is not known to have gone out."""
        waiting = [*self._sending.values(), *self._letters]
        return [(one.seq, one.kind, one.body) for one in waiting]

    def put(self, seq: int, kind: str, body: Mapping[str, Any], then: Callable[[], None]) -> None:
        """Send `body` when its turn comes; `then` is called once the broker has it."""
        self._letters.append(_Letter(seq, kind, body, then))
        if len(self._letters) > MOST:
            dropped = next((x for x in self._letters if x.kind == "status"), self._letters[0])
            self._letters.remove(dropped)
            self._sent(dropped.seq)
        self._pump()

    def resume(self) -> None:
        """The link is up."""
        self._wake.set()

    async def run(self) -> None:
        """Send, for ever. Letters leave in order, up to sixteen acks of them abreast."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._pump()

    def _pump(self) -> None:
        while self._letters and len(self._sending) < self._room():
            letter = self._letters.pop(0)
            try:
                sent = self._publish(letter.kind, letter.body)
            except Exception:
                log.exception("kept for later: %s", letter)
                self._keep(letter)
                return
            task = asyncio.create_task(self._see_off(letter, sent))
            self._sending[task] = letter
            task.add_done_callback(self._done)

    def _room(self) -> int:
        """Who asked hears first: a status message sets out once all before it has arrived."""
        return ABREAST if self._letters[0].kind == "ack" else 1

    def _done(self, task: asyncio.Task[bool]) -> None:
        self._sending.pop(task, None)
        if not task.cancelled() and task.result():
            self._pump()

    def _keep(self, letter: _Letter) -> None:
        insort(self._letters, letter, key=lambda one: one.seq)
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._wake.set()

    async def _see_off(self, letter: _Letter, sent: Awaitable[None]) -> bool:
        try:
            await sent
        except OSError as error:
            log.debug("kept for later: %s", error)
            self._keep(letter)
            return False
        self._sent(letter.seq)
        letter.then()
        return True
