"""What happens to a simulated site out of a seed, and what must be true of it whatever happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tests.kit.simulated.simulated_site import SITE, Asked, World, play
from venctl.standin.shadow.service import ShadowRequestError, StoredShadow

ACTS = 45
PAUSES_S = (0.001, 0.02, 0.3, 1.0, 3.0)
TROUBLE = ("database or disk is full", "disk I/O error", "database is locked")
DRIVER_FAULTS = ("raise", "hang", "deaf", 0.5, 3.0)
ODD = ("nan", "none", "text", "huge", "absent", "raise", "hang")
WELL_S = 40.0  # a start that waits for the journal, then the way to the broker, then an answer
FREE_S = 75.0  # the longest pause between two tries of a driver, then a step for each circuit
TAKEN = ("accepted", "scheduled")


class Story:
    """One story over one world; `AssertionError` where a rule is broken."""

    def __init__(self, world: World) -> None:
        self.world, self.dice = world, world.dice
        self.on = {id: {circuit.enabled} for id, circuit in SITE.circuits.items()}
        self.locked = {id: {False} for id in SITE.circuits}
        self.events: dict[str, Asked] = {}
        self.certain: dict[str, Asked] = {}
        self.given_back: list[tuple[float, str | None]] = []
        self.broken: list[str] = []
        world.on_ack, world.on_birth = self._hear, self._look_at_birth

    async def live(self) -> None:
        """All that happens, then all that must come of it."""
        self.world.born()
        acts: list[Callable[[], None]] = [
            *(5 * [self.call_event]),
            *(2 * [self.give_back]),
            *(3 * [self.switch]),
            self.lock,
            *(2 * [self.wish]),
            *(3 * [self.fail_driver]),
            *(2 * [self.mend_driver]),
            *(3 * [self.fail_disk]),
            *(2 * [self.mend_disk]),
            *(2 * [self.fail_line]),
            *(2 * [self.mend_line]),
            self.step_clock,
            *(3 * [self.crash]),
        ]
        for _ in range(ACTS):
            self.dice.choice(acts)()
            await asyncio.sleep(self.dice.choice(PAUSES_S))
            self._check()
        self.mend()
        await self.come_to_rest()

    # -- who asks -------------------------------------------------------------------------------

    def ask(self, **said: Any) -> Asked | None:
        """By either door."""
        if self.dice.random() < 0.6:
            return self.world.operator(**said)
        return self.world.page(**said)

    def call_event(self) -> None:
        known = list(self.events)
        if known and self.dice.random() < 0.2:
            id, revision = self.dice.choice(known), self.dice.randrange(1, 4)
        else:
            id, revision = f"e{len(known)}", 0
        said: dict[str, Any] = {"shed_kw": self.dice.choice((0.5, 1, 2, 3))}
        said["duration_sec"] = self.dice.choice((5, 20, 60))
        if self.dice.random() < 0.2:
            said["start_ts"] = self.world.clocks()[0] // 1000 + self.dice.choice((5, 30))
        asked = self.ask(op="event", event_id=id, revision=revision, **said)
        if asked is not None and not revision:
            self.events[id] = asked
        elif asked is not None:
            self._uncertain(id)  # a revision may make it shorter

    def give_back(self) -> None:
        op = self.dice.choice(("restore", "cancel", "optOut"))
        ids = list(self.events)
        said = {"event_id": self.dice.choice(ids)} if ids and self.dice.random() < 0.7 else {}
        if said or op == "restore":
            self._uncertain(said.get("event_id"))
            self.ask(op=op, **said)

    def switch(self) -> None:
        id, on = self.dice.choice(list(SITE.circuits)), self.dice.random() < 0.5
        self.on[id].add(on)
        self.ask(op="setLoad", loadId=id, enabled=on, confirm_critical=True)

    def lock(self) -> None:
        id, locked = self.dice.choice(list(SITE.circuits)), self.dice.random() < 0.4
        if self.world.page(op="setLock", loadId=id, locked=locked) is not None:
            self.locked[id].add(locked)

    def wish(self) -> None:
        id, on = self.dice.choice(list(SITE.circuits)), self.dice.random() < 0.5
        self.on[id].add(on)
        with suppress(ShadowRequestError):
            self.world.broker.wish(
                SITE.site.id, "", {"desired": {"circuits": {id: {"enabled": on}}}}
            )

    # -- what fails -----------------------------------------------------------------------------

    def fail_driver(self) -> None:
        id = self.dice.choice(list(SITE.circuits))
        deed = self.dice.choice(("hold", "release", "switch", "readings"))
        fault = self.dice.choice(ODD if deed == "readings" else DRIVER_FAULTS)
        self.world.note(f"{deed} of {id}: {fault}")
        self.world.faults.setdefault(id, {})[deed] = fault

    def mend_driver(self) -> None:
        if self.world.faults:
            id = self.dice.choice(list(self.world.faults))
            self.world.note(f"{id} is well")
            del self.world.faults[id]

    def fail_disk(self) -> None:
        said: dict[str, Any] = self.dice.choice(
            (
                {"refuses": self.dice.choice(TROUBLE)},
                {"seconds": self.dice.choice((0.05, 0.5, 2.0))},
                {"hangs": True},
                {"unreadable": True},
            )
        )
        self.world.note(f"the disk: {said}")
        self.world.set_disk(**said)

    def mend_disk(self) -> None:
        self.world.note("the disk is well")
        self.world.set_disk()

    def fail_line(self) -> None:
        silent = self.dice.random() < 0.3
        self.world.note("the broker is silent" if silent else "the broker is away")
        self.world.broker.set(up=silent, silent=silent)

    def mend_line(self) -> None:
        self.world.note("the broker is well")
        self.world.broker.set(up=True)

    def step_clock(self) -> None:
        by_ms = self.dice.choice((-3_600_000, -60_000, -3_000, 3_000, 60_000, 3_600_000))
        self.world.note(f"the wall clock is set by {by_ms} ms")
        self.world.skew_ms += by_ms
        self._uncertain(None)

    def crash(self) -> None:
        """Now, or some steps or edges from now."""
        life = self.world.lives[-1]
        match self.dice.randrange(3):
            case 0:
                life.kill("here")
            case 1:
                life.steps_left = self.dice.randint(1, 80)
            case _:
                life.edges_left = self.dice.randint(1, 20)

    def mend(self) -> None:
        self.world.note("everything is mended")
        self.world.faults.clear()
        self.mend_disk()
        self.mend_line()
        life = self.world.lives[-1]
        life.steps_left = life.edges_left = None

    # -- what must come of it -------------------------------------------------------------------

    async def come_to_rest(self) -> None:
        world = self.world
        await self._until(self._serves, WELL_S, "it never serves")
        life = world.lives[-1]
        life.steps_left = life.edges_left = None
        back = await self._answer_to(op="restore")
        assert back["status"] == "success", back
        controller = world.controller
        assert controller is not None
        for id in list(controller.memory.events):  # a restore leaves what begins later
            await self._answer_to(op="cancel", event_id=id)
        await self._until(self._all_free, FREE_S, "not free")
        await asyncio.sleep(FREE_S - 60)
        self._check()
        self._at_rest()

    async def _answer_to(self, **said: Any) -> Mapping[str, Any]:
        self._uncertain(None)
        asked = self.world.operator(**said)
        await self._until(lambda: bool(asked.acks), WELL_S, f"nobody answers {asked.said}")
        return asked.acks[0]

    async def _until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        until_s = self.world.loop.time() + seconds
        while not done():
            assert self.world.loop.time() < until_s, f"{what}: {self._held()}"
            await asyncio.sleep(0.5)

    def _serves(self) -> bool:
        controller = self.world.controller
        return controller is not None and controller.connected() and not controller.blind

    def _held(self) -> dict[str, int]:
        world = self.world
        every = world.wall.all.items()
        return {
            id: one.hold_w
            for id, one in every
            if one.hold_w is not None and world.ms < one.until_ms
        }

    def _all_free(self) -> bool:
        return not self._held()

    def _at_rest(self) -> None:
        world, controller = self.world, self.world.controller
        assert controller is not None and self._all_free(), self._held()
        memory = controller.memory
        assert not memory.events, f"live: {list(memory.events)}"
        lives = memory.circuits.items()
        assert not [id for id, live in lives if live.held_w is not None], "memory holds a circuit"
        on = {id: one.on for id, one in world.wall.all.items()}
        assert on == {id: live.enabled for id, live in lives}, f"{on} is not what is wanted"
        for id, live in lives:
            assert live.enabled in self.on[id], f"{id}: nobody wants it {live.enabled}"
            locked = live.locked_by is not None
            assert locked in self.locked[id], f"{id}: the lock {self.locked[id]} is {locked}"
        wrong = {alarm.kind for alarm in memory.alarms.values()} & WELL_AGAIN
        assert not wrong, f"all is well, and there are alarms of {wrong}"
        self._everybody_was_answered()
        self.the_shadow_says_so(on)

    def _everybody_was_answered(self) -> None:
        world = self.world
        assert not world.broker.waiting, f"no PUBACK: {world.broker.waiting}"
        for asked in world.asked.values():
            calm = asked.breaks == world.broker.breaks + world.crashes
            if asked.door == "operator" and not asked.lost and not asked.refused:
                assert asked.acks, f"{asked.said} was never answered"
            if calm and not asked.lost:
                assert len(asked.acks) == 1, f"nothing failed, and {asked.name}: {asked.acks}"
            if asked.door == "page":
                assert len(asked.acks) <= 1

    def the_shadow_says_so(self, on: Mapping[str, bool]) -> None:
        shadow = self.world.broker.shadows.get((SITE.site.id, ""), StoredShadow())
        assert not (shadow.desired or {}).get("circuits"), f"a wish is left: {shadow}"
        said = (shadow.reported or {}).get("circuits", [])
        told = {one["id"]: one["enabled"] for one in said}
        assert told == on, f"the shadow says {said}"

    # -- what must be true all the time ---------------------------------------------------------

    def _check(self) -> None:
        assert not self.broken, self.broken[0]

    def _hear(self, asked: Asked, ack: Mapping[str, Any]) -> None:
        op, status, stored = asked.said["op"], ack["status"], ack.get("stored", True)
        if op == "event" and status in TAKEN and stored:
            self._accepted(asked)
        earlier = [one["status"] for one in asked.acks[:-1]]
        taken = op == "event" and set(earlier) & set(TAKEN)
        # Before the journal can be read, nobody can know a copy.
        blind = ack.get("reason") == "storage" and self.world.began_blind
        if taken and status not in (*TAKEN, "duplicate") and not blind:
            self.broken.append(f"{asked.said} was taken, and then {ack}")
        if status != "success" or not stored:
            return
        id = asked.said.get("loadId", "")
        if op == "setLock" and self._alone(asked, "setLock", id):
            self.locked[id] = {asked.said["locked"]}

    def _accepted(self, asked: Asked) -> None:
        id = asked.said["event_id"]
        found = self.world.disk.found()
        known = f"events/{id}" in found.parts or any(id in row[0] for row in found.answered)
        if not known:
            self.broken.append(f"{asked.said} is answered, and not on disk")
        later = any(at_s >= asked.at_s and event in (None, id) for at_s, event in self.given_back)
        if not later and not self._to_end(id) and asked is self.events.get(id):
            self.certain[id] = asked

    def _to_end(self, id: str) -> bool:
        """Somebody asked for its end before it was called, and that is still on its way."""
        waiting = [one.said for one in self.world.asked.values() if not one.acks]
        ends = [said for said in waiting if said["op"] in ("restore", "cancel", "optOut")]
        return any(said.get("event_id") in (None, id) for said in ends)

    def _alone(self, asked: Asked, op: str, id: str) -> bool:
        """No other command about it may still be carried out."""
        others = [one for one in self.world.asked.values() if one is not asked]
        same = [one for one in others if one.said["op"] == op and one.said.get("loadId") == id]
        return all(one.acks and one.at_s < asked.at_s for one in same)

    def _uncertain(self, event: str | None) -> None:
        """Somebody may have ended it, also before the answer to it is here."""
        self.given_back.append((self.world.loop.time(), event))
        if event is None:
            self.certain.clear()
        else:
            self.certain.pop(event, None)

    def _look_at_birth(self) -> None:
        """What was answered before the crash is in force after it."""
        controller = self.world.controller
        if controller is None or controller.blind:
            return
        for id, asked in self.certain.items():
            over_s = asked.at_s + asked.said["duration_sec"] - 1
            if self.world.loop.time() < over_s and id not in controller.memory.events:
                self.broken.append(f"{asked.said} was taken, and is gone after a crash")


WELL_AGAIN = {"storage", "stalled", "task", "device", "broker", "unconfirmed"}


def broken_by(seed: int) -> tuple[str, list[str]]:
    """The story of a seed: what it breaks, "" for nothing, and all that happens in it."""
    trace: list[str] = []
    try:
        play(seed, lambda world: Story(world).live(), trace)
    except AssertionError as wrong:
        return str(wrong) or "a rule that has no words", trace
    return "", trace
