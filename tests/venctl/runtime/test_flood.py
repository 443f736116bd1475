"""More commands than can be decided: each is answered once, and load comes back within a second.

The runtime in simulated time, over a disk that takes 5 ms a commit: a quarter of a thousand
commands a second are events, and more than it can store. FLOOD_S=60 plays a whole minute.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from statemachine.journal.promises import OVERTAKEN
from tests.kit.simulated.storing import Disk
from tests.venctl.store.test_storage import EVENT, World, played
from venctl.runtime.queue import FEW, MOST

FLOOD_S = int(os.environ.get("FLOOD_S", "3"))
COMMIT_S = 0.005
RESTORE_EVERY = 500
MIX: tuple[Callable[[int], dict[str, Any]], ...] = (
    lambda n: {"op": "ping"},
    lambda n: {"op": "setLoad", "loadId": "lights1", "enabled": n % 8 == 1},
    lambda n: {**EVENT, "event_id": f"e{n}"},
    lambda n: {"op": "get", "what": "status"},
)


class Broker:
    """Hands in what comes, a thousand a second, at most `window` of them unanswered."""

    def __init__(self, world: World, window: int) -> None:
        self._world, self._window = world, window
        self.waiting: deque[dict[str, Any]] = deque()
        self.sent_s: list[float] = []
        self.names: list[str] = []
        self.done_s: dict[str, float] = {}
        self.order: list[str] = []
        self._open: set[str] = set()
        self._hear, world._hear = world._hear, self._heard  # type: ignore[method-assign]

    async def flood(self, count: int) -> None:
        """Every thousandth of a second a command, then as long as it takes until all are heard."""
        for n in range(count):
            ends = n % RESTORE_EVERY == RESTORE_EVERY - 1
            self.publish({"op": "restore"} if ends else MIX[n % 4](n))
            await self._world.wait(0.001)
        while self.waiting or self._open:
            await self._world.wait(0.01)

    def publish(self, command: dict[str, Any]) -> None:
        self.sent_s.append(self._world.loop.time())
        self.waiting.append(command)
        self._pump()

    def _pump(self) -> None:
        while self.waiting and len(self._open) < self._window:
            name = f"c{len(self._world.asked)}"
            self.names.append(name)
            self._open.add(name)
            assert self._world.say(**self.waiting.popleft()) == name

    def _heard(self, name: str, ack: dict[str, Any]) -> None:
        self._world.acks[name].append(ack)
        self.order.append(name)
        self.done_s[name] = self._world.loop.time()
        self._open.discard(name)
        self._world.loop.call_soon(self._pump)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Circuits are not read at every step of the simulated clock."""
    monkeypatch.setattr(World, "read", lambda world: None)
    return monkeypatch


@pytest.mark.parametrize("window", [20, 100, 10**6])
def test_in_a_flood_everybody_is_answered_once_and_whoever_wants_load_back_within_a_second(
    window: int, quick: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        world.worker.seconds = COMMIT_S
        broker = Broker(world, window)
        await broker.flood(1_000 * FLOOD_S)
        place = {name: n for n, name in enumerate(broker.order)}
        overloaded = 0
        for n, name in enumerate(broker.names):
            ack, took_s = world.answer(name), broker.done_s[name] - broker.sent_s[n]
            overloaded += ack.get("reason") == "overloaded"
            if ack["op"] != "restore":
                continue
            assert ack["status"] == "success" and took_s < 1.0, (n, took_s)
            before = [one for one in broker.names[:n] if place[one] > place[name]]
            late = [world.answer(one) for one in before if world.asked[one]["op"] == "event"]
            assert all(one.get("reason") == "overloaded" for one in late), late
        assert overloaded > 100 * FLOOD_S
        assert {world.answer(name).get("reason") for name in broker.names} <= {
            *(None, "overloaded", "conflict")
        }
        assert not world.runtime.memory.events or broker.order[-1] > broker.names[-1]

    played(story, quick)


@pytest.mark.parametrize("ending", ["restore", "cancel"])
def test_an_event_that_was_taken_back_while_it_waited_never_sheds(
    ending: str, quick: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        world.worker.seconds = 0.04
        names = [world.say(**EVENT, event_id=f"e{n}") for n in range(FEW + 4)]
        back = world.say(op=ending, event_id=f"e{FEW + 3}")
        await world.wait(0.9)
        assert world.answer(back)["status"] == "success"
        taken_back = world.answer(names[-1])
        assert (taken_back["reason"], taken_back["detail"]) == ("overloaded", OVERTAKEN)
        await world.wait(2)
        assert f"e{FEW + 3}" not in world.events() and len(world.events()) == FEW + 3

    played(story, quick)


def test_a_person_at_the_site_is_heard_in_a_flood(quick: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        world.worker.seconds = COMMIT_S
        broker = Broker(world, 10**6)
        for n in range(3 * MOST):
            broker.publish(MIX[2](n))
        off = world.say("page", op="setLoad", loadId="misc1", enabled=False)
        back = world.say("page", op="restore")
        await world.wait(1)
        assert world.answer(off)["status"] == world.answer(back)["status"] == "success"
        assert not world.on["misc1"] and not world.runtime.memory.events

    played(story, quick)


def test_who_is_one_too_many_costs_no_commit(quick: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        world.worker.hangs = True
        for n in range(MOST + 1):
            world.say(**EVENT, event_id=f"e{n}")
        refused = [world.say(op="ping") for _ in range(50)]
        assert {world.answer(name)["reason"] for name in refused} == {"overloaded"}
        world.worker.let_go()
        await world.wait(3)
        logged = "\n".join(text for (text,) in decisions(world.disk))
        assert "Ping" not in logged and "overloaded" not in logged

    played(story, quick)


def decisions(disk: Disk) -> list[tuple[str]]:
    return disk.db.execute("SELECT trigger || effects FROM decision").fetchall()
