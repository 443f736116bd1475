"""Letters wait where the link is down, and leave in the order in which they were written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from venctl import outbox
from venctl.journal import Journal, connect
from venctl.outbox import ABREAST, Outbox


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


async def test_letters_that_came_back_from_a_lost_link_keep_their_order(tmp_path: Path) -> None:
    journal, wire = Journal(connect(tmp_path / "journal.db")), Wire()
    letters = Outbox(journal, wire.publish)
    sending = asyncio.create_task(letters.run())
    count = 2 * ABREAST
    for n in range(1, count + 1):
        letters.put(n, "status", {"n": n}, lambda: None)
    async with asyncio.timeout(10):
        while wire.tried < ABREAST:
            await asyncio.sleep(0)
        wire.lost.set()
        while len(letters):
            letters.resume()
            await asyncio.sleep(0)
    assert wire.arrived == list(range(1, count + 1))
    sending.cancel()
    journal.close()


async def test_the_oldest_status_message_gives_way_when_too_many_wait(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(outbox, "MOST", 3)
    letters = Outbox(Journal(connect(tmp_path / "journal.db")), Wire().publish)
    for n, kind in enumerate(["ack", "status", "ack", "ack"], start=1):
        letters.put(n, kind, {"n": n}, lambda: None)
    assert [letter.seq for letter in letters._letters] == [1, 3, 4]
