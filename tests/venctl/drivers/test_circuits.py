"""All circuits of a site with their devices, at the start and while one of them is away."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from statemachine.audit.reader import read
from statemachine.device.declaration import LinkDeclaration
from statemachine.site.spec import Spec
from statemachine.state.effects import Hold, Switch
from tests.kit.devices.faults import Dead
from tests.kit.devices.shelly import Shelly
from tests.kit.devices.wiring import Wiring
from tests.kit.simulated.skipping import run
from tests.kit.simulated.wired_fakes import HttpLine, SeemingClock, clocks
from venctl.devices.catalog import shipped
from venctl.drivers import Panel
from venctl.drivers.circuits import Circuits, Simulated
from venctl.drivers.links import DeviceLink

NAMES = ("a", "b", "c", "d", "e")
MANY = tuple(f"c{number}" for number in range(40))
WATTS = 1_000


def spec(names: tuple[str, ...]) -> Spec:
    rows = [f"  {id}: {{rated: 1 kW, shed: 100 %, driver: {{shelly: {id}.lan}}}}\n" for id in names]
    return read("site: {id: v}\ncircuits:\n" + "".join(rows), "ven.yaml", shipped())


class House:
    """Circuits with a Shelly each. `ours`: they may be off because this program had them so."""

    def __init__(
        self, ours: bool = True, off: bool = False, names: tuple[str, ...] = NAMES
    ) -> None:
        wiring = Wiring(clock=SeemingClock())
        self.plugs = {id: Shelly.plug(wiring, wiring.outlet(id, WATTS)) for id in names}
        if off:
            for plug in self.plugs.values():
                plug.relay.set(False, "http")
        self.lines: dict[str, HttpLine] = {}
        self.faults: dict[str, str | None] = {}
        self.moved_to: dict[str, bool] = {}
        nothing: Any = None
        simulated: Simulated = nothing
        site = spec(names)
        self.circuits = Circuits(site, simulated, shipped(), self, clocks, self._open)
        drivers = self.circuits.build({}, lambda id: ours)
        self.panel = Panel(site, drivers, self._held, self._held, lambda: None)
        self.panel.start()

    def _open(self, link: LinkDeclaration) -> DeviceLink:
        id = link.to.removeprefix("http://").partition(".")[0]
        line = self.lines[id] = HttpLine(self.plugs[id])
        return line

    def _held(self, circuit: str, what: object, fault: str | None) -> None:
        self.faults[circuit] = fault

    def doubted(self, circuit: str) -> None:
        self.panel.doubt(circuit)

    def moved(self, circuit: str, on: bool) -> None:
        self.moved_to[circuit] = on

    def noticed(self, circuit: str, text: str | None) -> None:
        raise AssertionError(text)

    def restate(self, watts: int | None) -> None:
        """What the core says of every circuit when it starts."""
        for id in self.plugs:
            self.panel.put(Hold(id, watts, clocks()[0] + 120_000))
            self.panel.put(Switch(id, True, "restart"))

    def off(self) -> set[str]:
        return {id for id, plug in self.plugs.items() if not plug.relay.outlet.watts}


def test_failure_2_a_start_needs_no_device_and_one_that_is_away_joins_by_itself() -> None:
    async def story() -> None:
        house = House()
        house.plugs["c"].fault = Dead()
        house.restate(None)
        first: set[str] = set()
        began_s = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < began_s + 2:
            first |= (await house.panel.read())[0].keys()
            await asyncio.sleep(0.5)
        assert first == {*"abde"}
        for _ in range(120):
            readings, _ = await house.panel.read()
            assert "c" not in readings
            await asyncio.sleep(1)
        assert house.circuits.devices()["c"].fault == "10.0.0.9 does not answer"
        house.plugs["c"].fault = None
        seen: set[str] = set()
        for _ in range(65):
            seen |= (await house.panel.read())[0].keys()
            await asyncio.sleep(1)
        assert seen == {*NAMES}
        assert house.faults["c"] is None
        await house.panel.stop()

    run(story())


def test_rule_15_what_is_wanted_is_read_first_and_restated_one_after_another() -> None:
    async def story() -> None:
        house = House(off=True)
        house.restate(None)
        await asyncio.sleep(3)
        assert house.off() == set()
        told = sorted(line.told[0][0] for line in house.lines.values())
        assert all(later - sooner >= 0.19 for sooner, later in pairwise(told))
        assert house.faults == dict.fromkeys(NAMES)
        await house.panel.stop()

    run(story())


def test_rule_15_of_forty_that_move_at_the_start_none_waits_too_long() -> None:
    async def story() -> None:
        house = House(off=True, names=MANY)
        house.restate(None)
        await asyncio.sleep(10)
        assert house.off() == set()
        assert house.faults == dict.fromkeys(MANY)
        await house.panel.stop()

    run(story())


def test_rule_15_what_stands_as_wanted_waits_for_nobody_and_is_not_switched() -> None:
    async def story() -> None:
        house = House()
        house.restate(None)
        await asyncio.sleep(1)
        assert all(not line.told for line in house.lines.values())
        assert house.faults == dict.fromkeys(NAMES)
        await house.panel.stop()

    run(story())


def test_rule_15_what_is_found_off_and_was_not_ordered_is_left_alone() -> None:
    async def story() -> None:
        house = House(ours=False, off=True)
        house.restate(None)
        await asyncio.sleep(60)
        assert house.off() == {*NAMES}
        assert house.moved_to == dict.fromkeys(NAMES, False)
        await house.panel.stop()

    run(story())


def test_failure_21_what_an_event_left_off_is_free_within_10_s_of_the_next_start() -> None:
    async def story() -> None:
        before = House()
        for id in NAMES:
            before.panel.put(Hold(id, 0, clocks()[0] + 120_000))
        await asyncio.sleep(10)
        assert before.off() == {*NAMES}
        await before.panel.stop()  # killed between the end of the event and the release
        after = House(off=True)
        after.plugs.update(before.plugs)
        for id, line in after.lines.items():
            line.device = before.plugs[id]
        after.restate(None)
        await asyncio.sleep(10)
        assert before.off() == set()
        await after.panel.stop()

    run(story())
