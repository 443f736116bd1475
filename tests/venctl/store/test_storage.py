"""A disk that refuses, hangs or is slow, under the real runtime, in simulated time.

A bystander keeps his own account: what was asked, what was answered, what was done to circuits, and
what the disk held at that moment. SEEDS=5000 plays as many days, SEED=17 begins there.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from statemachine import Ven
from statemachine.journal.promises import OVERTAKEN
from statemachine.state.effects import Ack, Effect, Hold, Status, Switch
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.triggers import Held, Readings, Restarted, Switched
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import MAPLE, NOW_MS, site
from tests.kit.simulated.skipping import run
from tests.kit.simulated.storing import Disk, Slow, life
from venctl.link.endpoint import RECEIVE_MAXIMUM
from venctl.runtime import runtime as runtime_module

SITE = site(MAPLE.replace("sim:", "restore: {every: 1 s, bridge: 0 s}\nsim:"))
SEEDS, FIRST = int(os.environ.get("SEEDS", "40")), int(os.environ.get("SEED", "1"))
GIVES = ("restore", "cancel", "ping", "get", "optOut")


class World:
    """One site over one disk, and whoever asks it for something."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.disk, self.worker = Disk(), Slow()
        self.asked: dict[str, dict[str, Any]] = {}
        self.acks: dict[str, list[dict[str, Any]]] = {}
        self.held: dict[str, int | None] = {}
        self.on = {id: one.enabled for id, one in SITE.circuits.items()}
        self.alive = 0
        self.restart()

    def clocks(self) -> tuple[int, int]:
        ms = round(self.loop.time() * 1000)
        return NOW_MS + ms, ms

    def restart(self) -> None:
        """The program comes up, on what the disk holds."""
        self.alive += 1
        self.runtime, self.storage = life(
            self.disk, Ven(SITE), partial(self._perform, self.alive), self.worker
        )
        at_ms, mono_ms = self.clocks()
        known = not self.storage.unknown
        self.runtime.post(Restarted(at_ms=at_ms, mono_ms=mono_ms, boot="boot", known=known))
        self.read()

    def kill(self) -> None:
        """Gone from one instruction to the next; a disk that hung writes nothing more of it."""
        self.alive += 1
        self.runtime.stop()
        self.worker.die()
        self.worker = Slow()

    def read(self) -> None:
        at_ms, mono_ms = self.clocks()
        self.runtime.post(
            Readings(at_ms=at_ms, mono_ms=mono_ms, drawn_w=self._drawn_w(), unmetered_w=3400)
        )

    def power_w(self) -> int:
        return 3400 + sum(self._drawn_w().values())

    def _drawn_w(self) -> dict[str, int]:
        return {
            id: min(one.rated, self.held.get(id) or one.rated if self.held.get(id) != 0 else 0)
            if self.on[id]
            else 0
            for id, one in SITE.circuits.items()
        }

    async def wait(self, seconds: float) -> None:
        """Time passes; circuits are read every second."""
        until_s = self.loop.time() + seconds
        while self.loop.time() < until_s:
            await asyncio.sleep(min(1.0, until_s - self.loop.time()))
            self.read()

    def say(self, source: str = "operator", **said: Any) -> str:
        """Ask for something, and confirm it; answers the name of it."""
        name = f"c{len(self.asked)}"
        said = {"confirm_operator": True, **said}
        door = Origin(source, f"mqtt:{name}", *self.clocks())
        self.asked[name] = said
        self.acks[name] = []
        self.runtime.post(command_from({"correlationId": name, **said}, SITE.site.id, door))
        return name

    def answer(self, name: str) -> dict[str, Any]:
        """The one ack of a command."""
        assert len(self.acks[name]) == 1, f"{self.asked[name]}: {self.acks[name]}"
        return self.acks[name][0]

    def events(self) -> set[str]:
        """The events that would be known after a crash now."""
        parts = self.disk.found().parts
        return {name.partition("/")[2] for name in parts if name.startswith("events/")}

    def _perform(self, alive: int, effect: Effect, number: int | None) -> None:
        if alive != self.alive:
            return
        match effect:
            case Ack(reply, body):
                assert number is not None, "an ack has a number, disk or no disk"
                self._hear(reply.partition(":")[2], dict(body))
                self.storage.sent(number)
            case Status():
                assert number is not None
                self.storage.sent(number)
            case Hold(circuit, watts):
                self.held[circuit] = watts
                self.loop.call_soon(self._did, alive, Held, {"circuit": circuit, "watts": watts})
            case Switch(circuit, enabled):
                self.on[circuit] = enabled
                said = {"circuit": circuit, "enabled": enabled}
                self.loop.call_soon(self._did, alive, Switched, said)

    def _did(self, alive: int, kind: type[Held | Switched], said: dict[str, Any]) -> None:
        """Circuits do as they are told, and say so."""
        if alive == self.alive:
            at_ms, mono_ms = self.clocks()
            self.runtime.post(kind(at_ms=at_ms, mono_ms=mono_ms, fault=None, **said))

    def _hear(self, name: str, ack: dict[str, Any]) -> None:
        if name not in self.acks:
            return
        self.acks[name].append(ack)
        asked = self.asked[name]
        if asked["op"] == "event" and ack["status"] in ("accepted", "scheduled"):
            assert ack.get("stored", True) is True or asked.get("revision"), "an event is stored"
            assert asked["event_id"] in self.events(), "before it is answered"


def played(story: Callable[[World], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Play a story in simulated time."""

    async def play() -> None:
        world = World.__new__(World)
        world.loop = asyncio.get_running_loop()
        monkeypatch.setattr(runtime_module, "clocks", world.clocks)
        world.__init__()  # type: ignore[misc]
        await story(world)

    run(play())


EVENT = {"op": "event", "shed_kw": 2, "duration_sec": 60}
TROUBLE = ("database or disk is full", "disk I/O error", "database is locked")


@pytest.mark.parametrize("why", TROUBLE)
def test_on_a_bad_disk_what_takes_load_is_refused_and_what_gives_back_is_done(
    why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        world.say(**EVENT, event_id="before")
        await world.wait(2)
        assert world.power_w() == 8_000
        world.disk.refuses = why
        takes = [
            world.say(**EVENT, event_id="after"),
            world.say(**{**EVENT, "shed_kw": 3}, event_id="before", revision=1),
            world.say(op="setLoad", loadId="misc1", enabled=False),
            world.say(op="setLoad", loadId="hvac1", enabled=True),
            world.say(op="setConfig", report_interval_seconds=10),
            world.say("page", op="setLock", loadId="misc1", locked=True),
        ]
        gives = [
            world.say(**{**EVENT, "shed_kw": 1}, event_id="before", revision=2),
            world.say("page", op="optOut", event_id="before", loadId="misc1"),
            world.say("page", op="setLoad", loadId="lights1", enabled=False),
            world.say("page", op="setLock", loadId="misc1", locked=False),
            world.say(op="restore"),
        ]
        quick = [world.say(op="ping"), world.say(op="get", what="loads")]
        await world.wait(6)
        for name in takes:
            assert world.answer(name)["reason"] == "storage", world.asked[name]
        for name in gives:
            assert world.answer(name)["stored"] is False, world.asked[name]
        assert all(world.answer(name)["status"] == "success" for name in quick)
        assert world.power_w() == 9_600 and not world.runtime.memory.events
        assert why in (world.storage.down or "")
        world.disk.refuses = None
        await world.wait(3)
        assert world.storage.down is None
        world.kill()
        world.restart()
        await world.wait(2)
        assert not world.on["lights1"] and world.power_w() == 9_600
        assert not world.runtime.memory.events, "what was refused is not done later"

    played(story, monkeypatch)


def test_a_slow_disk_delays_acks_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        world.say(**{**EVENT, "duration_sec": 3}, event_id="short")
        await world.wait(1)
        world.worker.seconds = 2.0
        later = world.say(**EVENT, event_id="later")
        reads = world.runtime.memory.read_ms
        await world.wait(1.5)
        assert world.runtime.memory.read_ms > reads and not world.acks[later]
        assert world.power_w() == 8_000, "the short event runs"
        await world.wait(1)
        assert world.answer(later)["status"] == "accepted"
        await world.wait(10)
        assert world.power_w() == 8_000, "and the later one after it"
        back = world.say(op="restore")
        await world.wait(0.3)
        assert not any(world.runtime.memory.cuts.values()), "what gives back does not wait"
        await world.wait(6)
        assert world.answer(back)["status"] == "success" and world.power_w() == 10_000

    played(story, monkeypatch)


def test_who_wants_load_back_overtakes_an_event_that_waits_for_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        world.worker.hangs = True
        first = world.say(**EVENT, event_id="first")
        second = world.say(**EVENT, event_id="second")
        scheduled = world.say(**EVENT, event_id="tomorrow", start_ts=NOW_MS // 1000 + 86_400)
        back = world.say(op="restore")
        await world.wait(0.5)
        assert world.answer(second)["detail"] == OVERTAKEN
        assert world.power_w() == 10_000
        await world.wait(1)
        assert world.answer(back)["stored"] is False
        world.worker.let_go()
        await world.wait(2)
        assert world.answer(first)["detail"] == OVERTAKEN
        assert world.answer(scheduled)["status"] == "scheduled"
        assert world.power_w() == 10_000 and world.events() == {"tomorrow"}

    played(story, monkeypatch)


@pytest.mark.parametrize("seconds", [0.06, 0.5, 2.0, 30.0])
def test_who_wants_load_back_is_heard_behind_any_number_of_events_that_wait_for_the_disk(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """A broker hands in no more than so many that are not answered."""

    async def story(world: World) -> None:
        world.say(**EVENT, event_id="base")
        await world.wait(1)
        assert world.power_w() == 8_000
        world.worker.seconds = seconds
        dates = [{"event_id": f"{n}", "start_ts": NOW_MS // 1000 + 3600 * n} for n in range(1, 61)]
        queue: list[dict[str, Any]] = [{**EVENT, **date} for date in dates]
        queue += [{"op": "restore", "event_id": "base"}, {"op": "ping"}]
        names: list[str] = []
        for _ in range(100):
            while queue and sum(not world.acks[name] for name in names) < RECEIVE_MAXIMUM:
                names.append(world.say(**queue.pop(0)))
            await world.wait(0.01)
        assert not queue and world.power_w() > 8_000, "the first of it is back within a second"
        assert world.answer(names[-1])["pong"] is True
        await world.wait(60)
        assert world.power_w() == 10_000
        assert world.answer(names[-2])["status"] == "success"
        answers = [world.answer(name) for name in names[:-2]]
        scheduled = {one["event_id"] for one in answers if one["status"] == "scheduled"}
        assert {one.get("reason") for one in answers if one["status"] != "scheduled"} == {"storage"}
        assert world.events() == scheduled and len(scheduled) >= (seconds < 10)

    played(story, monkeypatch)


def test_what_takes_less_waits_for_nobody_and_the_newest_word_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        world.say(**EVENT, event_id="base")
        world.say("page", op="setLoad", loadId="misc1", enabled=False)
        await world.wait(1)
        world.worker.hangs = True
        other = world.say(**EVENT, event_id="other", start_ts=NOW_MS // 1000 + 9_000)
        more = world.say(**{**EVENT, "shed_kw": 3}, event_id="base", revision=2)
        less = world.say(**{**EVENT, "shed_kw": 1.5}, event_id="base", revision=3)
        slower = world.say(op="setConfig", report_interval_seconds=60)
        as_it_is = world.say(op="setConfig", report_interval_seconds=5)
        on = world.say(op="setLoad", loadId="misc1", enabled=True)
        await world.wait(0.5)
        assert world.on["misc1"] and world.runtime.memory.events["base"].shed_w == 1_500
        assert world.answer(more)["detail"] == world.answer(slower)["detail"] == OVERTAKEN
        await world.wait(1)
        told = [world.answer(name) for name in (less, as_it_is, on)]
        assert [one["status"] for one in told] == ["accepted", "success", "success"]
        assert all(one["stored"] is False for one in told)
        world.worker.let_go()
        await world.wait(2)
        assert world.answer(other)["status"] == "scheduled"

    played(story, monkeypatch)


def test_on_a_disk_that_takes_its_time_commands_are_done_in_the_order_they_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        world.worker.seconds = 0.06
        first = world.say(**EVENT, event_id="first")
        back = world.say(op="restore")
        second = world.say(**EVENT, event_id="second")
        await world.wait(1)
        said = [world.answer(name)["status"] for name in (first, back, second)]
        assert said == ["accepted", "success", "accepted"]
        await world.wait(8)
        assert set(world.runtime.memory.events) == {"second"} and world.power_w() == 8_000

    played(story, monkeypatch)


def test_a_disk_that_hangs_is_trouble_and_its_last_write_counts_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        world.worker.hangs = True
        stuck = world.say(**EVENT, event_id="stuck")
        await world.wait(9)
        assert "has not answered" in (world.storage.down or "") and not world.acks[stuck]
        assert world.answer(world.say(**EVENT, event_id="no"))["reason"] == "storage"
        world.worker.let_go()
        await world.wait(2)
        assert world.answer(stuck)["status"] == "accepted" and world.power_w() == 8_000
        assert world.storage.down is None

    played(story, monkeypatch)


def test_what_could_not_be_read_at_the_start_is_in_force_once_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        world.say("page", op="setLoad", loadId="lights1", enabled=False)
        tomorrow = {"event_id": "tomorrow", "start_ts": NOW_MS // 1000 + 86_400}
        world.say(**EVENT, **tomorrow)
        world.say(**EVENT, event_id="now")
        await world.wait(1)
        world.kill()
        world.disk.unreadable = True
        world.restart()
        await world.wait(2)
        assert not world.on["lights1"], "a switch stays as a person left it"
        assert world.power_w() == 9_600, "and nothing is held"
        world.say("page", op="setLoad", loadId="misc1", enabled=False)
        assert world.answer(world.say(**EVENT, event_id="no"))["reason"] == "storage"
        await world.wait(2)
        world.disk.unreadable = False
        await world.wait(3)
        assert world.storage.down is None
        assert set(world.runtime.memory.events) == {"tomorrow", "now"}
        assert not world.on["misc1"] and not world.runtime.memory.circuits["misc1"].enabled
        assert world.answer(world.say(**EVENT, **tomorrow))["status"] == "duplicate"

    played(story, monkeypatch)


GIVEN_BACK: list[dict[str, Any]] = [
    {"op": "restore"},
    {"op": "restore", "event_id": "now"},
    {"op": "cancel", "event_id": "now"},
    {"op": "optOut", "event_id": "now"},
]


@pytest.mark.parametrize("asked", GIVEN_BACK, ids=lambda asked: " ".join(asked.values()))
def test_what_was_given_back_while_the_journal_could_not_be_read_is_not_taken_again(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    async def story(world: World) -> None:
        world.say("page", op="setLoad", loadId="misc1", enabled=False)
        world.say(**EVENT, event_id="now")
        world.say(**EVENT, event_id="tomorrow", start_ts=NOW_MS // 1000 + 86_400)
        await world.wait(1)
        world.kill()
        world.disk.unreadable = True
        world.restart()
        world.say("page", op="setLoad", loadId="lights1", enabled=False)
        given = world.say("page" if asked["op"] == "optOut" else "operator", **asked)
        others = [world.say(op="restore", event_id=f"other {n}") for n in range(300)]
        await world.wait(2)
        told = [world.answer(name) for name in (given, *others)]
        assert all((one["status"], one["stored"]) == ("success", False) for one in told)
        world.held.clear()
        world.disk.unreadable = False
        await world.wait(3)
        assert set(world.held.values()) <= {None}, "nobody asked for this load"
        assert world.events() == {"tomorrow"}
        assert not world.on["misc1"] and not world.on["lights1"], "as people left them"

    played(story, monkeypatch)


def test_a_command_that_cannot_be_decided_is_answered_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        def raises(*_: object) -> None:
            raise ArithmeticError("a bug")

        monkeypatch.setattr(world.runtime.ven, "decide", raises)
        assert world.answer(world.say(op="ping"))["status"] == "rejected"

    played(story, monkeypatch)


def test_message_numbers_need_no_disk_and_never_run_backwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(world: World) -> None:
        numbers = [world.storage.message() for _ in range(120)]
        world.disk.refuses = TROUBLE[0]
        numbers += [world.storage.message() for _ in range(300)]
        assert numbers == list(range(1, 421))
        world.disk.refuses = None
        await world.wait(2)
        world.kill()
        world.disk.unreadable = True
        world.restart()
        blind = world.storage.message()
        assert blind > numbers[-1]
        world.disk.unreadable = False
        await world.wait(2)
        assert world.storage.message() > blind

    played(story, monkeypatch)


class Day:
    """A random day: commands, a disk that comes and goes, and crashes."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice = world, random.Random(seed)
        self.refused: set[str] = set()

    async def live(self) -> None:
        for _ in range(40):
            self.dice.choice((self.ask, self.ask, self.ask, self.disk, self.perhaps_crash))()
            await self.world.wait(self.dice.choice((0.01, 0.1, 0.7, 3.0)))
            self.look()
        self.well()
        await self.world.wait(12)
        self.at_rest()

    def ask(self) -> None:
        dice, id = self.dice, self.dice.choice(("e1", "e2", "e3"))
        circuit = dice.choice(list(SITE.circuits))
        door = dice.choice(("operator", "page"))
        match dice.randrange(9):
            case 0 | 1 | 2:
                said = {"shed_kw": dice.choice((1, 2, 3)), "revision": dice.randrange(3)}
                self.world.say(door, op="event", event_id=id, duration_sec=20, **said)
            case 3:
                self.world.say(door, op="restore")
            case 4:
                self.world.say(door, op=dice.choice(("restore", "cancel")), event_id=id)
            case 5 | 6:
                on = dice.random() < 0.5
                said = {"loadId": circuit, "enabled": on, "confirm_critical": True}
                self.world.say(door, op="setLoad", **said)
            case 7:
                self.world.say("page", op="setLock", loadId=circuit, locked=dice.random() < 0.3)
            case _:
                self.world.say(door, op="ping")

    def disk(self) -> None:
        disk, worker = self.world.disk, self.world.worker
        match self.dice.randrange(6):
            case 0 | 1:
                disk.refuses = self.dice.choice(TROUBLE)
            case 2:
                worker.seconds = self.dice.choice((0.05, 0.5, 2.0))
            case 3:
                worker.hangs = True
            case _:
                self.well()

    def well(self) -> None:
        self.world.disk.refuses, self.world.worker.seconds = None, 0.0
        self.world.worker.let_go()

    def perhaps_crash(self) -> None:
        if self.dice.random() < 0.3:
            for name in self.world.acks:
                self.world.acks[name] = self.world.acks[name] or [{"status": "gone"}]
            self.world.kill()
            self.world.worker.seconds = 0.0
            self.world.restart()

    def look(self) -> None:
        """Nothing refused lives."""
        live = self.world.runtime.memory.events
        for name, acks in self.world.acks.items():
            asked = self.world.asked[name]
            assert len(acks) <= 1, f"{asked}: {acks}"
            if acks and asked["op"] in GIVES:
                assert acks[0].get("reason") != "storage", f"{asked}: {acks[0]}"
        taken = {
            asked["event_id"]
            for name, asked in self.world.asked.items()
            if asked["op"] == "event"
            and any(
                ack["status"] in ("accepted", "duplicate", "gone") for ack in self.world.acks[name]
            )
        }
        assert set(live) <= taken, f"{set(live) - taken} were never answered accepted"

    def at_rest(self) -> None:
        world = self.world
        assert world.storage.down is None, "all is well by itself"
        for name in world.asked:
            world.answer(name)
        kept = to_parts(from_parts(SITE, world.disk.found().parts))
        now = to_parts(world.runtime.memory)
        assert _lasting(kept) == _lasting(now), "the disk knows what memory does"
        held = {id: w for id, w in world.held.items() if w is not None}
        lives = world.runtime.memory.circuits.items()
        assert held == {id: live.held_w for id, live in lives if live.held_w is not None}
        assert world.on == {id: live.enabled for id, live in lives}


def _lasting(parts: dict[str, Any]) -> dict[str, Any]:
    """What of memory matters after a crash: clocks and readings are taken anew."""
    circuits = {
        name: {key: part[key] for key in ("enabled", "held_w", "locked_by")}
        for name, part in parts.items()
        if name.startswith("circuits/")
    }
    events = {name: part for name, part in parts.items() if name.startswith("events/")}
    return circuits | {name: {**part, "told": 0, "short_ms": 0} for name, part in events.items()}


def test_whatever_a_disk_does_each_command_is_answered_once_and_truly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed in range(FIRST, FIRST + SEEDS):
        try:
            played(lambda world, seed=seed: Day(world, seed).live(), monkeypatch)
        except AssertionError as error:
            raise AssertionError(f"SEED={seed} SEEDS=1: {error}") from error
