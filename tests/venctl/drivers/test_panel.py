"""The panel over drivers that raise, hang and are slow: each circuit by itself, and in the end all
as wanted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import pytest

from statemachine import Spec
from statemachine.state.effects import Hold, Switch
from tests.kit.core.sample_sites import site
from tests.kit.simulated.faulty_panel import WORDS, Faulty
from tests.kit.simulated.skipping import run
from venctl.drivers import LAST_S, TIMEOUT_S, Panel

IDS = ("a", "b", "c")
BENCH = site(
    "site: {id: v}\ncircuits:\n" + "".join(f"  {id}: {{rated: 1 kW, shed: 100 %}}\n" for id in IDS)
)


class Wall:
    """Breakers that do as they are told, and note it."""

    timeout_s, last_s = TIMEOUT_S, LAST_S

    def __init__(self) -> None:
        self.held: dict[str, int | None] = {}
        self.on: dict[str, bool] = {}
        self.deeds: list[tuple[str, Any]] = []

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        self.held[circuit] = watts
        self.deeds.append((circuit, watts))

    async def switch(self, circuit: str, enabled: bool) -> None:
        self.on[circuit] = enabled
        self.deeds.append((circuit, enabled))

    async def readings(self) -> Mapping[str, int]:
        return dict.fromkeys(IDS, 100)


class Bench:
    """A panel, its faulty drivers and what was heard of it."""

    def __init__(self, spec: Spec = BENCH, ids: Iterable[str] = IDS, **more: Any) -> None:
        self.wall = Wall()
        self.driver = Faulty(self.wall)
        self.heard: list[tuple[str, Any, str | None]] = []
        self.panel = Panel(
            spec,
            dict.fromkeys(ids, self.driver),
            lambda *said: self.heard.append(said),
            lambda *said: self.heard.append(said),
            lambda: None,
            **more,
        )
        self.panel.start()

    def of(self, circuit: str) -> list[tuple[Any, str | None]]:
        return [(what, fault) for id, what, fault in self.heard if id == circuit]


def hold(circuit: str, watts: int | None, until_ms: int = 120_000) -> Hold:
    return Hold(circuit, watts, until_ms)


def test_a_circuit_that_hangs_delays_no_other() -> None:
    async def story() -> None:
        bench = Bench()
        bench.driver.faults["a"] = {"hold": "hang", "switch": "hang"}
        for id in IDS:
            bench.panel.put(hold(id, 0))
            bench.panel.put(Switch(id, True, "page"))
        await asyncio.sleep(0.01)
        assert bench.wall.held == {"b": 0, "c": 0} and bench.wall.on == {"b": True, "c": True}
        await bench.panel.stop()

    run(story())


def test_circuits_on_one_link_are_served_one_after_another() -> None:
    async def story() -> None:
        bench = Bench(link_of=lambda circuit: "gateway")
        bench.driver.faults = {id: {"hold": 1.0} for id in IDS}
        for id in IDS:
            bench.panel.put(hold(id, 0))
        await asyncio.sleep(2.5)
        assert len(bench.wall.held) == 2
        await bench.panel.stop()

    run(story())


def test_a_driver_that_hangs_is_given_up_after_its_time_and_asked_again() -> None:
    async def story() -> None:
        bench = Bench()
        bench.driver.faults["a"] = {"hold": "hang"}
        bench.panel.put(hold("a", None))
        await asyncio.sleep(TIMEOUT_S + 0.5)
        assert bench.of("a") == [(None, "no answer within 4 s")]
        bench.driver.faults.clear()
        await asyncio.sleep(1.0)
        assert bench.of("a")[1:] == [(None, None)] and bench.wall.held == {"a": None}
        await bench.panel.stop()

    run(story())


class Ends(BaseException):
    """Something that no driver should raise."""


@pytest.mark.parametrize("error", [Ends, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_nothing_that_a_driver_raises_ends_its_worker(error: type[BaseException]) -> None:
    async def story() -> None:
        bench = Bench()
        work = bench.wall.hold

        async def breaks(*_: object) -> None:
            raise error

        bench.wall.hold = breaks  # type: ignore[method-assign]
        bench.panel.put(hold("a", 0))
        await asyncio.sleep(0.1)
        assert [watts for watts, fault in bench.of("a") if fault] == [0]
        bench.wall.hold = work  # type: ignore[method-assign]
        await asyncio.sleep(1.0)
        assert bench.of("a")[-1] == (0, None)
        await bench.panel.stop()

    run(story())


def test_what_a_call_that_was_given_up_did_in_the_end_is_put_right() -> None:
    """A driver that minds no cancelling: its hold comes through after the circuit was let go."""

    async def story() -> None:
        bench = Bench()
        late, work = asyncio.Event(), bench.wall.hold

        async def stubborn(circuit: str, watts: int | None, until_ms: int) -> None:
            while watts == 0 and not late.is_set():
                try:
                    await late.wait()
                except asyncio.CancelledError:
                    continue
            await work(circuit, watts, until_ms)

        bench.wall.hold = stubborn  # type: ignore[method-assign]
        bench.panel.put(hold("a", 0))
        await asyncio.sleep(4.5)
        bench.panel.put(hold("a", None))
        await asyncio.sleep(0.1)
        assert bench.wall.held == {"a": None}
        late.set()
        await asyncio.sleep(1.0)
        assert bench.wall.held == {"a": None} and ("a", 0) in bench.wall.deeds
        await bench.panel.stop()

    run(story())


def test_a_hold_that_is_no_longer_wanted_is_never_renewed() -> None:
    async def story() -> None:
        bench = Bench()
        bench.panel.put(hold("a", 0))
        await asyncio.sleep(0.1)
        bench.driver.faults["a"] = {"hold": "raise"}
        bench.panel.put(hold("a", 0, 160_000))
        await asyncio.sleep(0.1)
        bench.panel.put(hold("a", None))
        await asyncio.sleep(0.1)
        bench.driver.faults.clear()
        await asyncio.sleep(5)
        assert bench.wall.deeds == [("a", 0), ("a", None)]
        await bench.panel.stop()

    run(story())


def test_the_log_has_a_line_for_each_cause_not_for_each_try(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        bench = Bench()
        bench.driver.faults["a"] = {"hold": "raise"}
        bench.panel.put(hold("a", None))
        await asyncio.sleep(600)
        bench.driver.faults.clear()
        await asyncio.sleep(60)
        await bench.panel.stop()

    with caplog.at_level(logging.WARNING):
        run(story())
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"a does not follow its commands: {WORDS}", "a follows its commands again"]


@pytest.mark.parametrize("seed", range(60))
def test_in_the_end_every_circuit_stands_as_wanted_and_no_healthy_one_waits(seed: int) -> None:
    """Random wishes over drivers that fail at random; `c` is always well."""

    async def story() -> None:
        dice, bench = Random(seed), Bench()
        wanted: dict[str, int | None] = {}
        on: dict[str, bool] = {}
        for _ in range(40):
            await asyncio.sleep(dice.choice((0.0, 0.3, 2.0, 9.0)))
            id = dice.choice(IDS)
            match dice.randrange(4):
                case 0 if id != "c":
                    deeds = dice.sample(("hold", "release", "switch"), dice.randint(0, 3))
                    kinds = ("raise", "hang", 0.5, 3.5)
                    bench.driver.faults[id] = {deed: dice.choice(kinds) for deed in deeds}
                case 1:
                    on[id] = dice.random() < 0.5
                    bench.panel.put(Switch(id, on[id], "page"))
                case _:
                    wanted[id] = dice.choice((None, 0, 300))
                    bench.panel.put(hold(id, wanted[id]))
            if id == "c":
                await asyncio.sleep(0.01)
                assert bench.wall.held.get("c") == wanted.get("c"), "it was served at once"
                assert bench.wall.on.get("c") == on.get("c")
            check_newest(bench, wanted)
        bench.driver.faults.clear()
        await asyncio.sleep(70)
        assert bench.wall.held == wanted and bench.wall.on == on
        for id in IDS:
            told = [fault for what, fault in bench.of(id) if not isinstance(what, bool)]
            assert not told or told[-1] is None, "the end of every fault is told"
        await bench.panel.stop()

    run(story())


def check_newest(bench: Bench, wanted: Mapping[str, int | None]) -> None:
    """What was confirmed last of a circuit without faults is what is wanted."""
    for id, watts in wanted.items():
        holds = [(w, f) for w, f in bench.of(id) if not isinstance(w, bool)]
        if holds and holds[-1][1] is None and not bench.driver.faults.get(id):
            asked = bench.panel._workers[id].guarded.due_ms() is not None
            assert asked or bench.wall.held[id] == watts, "never a hold that is not wanted"


# -- readings -----------------------------------------------------------------------------------


class Meter(Wall):
    """One circuit that is read as it pleases."""

    def __init__(self, circuit: str, said: Any, wait_s: float) -> None:
        super().__init__()
        self.circuit, self.said, self.wait_s = circuit, said, wait_s
        self.reads = 0

    async def readings(self) -> Mapping[str, int]:
        self.reads += 1
        await asyncio.sleep(self.wait_s)
        if isinstance(self.said, Exception):
            raise self.said
        return {self.circuit: self.said}


def reading(*meters: Meter) -> Panel:
    drivers = {meter.circuit: meter for meter in meters}
    return Panel(BENCH, drivers, lambda *_: None, lambda *_: None, lambda: None)


def test_a_look_takes_what_is_there_and_leaves_a_driver_that_hangs_to_its_own_time() -> None:
    async def story() -> None:
        hangs, dead = Meter("a", 1, 10**6), Meter("b", OSError("gone"), 0)
        panel = reading(hangs, dead, Meter("c", 700, 0.1))
        for _ in range(3):
            began = asyncio.get_running_loop().time()
            drawn, ages = await panel.read()
            assert asyncio.get_running_loop().time() - began <= 0.2001
            assert drawn == {"c": 700} and 100 <= ages["c"] <= 201
        assert hangs.reads == 1, "one read of it is under way"
        await asyncio.sleep(TIMEOUT_S)
        await panel.read()
        assert hangs.reads == 2
        await panel.stop()

    run(story())


def test_a_slow_reading_comes_with_its_age_and_once() -> None:
    async def story() -> None:
        panel = reading(Meter("a", 500, 1.5), Meter("c", 700, 0))
        assert await panel.read() == ({"c": 700}, {"c": 200})
        await asyncio.sleep(2.0)
        drawn, ages = await panel.read()
        assert drawn["a"] == 500 and ages["a"] >= 1_500
        assert "a" not in (await panel.read())[0], "not read since"
        await panel.stop()

    run(story())


# -- the interlock ------------------------------------------------------------------------------

GUARDED = site("site: {id: v}\ncircuits:\n  a: {rated: 1 kW, shed: 100 %, max_off: 10 min}\n")


def test_a_circuit_is_given_back_and_that_is_told_though_the_core_never_says_another_word() -> None:
    async def story() -> None:
        bench = Bench(GUARDED, "a")
        bench.panel.put(hold("a", None))
        bench.panel.put(hold("a", 0))
        await asyncio.sleep(604)
        assert bench.wall.held == {"a": 0}
        await asyncio.sleep(2)
        assert bench.wall.held == {"a": None}
        assert bench.of("a")[-1] == (0, "it was off for 10 min, its maximum")
        await bench.panel.stop()

    run(story())


def test_a_driver_that_fails_is_told_to_give_back_until_it_does() -> None:
    async def story() -> None:
        bench = Bench(GUARDED, "a")
        bench.panel.put(hold("a", 0))
        await asyncio.sleep(1)
        bench.driver.faults["a"] = {"release": "raise"}
        await asyncio.sleep(700)
        assert bench.of("a")[-1] == (0, f"it was off for 10 min, its maximum; {WORDS}")
        bench.driver.faults.clear()
        await asyncio.sleep(60)
        assert bench.wall.held == {"a": None}
        assert bench.of("a")[-1] == (0, "it was off for 10 min, its maximum")
        await bench.panel.stop()

    run(story())


def test_an_interlock_goes_by_what_was_read_and_by_the_file_in_force() -> None:
    async def story() -> None:
        less = site("site: {id: v}\ncircuits:\n  a: {rated: 1 kW, shed: 20 %}\n")
        bench = Bench(less, "a")
        bench.panel.put(hold("a", None))
        await asyncio.sleep(1)
        bench.panel.seen({"a": 500}, {"a": 100}, 0)
        bench.panel.put(hold("a", 100))
        await asyncio.sleep(1)
        assert bench.wall.held == {"a": 400}
        bench.panel.use(GUARDED, {"a": bench.driver})
        bench.panel.put(hold("a", 100))
        await asyncio.sleep(1)
        assert bench.wall.held == {"a": 100} and bench.of("a")[-1] == (100, None)
        await bench.panel.stop()

    run(story())
