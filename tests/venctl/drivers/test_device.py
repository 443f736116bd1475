"""One circuit's device over a link: a modelled relay whose world knows what really happens.

The panel commands it as in a running program; time only seems to pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.decide.progress import Progress, stalled_parts
from statemachine.device.control import WiredLoad
from statemachine.device.form import Template
from statemachine.device.requests import HttpRequest, LinkAnswer, Order, Query
from statemachine.kit.strict_json import compact_text
from tests.kit.core.sample_sites import site
from tests.kit.depth import examples
from tests.kit.simulated.skipping import run
from tests.kit.simulated.wired_fakes import Seat
from venctl.drivers import Panel
from venctl.drivers.device import LEFT_ALONE
from venctl.drivers.links import LinkFault, LinkState
from venctl.drivers.measured import Measured

LOAD_W = 2_000
SITE = site("site: {id: v}\ncircuits:\n  a: {rated: 2 kW, shed: 100 %, control: relay}\n")
STATE = {"get": "/state"}


def template(**more: Any) -> Template:
    """A relay with a timer of its own, which says who moved it."""
    base: dict[str, Any] = {
        "device": "plug",
        "title": "A plug",
        "speaks": "http",
        "key": "host",
        "params": {"host": {"means": "its address"}},
        "control": "relay",
        "read": {
            "on": {**STATE, "at": "/on", "words": {"true": "on", "false": "off"}},
            "power": {**STATE, "at": "/w", "unit": "W"},
            "by": {**STATE, "at": "/by", "words": {"button": "person", "http": "us"}},
            "uptime": {**STATE, "at": "/up", "unit": "s"},
        },
        "write": {"on": {"get": "/on"}, "off": {"get": "/off"}, "off_for": {"get": "/{lease_s}"}},
        "lease": {"by": ["off_for"]},
        "sources": ["invented here"],
    }
    return Template.model_validate(base | more)


class Relay:
    """The device, as a link to it: dead, deaf or well; `on` is what really is so."""

    def __init__(self) -> None:
        self.on, self.by, self.back_s = True, "init", None  # type: bool, str, float | None
        self.fault: str | None = None
        self.started_s = self._now_s() - 1_000
        self.writes: list[str] = []
        self.in_flight = self.most_in_flight = 0

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def live(self) -> bool:
        """Whether the load draws power: leases end by themselves."""
        if self.back_s is not None and self._now_s() >= self.back_s:
            self.on, self.by, self.back_s = True, "timer", None
        return self.on

    def press(self, on: bool) -> None:
        self.live()
        self.on, self.by, self.back_s = on, "button", None

    def reboot(self) -> None:
        self.on, self.by, self.back_s, self.started_s = True, "init", None, self._now_s()

    async def ask(self, query: Query) -> LinkAnswer:
        await self._passed()
        on = self.live()
        said = {
            "on": on,
            "w": LOAD_W if on else 0,
            "by": self.by,
            "up": round(self._now_s() - self.started_s),
        }
        return LinkAnswer(compact_text(said), 0)

    async def tell(self, order: Order) -> None:
        await self._passed()
        assert isinstance(order, HttpRequest)
        self.writes.append(order.path)
        if self.fault == "deaf":
            return
        self.live()
        lease = order.path.removeprefix("/")
        self.on, self.by = lease == "on", "http"
        self.back_s = self._now_s() + int(lease) if lease.isdigit() else None

    async def _passed(self) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.fault == "dead":
                await asyncio.sleep(2)
                raise LinkFault("10.0.0.9 does not answer", up=False)
            await asyncio.sleep(0.03)
        finally:
            self.in_flight -= 1

    def state(self) -> LinkState:
        return LinkState("10.0.0.9", True, 0, 0, 0, None)

    async def close(self) -> None:
        """Nothing is open."""


class Bench(Seat):
    """A panel with one relay and its world."""

    def __init__(self, may_be_ours: bool | None = True, form: Template | None = None) -> None:
        self.relay = Relay()
        load = WiredLoad("relay", 230, LOAD_W)
        super().__init__(
            form or template(),
            self.relay,
            load,
            spec=SITE,
            may_be_ours=may_be_ours,
            host="10.0.0.9",
        )


def played(story: Coroutine[Any, Any, None]) -> None:
    run(story)


def test_done_means_read_back() -> None:
    async def story() -> None:
        bench = Bench()
        bench.hold(0)
        await bench.passes(3)
        assert not bench.relay.live()
        assert bench.faults == [None]
        await bench.panel.stop()

    played(story())


def test_a_device_that_says_ok_and_does_nothing_is_told_in_words() -> None:
    async def story() -> None:
        bench = Bench()
        bench.relay.fault = "deaf"
        bench.hold(0)
        await bench.passes(5)
        assert bench.relay.live()
        told = bench.faults[0] or ""
        assert told == "told to be switched off for a while, but not seen so within 2 s"
        await bench.panel.stop()

    played(story())


def test_every_off_of_an_event_carries_its_end_and_is_renewed_at_a_third() -> None:
    async def story() -> None:
        bench = Bench()
        await bench.passes(600, renewing=0)
        assert not bench.relay.live()
        assert 14 <= len(bench.relay.writes) <= 17, bench.relay.writes
        assert all(write.removeprefix("/").isdigit() for write in bench.relay.writes)
        await bench.panel.stop()

    played(story())


def test_if_the_program_dies_the_load_is_back_within_its_lease_and_two_seconds() -> None:
    async def story() -> None:
        bench = Bench()
        await bench.passes(90, renewing=0)
        assert not bench.relay.live()
        await bench.panel.stop()  # as kill -9 would: nothing is given back
        await asyncio.sleep(122)
        assert bench.relay.live()

    played(story())


def test_what_a_person_switched_off_here_stays_off_when_the_program_dies() -> None:
    async def story() -> None:
        bench = Bench()
        bench.switch(False)
        await bench.passes(90)
        await bench.panel.stop()
        await asyncio.sleep(3_600)
        assert not bench.relay.live()

    played(story())


def test_a_person_at_the_device_is_not_fought() -> None:
    async def story() -> None:
        bench = Bench()
        await bench.passes(30, renewing=0)
        bench.relay.press(True)
        await bench.passes(120, renewing=0)
        assert bench.relay.live()
        assert bench.moved_to == [True]
        assert bench.faults[-1] == LEFT_ALONE
        bench.hold(None)
        await bench.passes(10)
        assert bench.faults[-1] is None
        await bench.panel.stop()

    played(story())


def test_where_nobody_says_who_moved_it_it_is_put_back_once_and_then_the_person_wins() -> None:
    async def story() -> None:
        reads = {
            name: {**STATE, "at": at, **more}
            for name, at, more in (
                ("on", "/on", {"words": {"true": "on", "false": "off"}}),
                ("power", "/w", {"unit": "W"}),
            )
        }
        bench = Bench(form=template(read=reads))
        await bench.passes(30, renewing=0)
        bench.relay.press(True)
        await bench.passes(10)
        assert not bench.relay.live()
        assert bench.moved_to == []
        bench.relay.press(True)
        await bench.passes(60, renewing=0)
        assert bench.relay.live()
        assert bench.moved_to == [True]
        await bench.panel.stop()

    played(story())


def test_a_device_that_starts_anew_is_told_again_at_once_and_complains_after_the_fourth_time() -> (
    None
):
    async def story() -> None:
        bench = Bench()
        await bench.passes(30, renewing=0)
        for _ in range(4):
            bench.relay.reboot()
            assert bench.relay.live()
            await bench.passes(20, renewing=0)
            assert not bench.relay.live()
        assert bench.moved_to == []
        assert bench.notices == ["it started anew 4 times in a day; is its power good?"]
        await bench.panel.stop()

    played(story())


def test_what_is_found_off_and_was_not_ordered_is_left_alone() -> None:
    async def story() -> None:
        bench = Bench(may_be_ours=False)
        bench.relay.press(False)
        bench.hold(None)
        bench.switch(True)
        await bench.passes(60)
        assert not bench.relay.live()
        assert bench.relay.writes == []
        assert bench.moved_to == [False]
        await bench.panel.stop()

    played(story())


@pytest.mark.parametrize(
    ("by", "moved_to"),
    [("http", []), ("timer", []), ("button", [False])],
)
def test_where_nobody_remembers_what_an_event_may_have_left_off_comes_back(
    by: str, moved_to: list[bool]
) -> None:
    async def story() -> None:
        bench = Bench(may_be_ours=None)
        bench.relay.on, bench.relay.by = False, by
        bench.relay.back_s = None if by == "button" else 100.0
        bench.hold(None)
        bench.switch(True)
        await bench.passes(160)
        assert bench.relay.live() is (by != "button")
        assert bench.moved_to == moved_to
        await bench.panel.stop()

    played(story())


def test_where_nobody_remembers_what_stays_off_longer_than_a_lease_is_left_alone() -> None:
    async def story() -> None:
        bench = Bench(may_be_ours=None)
        bench.relay.on, bench.relay.by = False, "somebody"
        bench.hold(None)
        await bench.passes(100)
        assert bench.moved_to == []
        await bench.passes(100)
        assert bench.moved_to == [False]
        assert bench.relay.writes == []
        await bench.panel.stop()

    played(story())


def test_what_this_program_may_have_left_off_is_given_back_at_the_start() -> None:
    async def story() -> None:
        bench = Bench(may_be_ours=True)
        bench.relay.on = False
        bench.hold(None)
        bench.switch(True)
        await bench.passes(10)
        assert bench.relay.live()
        await bench.panel.stop()

    played(story())


def test_only_what_differs_is_switched() -> None:
    async def story() -> None:
        bench = Bench()
        bench.hold(None)
        bench.switch(True)
        await bench.passes(60)
        assert bench.relay.writes == []
        await bench.panel.stop()

    played(story())


def test_a_reading_carries_its_age_and_comes_at_the_pace_of_the_device() -> None:
    async def story() -> None:
        bench = Bench()
        first = await bench.driver.readings()
        assert first == {"a": Measured(LOAD_W, 0)}
        assert await bench.driver.readings() == {}
        await asyncio.sleep(5)
        assert await bench.driver.readings() == {"a": Measured(LOAD_W, 0)}
        await bench.panel.stop()

    played(story())


def test_a_dead_device_is_asked_less_and_less_often() -> None:
    async def story() -> None:
        bench = Bench()
        bench.relay.fault = "dead"
        asked = 0
        for _ in range(300):
            try:
                await bench.driver.readings()
            except LinkFault:
                asked += 1
            await asyncio.sleep(1)
        assert 5 <= asked <= 10
        await bench.panel.stop()

    played(story())


def test_twelve_dead_devices_hold_up_nobody() -> None:
    async def story() -> None:
        benches = [Bench() for _ in range(13)]
        for bench in benches[1:]:
            bench.relay.fault = "dead"
        drivers = {f"c{n}": bench.driver for n, bench in enumerate(benches)}
        for id, driver in drivers.items():
            driver.circuit = id
        circuits = "".join(f"  {id}: {{rated: 2 kW, shed: 100 %}}\n" for id in drivers)
        spec = site(f"site: {{id: v}}\ncircuits:\n{circuits}")
        panel = Panel(spec, drivers, lambda *_: None, lambda *_: None, lambda: None)
        loop, heard = asyncio.get_running_loop(), dict[str, Any]()
        for _ in range(10):
            began_s = loop.time()
            heard |= (await panel.read())[0]
            assert loop.time() - began_s <= 0.2 + 1e-6
            await asyncio.sleep(0.5)
        assert heard == {"c0": LOAD_W}
        await panel.stop()

    played(story())


@pytest.mark.parametrize("seen", ["2 s", "10 s", "60 s"])
@pytest.mark.parametrize("fault", ["dead", "deaf"])
def test_a_device_that_may_take_long_is_no_reason_to_start_the_program_again(
    fault: str, seen: str
) -> None:
    async def story() -> None:
        bench = Bench(form=template(pace={"seen": seen}))
        bench.relay.fault = fault
        bench.hold(0)
        for _ in range(300):
            await bench.passes(1)
            now_ms = round(asyncio.get_running_loop().time() * 1000)
            stalled = stalled_parts(Progress(now_ms, None, bench.panel.busy_ms()), now_ms)
            assert stalled == ()
        assert bench.faults[-1] is not None
        await bench.panel.stop()

    played(story())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "free", "dead", "deaf", "well", "reboot", "press on"]),
        st.integers(1, 90),
    ),
    max_size=12,
)


@settings(max_examples=examples(60), deadline=None)
@given(STEPS)
def test_whatever_fails_once_nothing_is_required_the_circuit_is_free_as_soon_as_it_can_be_reached(
    steps: list[tuple[str, int]],
) -> None:
    async def story() -> None:
        bench = Bench()
        renewing: int | None = None
        for step, seconds in steps:
            match step:
                case "hold":
                    renewing = 0
                case "free":
                    renewing = None
                    bench.hold(None)
                case "dead" | "deaf":
                    bench.relay.fault = step
                case "well":
                    bench.relay.fault = None
                case "reboot":
                    bench.relay.reboot()
                case "press on":
                    bench.relay.press(True)
            await bench.passes(seconds, renewing)
        bench.hold(None)
        bench.relay.fault = None
        await bench.passes(65)
        assert bench.relay.live()
        assert bench.relay.most_in_flight <= 2, "one write and one read"
        await bench.panel.stop()

    played(story())


@pytest.mark.parametrize("fault", ["dead", "deaf"])
def test_a_release_is_tried_until_it_is_done(fault: str) -> None:
    async def story() -> None:
        bench = Bench(form=template(lease=None, write=_without_lease()))
        bench.hold(0)
        await bench.passes(10)
        assert not bench.relay.live()
        bench.relay.fault = fault
        bench.hold(None)
        await bench.passes(600)
        assert not bench.relay.live()
        bench.relay.fault = None
        await bench.passes(65)
        assert bench.relay.live()
        await bench.panel.stop()

    played(story())


def _without_lease() -> dict[str, Any]:
    return {"on": {"get": "/on"}, "off": {"get": "/off"}}
