"""The panel: brings every circuit to the wanted state, if allowed, and reports the result.

Each circuit has its own worker, so that one that hangs does not delay others. A worker keeps the
newest command of each kind behind an interlock (`statemachine/interlock/guarded_circuit.py`).
Circuits behind one gateway may share a link, on which calls run one after another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from statemachine.interlock.guarded_circuit import GuardedCircuit
from statemachine.interlock.headroom import Headroom
from statemachine.interlock.wanted_state import Deed, DeviceAnswer
from statemachine.site.spec import Spec
from statemachine.state.effects import Hold, Switch

from .driver import Driver
from .driver_call import TIMEOUT_S, DriverCall
from .reads import Reads

log = logging.getLogger(__name__)

OnHeld = Callable[[str, int | None, str | None], None]
OnSwitched = Callable[[str, bool, str | None], None]


def own_driver(circuit: str) -> str:
    """A link for each circuit."""
    return circuit


class Panel:
    """All circuits of a site.

    `held` and `switched` get the result of each new command, and each fault as it begins, changes
    or ends: circuit, watts or on, fault or None. `changed` is called after each action, so that the
    circuits are read again. `link_of` names the link of a circuit.
    """

    def __init__(
        self,
        spec: Spec,
        drivers: Mapping[str, Driver],
        held: OnHeld,
        switched: OnSwitched,
        changed: Callable[[], None],
        link_of: Callable[[str], str] = own_driver,
    ) -> None:
        self._spec, self._headroom = spec, Headroom(spec.site.service)
        self._drivers: dict[str, Driver] = {}
        self._held, self._switched, self._changed = held, switched, changed
        self._link_of, self._links = link_of, dict[str, asyncio.Lock]()
        self._workers: dict[str, _Worker] = {}
        self._started = False
        self._reads = Reads(TIMEOUT_S)
        self.use(spec, drivers)

    def start(self) -> None:
        """Start to carry out commands. Call from the event loop."""
        self._started = True
        for worker in self._workers.values():
            worker.start()

    def use(self, spec: Spec, drivers: Mapping[str, Driver]) -> None:
        """Add these circuits; a circuit that was removed from the file can still be released."""
        self._spec, self._headroom.service_w = spec, spec.site.service
        self._drivers |= drivers
        for worker in self._workers.values():
            worker.declare(spec)
        for circuit, driver in drivers.items():
            link = self._links.setdefault(self._link_of(circuit), asyncio.Lock())
            if circuit in self._workers:
                self._workers[circuit].use(driver, link)
                continue
            guarded = GuardedCircuit(circuit, spec, self._headroom, _now_ms())
            new = self._workers[circuit] = _Worker(circuit, guarded, driver, link, self._hear)
            if self._started:
                new.start()

    async def stop(self) -> None:
        """Stop all workers."""
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))
        self._reads.stop()

    def put(self, deed: Deed) -> None:
        """Keep a circuit in this state until a newer command. Unknown circuits are ignored."""
        if (worker := self._workers.get(deed.circuit)) is not None:
            worker.put(deed)

    def doubt(self, circuit: str) -> None:
        """The device may not stand as told: do all requests again."""
        if (worker := self._workers.get(circuit)) is not None:
            worker.doubt()

    async def read(self) -> tuple[dict[str, Any], dict[str, int]]:
        """The drivers' readings and their age in ms, after at most 0.2 s.

        A circuit without a new reading is absent. Readings should be watts, but may be anything.
        """
        return await self._reads.look(self._drivers)

    def busy_ms(self) -> dict[str, int]:
        """When each circuit's present call began or was due to begin, in ms of the loop's clock.

        A device that may take longer than `TIMEOUT_S` counts from that much later. Idle circuits
        are absent, and so are those that wait for others on their link.
        """
        times_ms = self._reads.busy_ms()
        for circuit, worker in self._workers.items():
            since_ms = worker.busy_ms()
            if since_ms is not None:
                times_ms[circuit] = min(since_ms, times_ms.get(circuit, since_ms))
        return times_ms

    def seen(self, drawn_w: Mapping[str, int], age_ms: Mapping[str, int], beside_w: int) -> None:
        """Give the interlocks the plausible readings."""
        self._headroom.seen(drawn_w, beside_w)
        now_ms = _now_ms()
        for circuit, watts in drawn_w.items():
            self._workers[circuit].guarded.seen(watts, now_ms - age_ms.get(circuit, 0))

    async def let_go(self, circuits: Iterable[str]) -> None:
        """Release circuits, for a site that restores when it stops."""
        workers = [self._workers[circuit] for circuit in circuits if circuit in self._workers]
        await asyncio.gather(*(worker.let_go() for worker in workers))

    def _hear(self, answer: DeviceAnswer | None) -> None:
        """Pass on a result; None means that something was done."""
        match answer:
            case None:
                self._changed()
            case DeviceAnswer(Hold(circuit, watts), fault):
                self._held(circuit, watts, fault)
            case DeviceAnswer(Switch(circuit, enabled), fault):
                self._switched(circuit, enabled, fault)


class _Worker:
    """The worker of one circuit. Only `stop` ends it, not a fault of a driver or a listener."""

    def __init__(
        self,
        circuit: str,
        guarded: GuardedCircuit,
        driver: Driver,
        link: asyncio.Lock,
        hear: Callable[[DeviceAnswer | None], None],
    ) -> None:
        self.guarded = guarded
        self._circuit, self._driver, self._link, self._hear = circuit, driver, link, hear
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._logged: set[str] = set()
        self._began_ms: int | None = None
        self._queues = False

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def declare(self, spec: Spec) -> None:
        """Apply the limits of a changed file."""
        self.guarded.use(spec, _now_ms())

    def use(self, driver: Driver, link: asyncio.Lock) -> None:
        """Change the driver; a new one must be told the wanted state again."""
        if driver is not self._driver:
            self._driver, self._link = driver, link
            self.doubt()

    def put(self, deed: Deed) -> None:
        self._tell(self.guarded.put(deed, _now_ms()))
        self._news.set()

    def busy_ms(self) -> int | None:
        if self._queues or self._began_ms is not None:
            return self._began_ms
        due_ms = self.guarded.due_ms()
        return due_ms if due_ms is not None and due_ms <= _now_ms() else None

    async def let_go(self) -> None:
        call = self._call(Hold(self._circuit, None, 0))
        await call.wait(self._driver.last_s)
        if call.fault is not None:
            log.warning("%s could not be released: %s", self._circuit, call.fault)

    def doubt(self) -> None:
        self.guarded.doubt(_now_ms())
        self._news.set()

    async def _work(self) -> None:
        while True:
            self._tell(self.guarded.look(_now_ms()))
            if self.guarded.next(_now_ms()) is None:
                await self._rest()
            else:
                await self._in_turn()

    async def _rest(self) -> None:
        """Wait until there is a new command, a retry is due, or a delayed command is allowed."""
        due_ms = self.guarded.due_ms()
        wait_s = None if due_ms is None else max(0, due_ms - _now_ms()) / 1000
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

    async def _in_turn(self) -> None:
        self._queues = True
        async with self._link:
            self._queues = False
            await self._do()

    async def _do(self) -> None:
        deed = self.guarded.begin(_now_ms())
        if deed is None:  # a newer command came while the link was busy
            return
        most_s = self._driver.timeout_s
        call, self._began_ms = self._call(deed), _now_ms() + _patience_ms(most_s)
        await call.wait(most_s)
        self._began_ms = None
        self._tell(self.guarded.ended(deed, call.fault, _now_ms()))
        if call.fault is None:
            self._say(None)

    def _call(self, deed: Deed) -> DriverCall[None]:
        driver = self._driver
        match deed:
            case Hold(circuit, watts, until_ms):
                return DriverCall(lambda: driver.hold(circuit, watts, until_ms), self.doubt)
            case Switch(circuit, enabled):
                return DriverCall(lambda: driver.switch(circuit, enabled), self.doubt)

    def _tell(self, answers: Iterable[DeviceAnswer]) -> None:
        for answer in answers:
            self._log(answer)
            self._say(answer)

    def _log(self, answer: DeviceAnswer) -> None:
        """Log each cause once, not each attempt."""
        if answer.fault is None:
            if self._logged:
                log.warning("%s follows its commands again", self._circuit)
            self._logged.clear()
        elif answer.fault not in self._logged:
            self._logged.add(answer.fault)
            log.warning("%s does not follow its commands: %s", self._circuit, answer.fault)

    def _say(self, answer: DeviceAnswer | None) -> None:
        try:
            self._hear(answer)
        except Exception:
            log.exception("a result could not be handled: %s", answer)


def _patience_ms(timeout_s: float) -> int:
    """How much longer than other devices one may take, so that no watchdog ends the program."""
    return max(0, round((timeout_s - TIMEOUT_S) * 1000))


def _now_ms() -> int:
    return round(asyncio.get_running_loop().time() * 1000)
