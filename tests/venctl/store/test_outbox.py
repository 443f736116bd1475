"""Letters wait where the link is down, and leave in the order in which they were written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from venctl.store import outbox
from venctl.store.outbox import ABREAST, Outbox


class Wire:
    """A link that is lost with letters on it, and then is there again."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.tried = 0
        self.arrived: list[int] = []

    async def publish(self, kind: str, body: Mapping[str, Any]) -> None:
        self.tried += 1
        if not self.lost.is_set():
            await self.lost.wait()
            raise ConnectionError("lost")
        self.arrived.append(body["n"])


async def test_a_letter_that_cannot_even_be_sent_waits_and_holds_up_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "RETRY_S", 0.0)
    sent: list[int] = []
    broken = True

    def publish(kind: str, body: Mapping[str, Any]) -> Any:
        if broken:
            raise TypeError("a bug")
        sent.append(body["n"])
        return asyncio.sleep(0)

    letters = Outbox(lambda number: None, publish)
    sending = asyncio.create_task(letters.run())
    for n in (1, 2):
        letters.put(n, "ack", {"n": n}, lambda: None)
    broken = False
    async with asyncio.timeout(10):
        while len(letters):
            await asyncio.sleep(0)
    assert sent == [1, 2]
    sending.cancel()


async def test_however_many_wait_they_are_tried_again_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "RETRY_S", 3600.0)
    loop, timers = asyncio.get_running_loop(), []
    later = loop.call_later

    def noted(delay: float, *rest: Any) -> asyncio.TimerHandle:
        timers.append(delay)
        return later(delay, *rest)

    async def publish(kind: str, body: Mapping[str, Any]) -> None:
        raise ConnectionError("down")

    monkeypatch.setattr(loop, "call_later", noted)
    letters = Outbox(lambda number: None, publish)
    for n in range(3 * ABREAST):
        letters.put(n, "ack", {"n": n}, lambda: None)
    for _ in range(10):
        await asyncio.sleep(0)
    assert timers == [3600.0] and len(letters) == 3 * ABREAST


async def deliver(letters: Outbox, wire: Wire) -> None:
    """The link is lost with as many letters on it as it takes, and then takes them all."""
    async with asyncio.timeout(10):
        while wire.tried < ABREAST:
            await asyncio.sleep(0)
        wire.lost.set()
        while len(letters):
            letters.resume(True)
            await asyncio.sleep(0)


@pytest.fixture
async def post() -> AsyncIterator[tuple[Outbox, Wire]]:
    wire = Wire()
    letters = Outbox(lambda number: None, wire.publish)
    sending = asyncio.create_task(letters.run())
    yield letters, wire
    sending.cancel()


async def test_letters_that_came_back_from_a_lost_link_keep_their_order(
    post: tuple[Outbox, Wire],
) -> None:
    letters, wire = post
    for n in range(1, 2 * ABREAST + 1):
        letters.put(n, "ack", {"n": n}, lambda: None)
    await deliver(letters, wire)
    assert wire.arrived == list(range(1, 2 * ABREAST + 1))


async def test_who_asked_hears_before_anything_is_told_of_the_event(
    post: tuple[Outbox, Wire],
) -> None:
    letters, wire = post
    for n, kind in enumerate(("ack", "status", "status", "ack"), start=1):
        letters.put(n, kind, {"n": n}, lambda: None)
    await asyncio.sleep(0)
    assert wire.tried == 2, "the status messages wait for the acks to arrive"
    wire.lost.set()
    async with asyncio.timeout(10):
        while len(letters):
            letters.resume(True)
            await asyncio.sleep(0)
    assert wire.arrived == [1, 4, 2, 3]


async def test_the_oldest_status_message_gives_way_when_too_many_wait_and_never_an_ack(
    post: tuple[Outbox, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST", 3)
    monkeypatch.setattr(outbox, "MOST_ACKS", 3)
    letters, wire = post
    kinds = ["ack"] * (ABREAST + 5) + ["status"] * 5
    for n, kind in enumerate(kinds, start=1):
        letters.put(n, kind, {"n": n}, lambda: None)
    assert letters.full, "no more is to be taken in than can be answered"
    await deliver(letters, wire)
    gone = set(range(1, len(kinds) + 1)) - set(wire.arrived)
    assert gone == {ABREAST + 6, ABREAST + 7} and not letters.full


@pytest.mark.parametrize("comes_again", [True, False])
async def test_a_refusal_is_sent_again_unless_its_command_comes_again(comes_again: bool) -> None:
    done: list[int] = []
    wire = Wire()
    letters = Outbox(done.append, wire.publish)
    sending = asyncio.create_task(letters.run())
    for n, lasting in enumerate((True, False), start=1):
        letters.put(n, "ack", {"n": n}, lambda: None, lasting)
    assert [n for n, _, _ in letters.unsent()] == [1], "the journal has nothing of it"
    async with asyncio.timeout(10):
        while wire.tried < 2:
            await asyncio.sleep(0)
        wire.lost.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        letters.resume(comes_again)
        while len(letters):
            await asyncio.sleep(0)
    assert wire.arrived == ([1] if comes_again else [1, 2]) and done == [1]
    sending.cancel()


async def test_letters_of_an_earlier_run_go_first_and_are_kept_until_they_have_gone(
    post: tuple[Outbox, Wire],
) -> None:
    letters, wire = post
    letters.put(7, "ack", {"n": 7}, lambda: None)
    letters.add([(3, "ack", {"n": 3}), (5, "status", {"n": 5})])
    assert sorted(n for n, _, _ in letters.unsent()) == [3, 5, 7]
    wire.lost.set()
    async with asyncio.timeout(10):
        while len(letters):
            letters.resume(True)
            await asyncio.sleep(0)
    assert sorted(wire.arrived) == [3, 5, 7] and not letters.unsent()
