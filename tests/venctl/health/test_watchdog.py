"""The watchdog is fed while all makes progress, whatever devices do, and only then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.decide.progress import (
    CALL_MS,
    LOOK_MS,
    TIMER_MS,
    Overdue,
    Progress,
    overdue,
    stalled_parts,
)
from statemachine.state.effects import Hold, Switch
from statemachine.verify.search.generate_days import generate_day
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.alarming import Core
from tests.kit.core.sample_sites import site
from tests.kit.paths import ROOT
from tests.kit.process.service_manager import Manager
from tests.kit.simulated.faulty_panel import Faulty
from tests.kit.simulated.skipping import run
from venctl.drivers import LAST_S, TIMEOUT_S, Panel
from venctl.health.notify import Notify
from venctl.health.watchdog import EVERY_S, Watchdog, status_line

DAY_MS = 86_400_000
at = st.integers(0, DAY_MS)
due = st.none() | at


# -- what progress is -----------------------------------------------------------------------------


@given(at, st.integers(0, LOOK_MS), st.integers(0, TIMER_MS), st.integers(0, CALL_MS))
def test_nothing_that_is_within_its_time_is_stalled(
    now_ms: int, look_ms: int, timer_ms: int, call_ms: int
) -> None:
    timer = Overdue(0, now_ms - timer_ms)
    assert not stalled_parts(
        Progress(now_ms - look_ms, timer, {"heater": now_ms - call_ms}), now_ms
    )
    assert not stalled_parts(Progress(now_ms, None, {}), now_ms)


@given(at, st.integers(1, DAY_MS), st.sets(st.sampled_from(["look", "timer", "call"])))
def test_whatever_is_beyond_its_time_is_named_and_nothing_else(
    now_ms: int, late_ms: int, late: set[str]
) -> None:
    why = stalled_parts(
        Progress(
            now_ms - (LOOK_MS + late_ms if "look" in late else 0),
            Overdue(0, now_ms - TIMER_MS - late_ms) if "timer" in late else None,
            {"pump": now_ms, "heater": now_ms - (CALL_MS + late_ms if "call" in late else 0)},
        ),
        now_ms,
    )
    said = "\n".join(why)
    assert len(why) == len(late) and "pump" not in said
    assert ("have not been read" in said) == ("look" in late)
    assert ("a timer is overdue" in said) == ("timer" in late)
    assert ("heater" in said) == ("call" in late)


@given(st.lists(st.tuples(due, at), min_size=1))
def test_something_is_overdue_for_as_long_as_it_is_seen_to_be_due(
    seen: list[tuple[int | None, int]],
) -> None:
    """Each second: what is due next, and the site's clock, which people set as they like."""
    timer, since_ms = None, None
    for now_ms, ((due_ms, at_ms), before) in enumerate(zip(seen, [(None, 0), *seen], strict=False)):
        timer = overdue(timer, due_ms, at_ms, now_ms)
        is_due = due_ms is not None and due_ms <= at_ms
        goes_on = is_due and since_ms is not None and before[0] == due_ms
        since_ms = since_ms if goes_on else now_ms if is_due else None
        assert timer == (None if since_ms is None else Overdue(due_ms or 0, since_ms))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["house", "shop"])
def test_no_decision_leaves_something_that_is_due_undone(name: str, seed: int) -> None:
    """Days of all kinds, with clocks that are set: what is overdue is a fault of ours."""
    spec = site((ROOT / f"examples/{name}.yaml").read_text())
    day = Scenario.model_validate(generate_day(spec, Random(seed), 8))
    for moment in Play(spec, day).moments():
        due_ms = moment.memory.due_ms()
        assert due_ms is None or due_ms > moment.memory.at_ms, moment


# -- a panel and a watchdog, in simulated time ----------------------------------------------------


IDS = "abcdef"
BENCH = site(
    "site: {id: bench}\ncircuits:\n"
    + "".join(f"  {id}: {{rated: 2 kW, shed: 100 %}}\n" for id in IDS)
)


class Breakers:
    timeout_s, last_s = TIMEOUT_S, LAST_S

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        """Done."""

    async def switch(self, circuit: str, enabled: bool) -> None:
        """Done."""

    async def readings(self) -> Mapping[str, int]:
        return dict.fromkeys(IDS, 1)


def nobody_hears(*_: object) -> None:
    """What becomes of a wish is told elsewhere."""


class Plant:
    """A panel that is looked at each second, something due each second, and its watchdog."""

    def __init__(
        self, status: Callable[[], str] = lambda: "well", watchdog_s: float = 30, **more: Any
    ) -> None:
        self.driver = Faulty(Breakers())
        drivers = dict.fromkeys(IDS, self.driver)
        self.panel = Panel(BENCH, drivers, nobody_hears, nobody_hears, nobody_hears, **more)
        self.core = Core()
        self.looks = self.timers = True
        self.heard: list[tuple[float, Mapping[str, str]]] = []
        self.deaf = False
        self._looked_ms = self._due_ms = 0
        notify = Notify({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": str(round(watchdog_s * 1e6))})
        notify.say = self._hear  # type: ignore[method-assign]
        self.watchdog = Watchdog(notify, self.core.alarms, self._progress, status)

    async def live(self, seconds: float) -> None:
        """Until it has run for so long."""
        self.panel.start()
        tasks = [asyncio.create_task(work()) for work in (self._look, self.watchdog.run)]
        self.watchdog.started()
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await self.panel.stop()

    async def _look(self) -> None:
        while True:
            if self.looks:
                await self.panel.read()
                self._looked_ms = now_ms()
            if self.timers:
                self._due_ms = now_ms() + 1_000
            await asyncio.sleep(1.0)

    def _progress(self, before: Overdue | None, now: int) -> Progress:
        timer = overdue(before, self._due_ms, now, now)
        return Progress(self._looked_ms, timer, self.panel.busy_ms())

    def _hear(self, said: Mapping[str, str]) -> bool:
        if not self.deaf:
            self.heard.append((asyncio.get_running_loop().time(), said))
        return not self.deaf

    def fed(self) -> list[float]:
        return [at_s for at_s, said in self.heard if "WATCHDOG" in said]


def now_ms() -> int:
    return round(asyncio.get_running_loop().time() * 1000)


fault = st.sampled_from(["raise", "hang", 0.5, 3.9, 4.1, 60.0, None])
deed = st.sampled_from(["hold", "release", "switch", "readings"])
story = st.lists(
    st.tuples(st.sampled_from(IDS), deed, fault, st.sampled_from([0.1, 1.0, 7.0, 61.0])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(story, st.booleans())
def test_a_watchdog_is_fed_whatever_devices_do(said: list[Any], one_link: bool) -> None:
    async def story() -> None:
        plant = Plant(link_of=lambda circuit: "gateway" if one_link else circuit)

        async def suffer() -> None:
            for circuit, deed, fault, pause_s in said:
                plant.driver.faults.setdefault(circuit, {})[deed] = fault
                plant.panel.put(Hold(circuit, 0 if deed == "hold" else None, 0))
                plant.panel.put(Switch(circuit, pause_s > 1))
                await asyncio.sleep(pause_s)

        task = asyncio.create_task(suffer())
        await plant.live(300)
        task.cancel()
        fed = plant.fed()
        longest_s = 30 / 3 + EVERY_S
        assert all(after - before <= longest_s for before, after in pairwise([0.0, *fed, 300.0]))
        assert {said["STATUS"] for _, said in plant.heard if "STATUS" in said} == {"well"}

    run(story())


def test_circuits_that_wait_for_their_turn_on_a_link_do_not_stall_us() -> None:
    """Six that hang, behind one gateway: the last is begun after 20 s."""

    async def story() -> None:
        plant = Plant(link_of=lambda circuit: "gateway")
        plant.driver.faults = {id: {"hold": "hang"} for id in IDS}
        for id in IDS:
            plant.panel.put(Hold(id, 0, 0))
        await plant.live(120)
        assert {said["STATUS"] for _, said in plant.heard if "STATUS" in said} == {"well"}

    run(story())


def looks_end(plant: Plant) -> None:
    plant.looks = False


def timers_end(plant: Plant) -> None:
    plant.timers = False


def a_worker_dies(plant: Plant) -> None:
    plant.panel._workers["a"]._task.cancel()  # type: ignore[union-attr]
    plant.panel.put(Hold("a", 0, 0))


def a_call_is_never_given_up(plant: Plant) -> None:
    async def waits(*_: object) -> None:
        await asyncio.Event().wait()

    plant.panel._workers["a"]._call = lambda deed: _Endless(waits)  # type: ignore[method-assign,assignment,return-value]
    plant.panel.put(Hold("a", 0, 0))


class _Endless:
    fault = None

    def __init__(self, wait: Callable[..., Any]) -> None:
        self.wait = wait


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (looks_end, "the circuits have not been read for 10 s"),
        (timers_end, "a timer is overdue by 5 s"),
        (a_worker_dies, "no driver call has ended for 10 s: a"),
        (a_call_is_never_given_up, "no driver call has ended for 10 s: a"),
    ],
)
def test_a_part_that_stops_ends_the_feeding_and_is_an_alarm(
    breaks: Callable[[Plant], None], said: str
) -> None:
    async def story() -> None:
        plant = Plant()
        asyncio.get_running_loop().call_later(20.5, breaks, plant)
        await plant.live(120)
        assert 20 <= plant.fed()[-1] <= 20.5 + 12
        assert [alarm.text for alarm in plant.core.memory.alarms.values()] == [
            f"the controller makes no progress: {said}"
        ]
        assert plant.heard[-1][1]["STATUS"] == f"well; {said}"

    run(story())


def test_what_goes_on_again_is_fed_again_and_the_alarm_is_over() -> None:
    async def story() -> None:
        plant, loop = Plant(), asyncio.get_running_loop()
        loop.call_later(20.5, looks_end, plant)
        loop.call_later(50.5, lambda: setattr(plant, "looks", True))
        await plant.live(60)
        fed = plant.fed()
        assert not [at_s for at_s in fed if 31.5 < at_s < 50] and fed[-1] > 50
        assert not plant.core.memory.alarms

    run(story())


def test_a_driver_is_given_up_well_before_it_counts_as_one_that_stalls_us() -> None:
    assert 2 * TIMEOUT_S * 1000 < CALL_MS


# -- what the service manager hears ---------------------------------------------------------------


def test_what_could_not_be_said_is_said_later() -> None:
    async def story() -> None:
        plant = Plant()
        plant.deaf = True
        asyncio.get_running_loop().call_later(5.5, lambda: setattr(plant, "deaf", False))
        await plant.live(10)
        assert plant.heard == [(6.0, {"READY": "1", "STATUS": "well", "WATCHDOG": "1"})]

    run(story())


def test_a_status_is_told_when_it_changes_and_at_most_once_a_second() -> None:
    async def story() -> None:
        words = iter(range(1_000))
        plant = Plant(lambda: f"{next(words) // 2}", watchdog_s=1.5)
        await plant.live(20)
        told = [(at_s, said["STATUS"]) for at_s, said in plant.heard if "STATUS" in said]
        assert all(after[0] - before[0] >= 1 for before, after in pairwise(told))
        assert all(after[1] != before[1] for before, after in pairwise(told))
        assert 10 <= len(told) <= 21

    run(story())


def test_a_reload_is_told_while_it_lasts_also_where_it_fails() -> None:
    async def story() -> None:
        plant = Plant()

        async def reload() -> None:
            with plant.watchdog.reloading():
                await asyncio.sleep(0.5)
                raise OSError

        asyncio.get_running_loop().call_later(2.25, lambda: tasks.append(spawn(reload())))
        tasks: list[asyncio.Task[None]] = []
        await plant.live(5)
        told = [(at_s, name) for at_s, said in plant.heard for name in said if name[:2] == "RE"]
        assert told == [(0, "READY"), (2.25, "RELOADING"), (2.75, "READY")]
        assert all("MONOTONIC_USEC" in said for _, said in plant.heard if "RELOADING" in said)
        assert isinstance(tasks[0].exception(), OSError)

    run(story())


def spawn(work: Any) -> asyncio.Task[None]:
    return asyncio.create_task(work)


def test_nothing_is_said_of_a_reload_before_all_is_up_nor_on_the_way_out() -> None:
    async def story() -> None:
        plant = Plant()
        with plant.watchdog.reloading():
            pass
        assert not plant.heard
        plant.watchdog.started()
        plant.watchdog.stopping()
        with plant.watchdog.reloading():
            pass
        assert [set(said) for _, said in plant.heard] == [
            {"READY", "STATUS", "WATCHDOG"},
            {"STOPPING", "STATUS"},
        ]

    run(story())


def test_the_status_is_one_line_for_people() -> None:
    assert status_line("connected", 0, 0, 0) == "link connected; no events; no circuits held"
    assert status_line("lost", 1, 2, 1) == "link lost; 1 event; 2 circuits held; 1 alarm"


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_datagram_goes_to_a_socket_in_a_folder_or_in_none(kind: str, tmp_path: Path) -> None:
    address = str(tmp_path / "notify") if kind == "path" else f"@venctl-test-{tmp_path}"
    manager = Manager(address, 30)
    notify = Notify(manager.environ)
    assert notify.say({"READY": "1", "STATUS": "wohlauf: 2 kW weniger · ja"})
    assert manager.heard() == [{"READY": "1", "STATUS": "wohlauf: 2 kW weniger · ja"}]
    assert notify.watchdog_s == 30
    manager.close()


@pytest.mark.parametrize(
    "address", ["/nowhere/notify", "/" + "x" * 200, "/etc/passwd", "@venctl-nobody", "/\udcff"]
)
def test_a_service_manager_that_is_not_there_disturbs_nobody(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert not Notify({"NOTIFY_SOCKET": address}).say({"READY": "1"})
    assert not caplog.records


def test_one_that_does_not_read_holds_up_nobody(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "notify"))
    notify = Notify(manager.environ)
    assert not all(notify.say({"STATUS": "x" * 100_000}) for _ in range(1_000))
    manager.heard()
    assert notify.say({"READY": "1"})
    manager.close()


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative"])
def test_without_a_socket_of_systemd_nothing_is_sent_and_nothing_fails(address: str) -> None:
    notify = Notify({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"})
    assert notify.say({"READY": "1"}) and notify.watchdog_s is None


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
    ],
)
def test_nobody_is_fed_who_does_not_ask_for_it_or_asks_another(environ: dict[str, str]) -> None:
    assert Notify({"NOTIFY_SOCKET": "/x", **environ}).watchdog_s is None
