"""A car charger over a link: a modelled wallbox with a watchdog, and what really flows."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.device.control import WiredLoad
from statemachine.device.form import Template
from statemachine.device.requests import HttpRequest, LinkAnswer, Order, Query
from statemachine.kit.strict_json import compact_text
from tests.kit.core.sample_sites import site
from tests.kit.depth import examples
from tests.kit.simulated.skipping import run
from tests.kit.simulated.wired_fakes import Seat
from venctl.drivers.links import LinkFault, LinkState

VOLTS, FULL_AMPS, WATCHDOG_S, FAILSAFE_AMPS = 690, 16, 15, 6
RATED_W = VOLTS * FULL_AMPS
SITE = site(
    "site: {id: v}\ncircuits:\n"
    "  a: {type: ev, rated: 11.04 kW, shed: 100 %, control: ev_pilot, volts: 230, phases: 3}\n"
)
AMPS = {"get": "/amps/{whole_amps}"}


def template(watchdog: bool) -> Template:
    lease = {"by": ["limit", "off", "on", "free"], "longest": "15 s", "ends_in": "failsafe"}
    return Template.model_validate(
        {
            "device": "wallbox",
            "title": "A wallbox",
            "speaks": "http",
            "key": "host",
            "params": {"host": {"means": "its address"}},
            "control": "ev_pilot",
            "read": {
                "limit": {"get": "/state", "at": "/amps", "unit": "A"},
                "power": {"get": "/state", "at": "/w", "unit": "W"},
            },
            "write": {"limit": AMPS, "free": AMPS, "off": {"get": "/amps/0"}, "on": AMPS},
            "pace": {"poll": "2 s"},
            "lease": lease if watchdog else None,
            "sources": ["invented here"],
        }
    )


class Wallbox:
    """As a link to it. Whoever does not feed its watchdog finds it at the failsafe current."""

    def __init__(self, watchdog: bool) -> None:
        self.amps, self.dead, self._watchdog = FULL_AMPS, False, watchdog
        self._fed_s = self._now_s()
        self.writes: list[int] = []

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def limit(self) -> int:
        starved = self._watchdog and self._now_s() - self._fed_s > WATCHDOG_S
        return min(self.amps, FAILSAFE_AMPS) if starved else self.amps

    @property
    def watts(self) -> int:
        return self.limit * VOLTS

    async def ask(self, query: Query) -> LinkAnswer:
        await self._passed()
        return LinkAnswer(compact_text({"amps": self.limit, "w": self.watts}), 0)

    async def tell(self, order: Order) -> None:
        await self._passed()
        assert isinstance(order, HttpRequest)
        amps = int(order.path.rpartition("/")[2])
        assert amps == 0 or 6 <= amps <= FULL_AMPS, "a charger takes 0, or 6 A and more"
        self.amps, self._fed_s = amps, self._now_s()
        self.writes.append(amps)

    async def _passed(self) -> None:
        if self.dead:
            await asyncio.sleep(1)
            raise LinkFault("10.0.0.9 does not answer", up=False)
        await asyncio.sleep(0.03)

    def state(self) -> LinkState:
        return LinkState("10.0.0.9", True, 0, 0, 0, None)

    async def close(self) -> None:
        """Nothing is open."""


class Bench(Seat):
    """A panel with one charger, which nobody moves and which does not start anew."""

    def __init__(self, watchdog: bool) -> None:
        self.wallbox = Wallbox(watchdog)
        load = WiredLoad("ev_pilot", VOLTS, RATED_W)
        super().__init__(template(watchdog), self.wallbox, load, spec=SITE, host="10.0.0.9")

    def moved(self, circuit: str, on: bool) -> None:
        raise AssertionError("nobody moves it here")

    def noticed(self, circuit: str, text: str | None) -> None:
        raise AssertionError("it does not start anew here")


HOLDS = st.one_of(st.none(), st.just(0), st.integers(4_140, RATED_W - 1))


@settings(max_examples=examples(40), deadline=None)
@given(st.booleans(), st.lists(st.tuples(HOLDS, st.integers(8, 100), st.booleans()), max_size=6))
def test_a_charger_draws_no_more_than_it_is_held_at_and_all_it_likes_when_it_is_free(
    watchdog: bool, steps: list[tuple[int | None, int, bool]]
) -> None:
    async def story() -> None:
        bench = Bench(watchdog)
        for held_w, seconds, dead in steps:
            bench.wallbox.dead = dead
            if held_w is None:
                bench.hold(None)
            await bench.passes(seconds, held_w)
            if not dead and held_w is not None and seconds >= 70:
                assert bench.wallbox.watts <= held_w
                assert bench.wallbox.watts == 0 or bench.wallbox.watts > held_w - VOLTS
        bench.wallbox.dead = False
        bench.hold(None)
        await bench.passes(70, None)
        assert bench.wallbox.watts == RATED_W
        await bench.panel.stop()

    run(story())


def test_a_watchdog_is_fed_while_the_circuit_is_held_and_while_it_is_free() -> None:
    async def story() -> None:
        bench = Bench(watchdog=True)
        await bench.passes(120, 6_900)
        assert bench.wallbox.limit == 10
        bench.hold(None)
        for _ in range(120):
            await bench.passes(1, None)
        assert bench.wallbox.limit == FULL_AMPS
        await bench.panel.stop()

    run(story())


def test_a_limit_that_an_earlier_life_left_is_removed() -> None:
    async def story() -> None:
        bench = Bench(watchdog=False)
        bench.wallbox.amps = 6
        bench.hold(None)
        await bench.passes(5, None)
        assert bench.wallbox.limit == FULL_AMPS
        await bench.panel.stop()

    run(story())
