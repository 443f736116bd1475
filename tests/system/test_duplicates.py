"""T5: a line that doubles, delays and swaps commands, and a controller that dies among them.

What has an id or a date of its own comes twice at any time, all else only after a connect.

The real runtime, journal and outbox in simulated time; a seed says everything that happens.
SEEDS=10000 runs as many, SEED=17 begins there.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest

from statemachine import Ven
from statemachine.journal.answers import Answers
from statemachine.state.effects import Ack, Effect, Hold, Status, Switch
from statemachine.state.memory import Memory
from statemachine.state.parts import to_parts
from statemachine.state.triggers import (
    Connected,
    Disconnected,
    DrEvent,
    Held,
    Readings,
    Restarted,
    Switched,
    Timer,
    Trigger,
)
from statemachine.wire.commands import Origin, parse_command
from tests.kit.core.sample_sites import MAPLE, NOW_MS, site
from tests.kit.simulated import storing
from tests.kit.simulated.storing import AtOnce, Disk
from venctl.base import time_slice
from venctl.runtime.runtime import Runtime
from venctl.store.journal import Batch
from venctl.store.outbox import Outbox

SEEDS, FIRST = int(os.environ.get("SEEDS", "200")), int(os.environ.get("SEED", "1"))
SITE = site(MAPLE.replace("sim:", "restore: {every: 300 ms}\nsim:"))
COMMANDS, SPREAD_MS, LATE_MS, END_MS = 14, 60_000, 5_000, 300_000
COPIES, DEATHS, LOSSES = 0.1, 0.02, 0.02
DONE = ("accepted", "scheduled", "success")
ENOUGH = 60  # turns of the loop in which the outbox sends what it has


class Died(BaseException):
    """The process is gone, between the commit and one of its deeds."""


class Controller:
    """One life of the process, on a journal that outlives it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.runtime, self.storage = storing.life(world.disk, Ven(SITE), self._perform, AtOnce())
        self.runtime.stop()  # the world's clock rings, not this machine's
        self.outbox = Outbox(self.storage.sent, self._publish)
        self.storage.whole = self._whole
        self.outbox.add(world.disk.found().todo)
        self.pubacks: dict[str, Callable[[], None]] = {}
        self._sending = asyncio.create_task(self.outbox.run())
        self.outbox.resume(True)
        self.alive = True

    def _whole(self) -> Batch:
        batch = self.runtime.everything()
        batch.letters = self.outbox.unsent()
        return batch

    def die(self) -> None:
        self.alive = False
        self._sending.cancel()

    def _perform(self, effect: Effect, number: int | None) -> None:
        if self._world.deadly and self._world.dice.random() < DEATHS:
            raise Died
        match effect:
            case Ack(reply, body) if number is not None:
                self.outbox.put(number, "ack", body, partial(self._puback, reply))
            case Status(body) if number is not None:
                self.outbox.put(number, "status", body, lambda: None)
            case Hold(circuit, watts):
                said = {"circuit": circuit, "watts": watts, "fault": None}
                self._world.after_a_moment(self, lambda stamps: Held(**stamps, **said))
            case Switch(circuit, enabled):
                done = {"circuit": circuit, "enabled": enabled, "fault": None}
                self._world.after_a_moment(self, lambda stamps: Switched(**stamps, **done))

    def _puback(self, reply: str) -> None:
        if self.alive:
            self.pubacks.pop(reply)()

    async def _publish(self, kind: str, body: Mapping[str, Any]) -> None:
        if not self.alive:
            raise OSError("nobody is there any more")
        self._world.publish(kind, body)


class World:
    """A backend, a line, a broker that sends again what was not acknowledged, and a clock."""

    def __init__(self, seed: int) -> None:
        self.dice, self.now_ms = random.Random(seed), NOW_MS
        self.disk = Disk()
        self.todo: list[tuple[int, int, Callable[[], None]]] = []
        self.order, self.replies = count(), count(1)
        self.sent: dict[str, bytes] = {}
        self.under_way: dict[int, str] = {}
        self.delivered: set[int] = set()
        self.published: Counter[str | tuple[str, str]] = Counter()
        self.deliveries = self.lives = self.unsure = 0
        self.up = True
        self.deadly = False
        self.born()

    def born(self) -> None:
        self.controller, self.deadly = Controller(self), False
        self.lives += 1
        self.step(Restarted(**self.stamps(), boot="boot"))
        self.read()
        if self.up:
            self.step(Connected(**self.stamps()))
        self.deadly = True

    def after_a_moment(self, asked: Controller, answer: Callable[[Any], Trigger]) -> None:
        """A driver answers who asked it, if he still lives."""
        at_ms = self.now_ms + self.dice.choice((5, 100, 900))
        self.at(at_ms, lambda: asked.alive and self.step(answer(self.stamps())))

    def stamps(self) -> dict[str, int]:
        return {"at_ms": self.now_ms, "mono_ms": self.now_ms}

    def step(self, trigger: Trigger) -> bool:
        """One decision; False if the process died of it and another one lives."""
        try:
            self.controller.runtime.step(trigger)
        except Died:
            self.controller.die()
            self.born()
            self.send_again()
            return False
        return True

    def read(self) -> None:
        drawn = {}
        for id, live in self.controller.runtime.memory.circuits.items():
            rated_w = SITE.circuits[id].rated
            held_w = rated_w if live.held_w is None else live.held_w
            drawn[id] = min(rated_w, held_w) if live.enabled else 0
        self.step(Readings(**self.stamps(), drawn_w=drawn, unmetered_w=SITE.site.unmetered))

    # -- the line -----------------------------------------------------------------------------

    def at(self, at_ms: int, deed: Callable[[], None]) -> None:
        heapq.heappush(self.todo, (at_ms, next(self.order), deed))

    def send(self, correlation: str) -> None:
        """A command: up to 5 s late, and now and then twice."""
        said = json.loads(self.sent[correlation])
        known = "issued_at" in said or said["op"] == "event"
        for _ in range(2 if known and self.dice.random() < COPIES else 1):
            late_ms = self.dice.randrange(LATE_MS)
            self.at(self.now_ms + late_ms, partial(self.arrive, next(self.order), correlation))

    def arrive(self, number: int, correlation: str) -> None:
        self.under_way[number] = correlation
        self.deliver(number)

    def deliver(self, number: int) -> None:
        """One delivery, if it is still owed and the link is there."""
        if not self.up or number not in self.under_way:
            return
        self.step(Timer(**self.stamps()))
        correlation, reply = self.under_way[number], f"mqtt:{next(self.replies)}"
        door = Origin("operator", reply, self.now_ms, self.now_ms)
        command = parse_command(self.sent[correlation], SITE.site.id, door)
        life = self.controller
        earlier = Answers(self.disk.found().answered).earlier(command)
        again = number in self.delivered or command.issued_ms or isinstance(command, DrEvent)
        copy = again and earlier is not None and earlier.digest.startswith(command.digest)
        self.delivered.add(number)
        before = known(life.runtime.memory)
        life.pubacks[reply] = partial(self.acknowledged, number)
        self.deliveries += 1
        if self.step(command) and copy:
            assert known(life.runtime.memory) == before, f"a copy of {command} changes nothing"

    def publish(self, kind: str, body: Mapping[str, Any]) -> None:
        """Goes out, or does not; where the link is lost just then, nobody here knows which."""
        lost = self.up and self.dice.random() < LOSSES
        if lost:
            self.lose_the_link()
        if self.up or (lost and self.dice.random() < 0.5):
            self.unsure += lost and kind == "ack"
            what = body["correlationId"] if kind == "ack" else (body["event_id"], body["state"])
            self.published[what] += 1
        if not self.up:
            raise OSError("the link is down")

    def acknowledged(self, number: int) -> None:
        """A PUBACK. One for a delivery of an earlier connection goes nowhere."""
        if self.up and (correlation := self.under_way.pop(number, None)) is not None:
            assert self.published[correlation], "the PUBACK comes after the ack"

    def send_again(self) -> None:
        """In the order of the first time, as a broker does on a connection of the same session."""
        for number in self.under_way:
            self.at(self.now_ms, partial(self.deliver, number))

    def lose_the_link(self) -> None:
        if not self.up:
            return
        self.up = False
        self.step(Disconnected(**self.stamps()))
        self.at(self.now_ms + self.dice.randrange(8_000), self.find_the_link)

    def find_the_link(self) -> None:
        back, self.up = not self.up, True
        if back:
            self.step(Connected(**self.stamps()))
        self.controller.outbox.resume(True)
        self.send_again()

    # -- time ---------------------------------------------------------------------------------

    async def pass_to(self, until_ms: int) -> None:
        """Everything due until then, in its order; the controller is woken when it asked to be."""
        while True:
            due_ms = self.controller.runtime.memory.due_ms()
            next_ms = self.todo[0][0] if self.todo else until_ms + 1
            if due_ms is not None and due_ms <= min(next_ms, until_ms):
                self.now_ms = max(self.now_ms, due_ms)
                self.step(Timer(**self.stamps()))
            elif next_ms <= until_ms:
                self.now_ms = max(self.now_ms, next_ms)
                heapq.heappop(self.todo)[2]()
            else:
                break
            await self.breathe()
        self.now_ms = until_ms

    async def breathe(self) -> None:
        for _ in range(ENOUGH):
            if not self.controller.outbox or not self.up:
                break
            await asyncio.sleep(0)

    # -- what was decided, from the journal ---------------------------------------------------

    def decided(self) -> Iterator[tuple[str, dict[str, Any], list[tuple[str, dict[str, Any]]]]]:
        """Each decision: the trigger's kind and fields, and its effects likewise."""
        for trigger, effects in self.disk.db.execute("SELECT trigger, effects FROM decision"):
            kind, _, fields = trigger.partition(" ")
            lines = [line.partition(" ") for line in effects.splitlines()]
            yield kind, json.loads(fields), [(word, json.loads(rest)) for word, _, rest in lines]


def known(memory: Memory) -> dict[str, Any]:
    """All of it, but that the queue is not empty yet."""
    return to_parts(replace(memory, draining=None))


def commands(dice: random.Random) -> Iterator[dict[str, Any]]:
    """What a backend may ask in a minute, each with a correlation of its own."""
    for number in range(COMMANDS):
        common = {"correlationId": f"c{number}"}
        event = {"event_id": dice.choice(["e1", "e2", "e3"])}
        match dice.randrange(8):
            case 0 | 1 | 2:
                shed = {"shed_kw": dice.choice([0.5, 1, 2, 9]), "duration_sec": dice.randint(1, 40)}
                begins = {"start_ts": NOW_MS // 1000 + dice.randint(1, 90)}
                later = begins if dice.random() < 0.4 else {}
                revision = {"revision": dice.randrange(3)}
                yield {"op": "event", **common, **event, **shed, **later, **revision}
            case 3:
                yield {"op": "restore", **common}
            case 4:
                yield {"op": dice.choice(["restore", "cancel"]), **common, **event}
            case 5 | 6:
                load = {"loadId": dice.choice(list(SITE.circuits)), "enabled": dice.random() < 0.5}
                yield {"op": "setLoad", **common, **load}
            case _:
                yield {"op": "ping", **common}


async def life(seed: int) -> World:
    """Five minutes, of which the first is busy."""
    world = World(seed)
    for said in commands(world.dice):
        correlation = said["correlationId"]
        at_ms = NOW_MS + world.dice.randrange(SPREAD_MS)
        dated = {"issued_at": at_ms / 1000} if world.dice.random() < 0.5 else {}
        world.sent[correlation] = json.dumps({**said, **dated}).encode()
        world.at(at_ms, partial(world.send, correlation))
    for _ in range(world.dice.randrange(4)):
        world.at(NOW_MS + world.dice.randrange(SPREAD_MS), world.lose_the_link)
    await world.pass_to(NOW_MS + END_MS // 2)
    world.find_the_link()
    await world.pass_to(NOW_MS + END_MS)
    await world.breathe()
    world.controller.die()
    return world


def executed(world: World) -> list[tuple[int, str]]:
    """Every command that was carried out, as often as it was, in order: when, and which."""
    return [
        (fields["at_ms"], body["correlationId"])
        for kind, fields, effects in world.decided()
        for word, said in effects
        if word == "Ack" and (body := said["body"])["status"] in DONE and body["op"] != "ping"
    ]


def stories(world: World) -> set[tuple[str, str]]:
    """What is to be told of the events: which, and the word for what became of it."""
    return {
        (said["body"]["event_id"], said["body"]["state"])
        for _, _, effects in world.decided()
        for word, said in effects
        if word == "Status"
    }


async def on_a_good_line(heard: list[tuple[int, str]], sent: Mapping[str, bytes]) -> Runtime:
    """A controller that heard each command once, at the times at which they were carried out."""
    runtime, _ = storing.life(Disk(), Ven(SITE), lambda *_: None, AtOnce())
    rated = {id: one.rated if one.enabled else 0 for id, one in SITE.circuits.items()}
    stamps = {"at_ms": NOW_MS, "mono_ms": NOW_MS}
    runtime.step(Restarted(**stamps, boot="boot"))
    runtime.step(Readings(**stamps, drawn_w=rated, unmetered_w=SITE.site.unmetered))
    for at_ms, correlation in [*heard, (NOW_MS + END_MS, "")]:
        while (due_ms := runtime.memory.due_ms()) is not None and due_ms <= at_ms:
            runtime.step(Timer(at_ms=due_ms, mono_ms=due_ms))
        if correlation:
            door = Origin("operator", "", at_ms, at_ms)
            runtime.step(parse_command(sent[correlation], SITE.site.id, door))
    return runtime


async def check(seed: int) -> Counter[str]:
    world = await life(seed)
    heard = executed(world)
    assert all(n == 1 for n in Counter(name for _, name in heard).values()), "once"
    switches = Counter(
        fields["correlation"]
        for kind, fields, effects in world.decided()
        for word, _ in effects
        if word == "Switch" and kind == "Toggle"
    )
    most = world.lives  # who dies before it is answered is told again
    assert all(n <= most for n in switches.values()), "switched once in a life"
    assert set(world.published) == set(world.sent) | stories(world), "nothing to say is lost"
    assert not world.under_way, "every delivery is acknowledged to the broker"
    if world.lives == 1:
        acks = sum(world.published[correlation] for correlation in world.sent)
        assert acks == world.deliveries + world.unsure, "an ack for every delivery"
    memory = world.controller.runtime.memory
    other = (await on_a_good_line(heard, world.sent)).memory
    assert not memory.events and not other.events, "every event is over"
    assert not any(live.held_w is not None for live in memory.circuits.values()), "all load is back"
    ends = [{id: live.enabled for id, live in one.circuits.items()} for one in (memory, other)]
    assert ends[0] == ends[1], "the end is the same"
    return Counter(deliveries=world.deliveries, lives=world.lives, executed=len(heard))


def test_nothing_is_executed_twice_no_ack_is_lost_and_the_end_is_that_of_a_good_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        time_slice, "SLICE_S", 3_600.0
    )  # the world's clock counts, not this machine's
    totals: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + SEEDS):
        try:
            totals += asyncio.run(check(seed))
        except AssertionError as error:
            raise AssertionError(f"SEED={seed} SEEDS=1: {error}") from error
    print(f"\n{SEEDS} seeds: {dict(totals)}")
