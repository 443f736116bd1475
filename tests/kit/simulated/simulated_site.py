"""The whole controller in simulated time, with everything around it that fails: one story a seed.

Real is all that `venctl run` puts together, but for the page's server: `Controller` with its
journal, panel, link, shadow, alarms and tasks. Modelled are the wall
(`statemachine/verify/world/panel.py`), the broker, the disk and the clocks. One seed decides who
asks what, what fails, and at which step or edge the program dies.
"""

from __future__ import annotations

import asyncio
import json
import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import venctl.base.clocks
from statemachine import Spec
from statemachine.verify.world.panel import played
from statemachine.verify.world.scenario import Scenario
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import MAPLE, NOW_MS, site
from tests.kit.simulated.broker_model import Broker, Client, Service
from tests.kit.simulated.faulty_panel import Faulty
from tests.kit.simulated.mortal import Died, Life, MortalLoop, living
from tests.kit.simulated.storing import AtOnce, Disk, Slow
from venctl.base.background_files import BackgroundFiles
from venctl.base.worker import Done, Work
from venctl.controller import Controller, Options
from venctl.drivers import LAST_S, TIMEOUT_S
from venctl.health.notify import Notify
from venctl.link.endpoint import plain_endpoint
from venctl.link.environment import Environment
from venctl.store.start import PATIENCE_S, Store
from venctl.store.storage import Storage

SITE = site(MAPLE.replace("sim:", "restore: {every: 1 s, bridge: 0 s}\nsim:"))
NOWHERE = Path("/nowhere")
OPTIONS = Options(NOWHERE / "ven.yaml", NOWHERE, None, None, None, None, False)
ACKS = "ven/ack/"


@dataclass
class Asked:
    """A command, the answers to it, and how it went on its way."""

    name: str
    said: Mapping[str, Any]
    door: str
    at_s: float
    breaks: int
    number: int | None = None
    lost: bool = False
    refused: bool = False
    acks: list[Mapping[str, Any]] = field(default_factory=list)


class Hand(Slow):
    """The journal's thread in one life. The program may die before a commit, and after it."""

    def __init__(self, seconds: float, hangs: bool) -> None:
        super().__init__()
        self._life, self.seconds, self.hangs = living(), seconds, hangs

    def do(self, work: Work, done: Done) -> None:
        super().do(lambda: self._at_edges(work), done)

    def _at_edges(self, work: Work) -> Any:
        self._life.edge("before a commit")
        answer = work()
        self._life.edge("after a commit")
        return answer


class Relays:
    """The wall, as the driver of one life of the program."""

    timeout_s, last_s = TIMEOUT_S, LAST_S

    def __init__(self, world: World) -> None:
        self._world, self._life = world, living()

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        self._life.edge("before a hold")
        world = self._world
        lasts_ms = until_ms - world.clocks()[0]
        if watts is not None and world.wall.all[circuit].hold_w is None:
            world.moved[circuit, "taken"] += 1
        world.wall.hold(circuit, watts, world.ms + lasts_ms)
        world.note(f"{circuit} is held at {watts}")
        self._life.edge("after a hold")

    async def switch(self, circuit: str, enabled: bool) -> None:
        self._life.edge("before a switch")
        if self._world.wall.all[circuit].on != enabled:
            self._world.moved[circuit, enabled] += 1
        self._world.wall.switch(circuit, enabled)
        self._world.note(f"{circuit} is switched {'on' if enabled else 'off'}")
        self._life.edge("after a switch")

    async def readings(self) -> Mapping[str, Any]:
        return self._world.wall.readings(self._world.ms)


class Circuits(Faulty):
    """The driver, and what is wrong with it just now."""

    def __init__(self, world: World) -> None:
        super().__init__(Relays(world))  # type: ignore[arg-type]
        self._world, self.faults = world, world.faults

    def unmetered_w(self) -> int:
        return self._world.wall.loads.unmetered_w(self._world.ms)

    def use(self, spec: Spec) -> None:
        """The site stays as it is."""


class Claim:
    """Nobody else runs here."""

    async def keep(self, worker: object) -> None:
        await asyncio.Event().wait()


class Scribe(AtOnce):
    """A thread that writes what is only ever read by people: it refuses as the disk does.

    Nobody takes a file away: asked which are gone, it names none.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def do(self, work: Work, done: Done) -> None:
        refused = None if self._disk.refuses is None else OSError(self._disk.refuses)
        done([], refused)


class World:
    """One site, all that is around it, and what was seen of both. Make it on a `MortalLoop`."""

    def __init__(self, seed: int, spec: Spec = SITE) -> None:
        self.loop, self.spec = asyncio.get_running_loop(), spec
        self.dice = Random(seed)
        self.trace: list[str] = []
        self.skew_ms, self.booted_s, self.boot = 0, -100.0, 0
        self.stepped_s = -1.0
        self.wall = played(spec, Scenario(), None)
        self.faults: dict[str, dict[str, Any]] = {}
        self.disk, self.seconds, self.hangs = Disk(), 0.0, False
        self.broker = Broker(self.dice, self._heard, lambda: self.clocks()[0] / 1000)
        self.broker.on_try = self._tried
        self.began_blind = False
        self.asked: dict[str, Asked] = {}
        self._names = count()
        self.moved: Counter[tuple[str, str | bool]] = Counter()  # taken, switched on or off
        self.lives: list[Life] = []
        self.hand: Hand | None = None
        self.controller: Controller | None = None
        self.crashes = 0
        self.on_birth: Callable[[], None] = lambda: None
        self.on_ack: Callable[[Asked, Mapping[str, Any]], None] = lambda asked, ack: None

    # -- time -----------------------------------------------------------------------------------

    @property
    def ms(self) -> int:
        """Milliseconds of the story, which no setting of a clock changes."""
        return round(self.loop.time() * 1000)

    def clocks(self) -> tuple[int, int]:
        return NOW_MS + self.ms + self.skew_ms, round((self.loop.time() - self.booted_s) * 1000)

    def note(self, what: str) -> None:
        self.trace.append(f"{self.loop.time():10.3f}  {what}")

    # -- the program ----------------------------------------------------------------------------

    def born(self) -> None:
        """The program comes up, on what the disk holds."""
        life = Life(self._buried)
        self.lives.append(life)
        life.start(self._begin())

    @property
    def alive(self) -> bool:
        """Whether it runs, and has restated what it remembered."""
        return self.controller is not None

    def reboot(self) -> None:
        """The machine begins to count anew."""
        self.boot += 1
        self.booted_s = self.loop.time()

    async def _begin(self) -> None:
        self.note("the program begins")
        self.hand = Hand(self.seconds, self.hangs)
        storage = Storage(self.hand, self.disk.look, self.clocks()[0])
        found = await storage.open(PATIENCE_S)
        self.began_blind = storage.unknown
        store = Store(storage, found, BackgroundFiles(Scribe(self.disk)))
        where = plain_endpoint("127.0.0.1", 1883, self.spec.site.id)
        outside = self._outside()
        controller = Controller(self.spec, OPTIONS, where, None, store, Notify({}), outside)
        await controller.start(Claim())  # type: ignore[arg-type]
        controller.watchdog.started()
        self.controller = controller
        self.on_birth()

    def _outside(self) -> Environment:
        return Environment(
            worker=lambda name: AtOnce() if name == "certificate" else Scribe(self.disk),
            client=lambda options: Client(self.broker, options),  # type: ignore[arg-type,return-value]
            service=lambda client: Service(self.broker, client),  # type: ignore[arg-type]
            uniform=self.dice.uniform,
            circuits=lambda spec, folder: Circuits(self),  # type: ignore[arg-type,return-value]
            boot=lambda: f"boot {self.boot}",
        )

    def _buried(self, where: str) -> None:
        self.note(f"the program dies {where}")
        self.controller = self.hand = None
        self.crashes += 1
        if self.dice.random() < 0.3:
            self.reboot()
        self.loop.call_later(self.dice.choice((0.2, 2.0, 20.0)), self.born, context=_nobody())

    # -- the disk -------------------------------------------------------------------------------

    def set_disk(
        self,
        refuses: str | None = None,
        seconds: float = 0.0,
        hangs: bool = False,
        unreadable: bool = False,
    ) -> None:
        """From now on the disk is so."""
        self.disk.refuses, self.disk.unreadable = refuses, unreadable
        self.seconds, self.hangs = seconds, hangs
        if self.hand is not None:
            life = self.lives[-1]
            self.hand.seconds, self.hand.hangs = seconds, hangs
            if not hangs:
                life.later(0.0, self.hand.let_go)

    # -- who asks -------------------------------------------------------------------------------

    def operator(self, **said: Any) -> Asked:
        """A command over MQTT."""
        asked = self._ask("operator", {"confirm_operator": True, **said})
        asked.number = self.broker.send(
            f"ven/cmd/{self.spec.site.id}", json.dumps(asked.said, default=str).encode()
        )
        asked.lost = asked.number is None
        return asked

    def page(self, **said: Any) -> Asked | None:
        """A command of a person at the site; None where there is no page."""
        if self.controller is None:
            return None
        asked = self._ask("page", {"confirm_operator": True, "confirm_critical": True, **said})
        self.lives[-1].start(self._submit(asked, self.controller))
        return asked

    def _ask(self, door: str, said: Mapping[str, Any]) -> Asked:
        name = f"c{next(self._names)}"
        said = {"correlationId": name, **said}
        self.note(f"{door} asks {json.dumps(said)}")
        breaks = self.broker.breaks + self.crashes
        asked = self.asked[name] = Asked(name, said, door, self.loop.time(), breaks)
        return asked

    async def _submit(self, asked: Asked, controller: Controller) -> None:
        door = Origin(asked.door, "", *self.clocks())
        command = command_from(asked.said, self.spec.site.id, door)
        self._answered(asked, await controller.submit(command))

    def _heard(self, topic: str, body: Any) -> None:
        if topic.startswith(ACKS) and body.get("correlationId") in self.asked:
            self._answered(self.asked[body["correlationId"]], body)
        elif topic.startswith("ven/status/"):
            self.note(f"status {json.dumps(body)}")

    def _tried(self, topic: str, body: Any) -> None:
        """A refusal that no disk can keep has its PUBACK before anybody has heard it."""
        if topic.startswith(ACKS) and body.get("reason") == "storage":
            self.asked[body["correlationId"]].refused = True

    def _answered(self, asked: Asked, ack: Mapping[str, Any]) -> None:
        self.note(f"{asked.name} is answered {json.dumps(ack)}")
        asked.acks.append(ack)
        self.on_ack(asked, ack)


def _nobody() -> Context:
    """The context of no life."""
    return Context()


class _Errors(logging.Handler):
    """Every traceback that the program logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and not isinstance(record.exc_info[1], Died):
            self.found.append(logging.Formatter().format(record))


@contextmanager
def _listening() -> Iterator[list[str]]:
    errors, logs = _Errors(), [logging.getLogger(name) for name in ("venctl", "asyncio")]
    before = [(log.propagate, log.level) for log in logs]
    for log in logs:
        log.addHandler(errors)
        log.propagate = False
        log.setLevel(logging.ERROR)
    try:
        yield errors.found
    finally:
        for log, (propagate, level) in zip(logs, before, strict=True):
            log.removeHandler(errors)
            log.propagate = propagate
            log.setLevel(level)


def play(seed: int, story: Callable[[World], Any], trace: list[str], spec: Spec = SITE) -> None:
    """Play a story from its beginning to its end; `trace` gets what happens, line by line."""

    loop = MortalLoop()

    async def lived() -> None:
        world = World(seed, spec)
        world.trace = trace
        fake = SimpleNamespace(
            time_ns=lambda: world.clocks()[0] * 1_000_000,
            monotonic_ns=lambda: world.clocks()[1] * 1_000_000,
        )
        with patch.object(venctl.base.clocks, "time", fake):
            try:
                await story(world)
            finally:
                for life in world.lives:
                    life.alive = False
                loop.sweep()

    with _listening() as found, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what the dead never came to do
        try:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(lived())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    assert not (found or loop.raised), "the program raised: " + "\n".join(found + loop.raised)
