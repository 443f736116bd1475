"""Below the planner: whatever is asked of a circuit, it is done only as the file allows it, and a
plan that keeps the rules never hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from statemachine import Spec
from statemachine.interlock.device_state import LAG_MS
from statemachine.interlock.guarded_circuit import GuardedCircuit
from statemachine.interlock.headroom import Headroom
from statemachine.interlock.interlock import Interlock, Ruling
from statemachine.interlock.wanted_state import Deed, DeviceAnswer
from statemachine.returns.idle import idle_after_ms
from statemachine.state.effects import BY_EVENT, Hold, Switch
from statemachine.verify.world.drivers import Drivers
from statemachine.verify.world.panel import played
from statemachine.verify.world.play import Moment, Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.campaigns.days import FILES
from tests.kit.core.random_sites import invent_site
from tests.kit.core.sample_sites import site
from venctl.simulate.search import random_day

LOOK_MS, FOREVER_MS = 1_000, 10**9
SITE = site("""
site: {id: v, service: 24 kW}
circuits:
  pump: {rated: 2 kW, shed: 100 %, control: relay, min_on: 5 min, min_off: 3 min, max_off: 10 min}
  tank: {rated: 1 kW, shed: 100 %, max_off: 10 min}
  cold: {rated: 1 kW, type: fridge, shed: 20 %}
  lamp: {rated: 1 kW, shed: 70 %, floor: 400 W}
  car:  {rated: 7.2 kW, type: ev, control: ev_pilot, shed: 50 %}
  iron: {rated: 2 kW, shed: 100 %, control: relay, comes_back: by_hand, max_off: 5 min}
  lift: {rated: 3 kW, shed: never}
  gauge: {rated: 1 kW, control: none}
""")


class Line:
    """One circuit, its interlock and a driver that does at once what it is told."""

    def __init__(self, id: str, spec: Spec = SITE, draws_w: int | None = None) -> None:
        self.id, self.ms = id, 0
        self.headroom = Headroom(spec.site.service)
        self.guarded = GuardedCircuit(id, spec, self.headroom, 0)
        self.draws_w = spec.circuits[id].rated if draws_w is None and id in spec.circuits else 0
        self.draws_w = self.draws_w if draws_w is None else draws_w
        self.done: list[tuple[int, Deed]] = []
        self.told: list[str | None] = []

    def hold(self, watts: int | None) -> Line:
        return self.put(Hold(self.id, watts, self.ms + 120_000))

    def put(self, deed: Deed) -> Line:
        self._hear(self.guarded.put(deed, self.ms))
        self._work()
        return self

    def wait(self, seconds: int) -> Line:
        for _ in range(seconds):
            self.ms += 1_000
            self._hear(self.guarded.look(self.ms))
            self._work()
            self.guarded.seen(self.drawn_w, self.ms)
        return self

    @property
    def held_w(self) -> int | None:
        holds = [deed.watts for _, deed in self.done if isinstance(deed, Hold)]
        return holds[-1] if holds else None

    @property
    def drawn_w(self) -> int:
        off = [not deed.enabled for _, deed in self.done if isinstance(deed, Switch)]
        if off and off[-1]:
            return 0
        return self.draws_w if self.held_w is None else min(self.draws_w, self.held_w)

    def _hear(self, every: list[DeviceAnswer]) -> None:
        self.told.extend(told.fault for told in every)

    def _work(self) -> None:
        while (deed := self.guarded.begin(self.ms)) is not None:
            self.done.append((self.ms, deed))
            self._hear(self.guarded.ended(deed, None, self.ms))


def running(id: str, spec: Spec = SITE) -> Line:
    """A circuit that was let be for a while."""
    return Line(id, spec).hold(None).put(Switch(id, True, "file")).wait(10)


# -- how little may be left -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "asked_w", "held_w", "why"),
    [
        ("cold", 300, 800, "it cannot be held at 0.3 kW: it sheds at most 20 %"),
        ("cold", 0, 800, "it cannot be held at 0 kW: it sheds at most 20 %"),
        (
            "lamp",
            100,
            400,
            "it cannot be held at 0.1 kW: it sheds at most 70 %, with a floor of 0.4 kW",
        ),
        ("car", 1_440, 3_600, "it cannot be held at 1.44 kW: it sheds at most 50 %"),
        ("car", 0, 3_600, "it cannot be held at 0 kW: it sheds at most 50 %"),
        ("pump", 700, None, "a relay is on or off, and cannot be held at 0.7 kW"),
        ("lift", 0, None, "it has `shed: never` in ven.yaml"),
        ("gauge", 500, None, "it has no `shed` in ven.yaml"),
        ("stranger", 0, None, "this circuit is not in ven.yaml, so it is not held or switched"),
    ],
)
def test_a_hold_below_what_a_circuit_may_be_left_is_clipped_or_refused_and_told(
    id: str, asked_w: int, held_w: int | None, why: str
) -> None:
    line = running(id) if id in SITE.circuits else Line(id).hold(None)
    line.told.clear()
    line.hold(asked_w)
    assert (line.held_w, line.told) == (held_w, [why])
    line.wait(30).hold(asked_w)
    assert line.told == [why], "once, not with every renewal"


def test_the_limit_is_a_share_of_what_was_drawn_before_the_hold_not_of_what_is_held() -> None:
    line = running("cold")
    for watts in (800, 640, 512):
        line.hold(watts).wait(60)
        assert line.held_w == 800, "no hold makes room for the next"


def test_the_limit_falls_with_a_load_that_needs_less_than_it_is_left() -> None:
    line = running("cold").hold(800).wait(60)
    line.draws_w = 500
    line.wait(5).hold(400)
    assert line.held_w == 400


def test_a_load_that_rose_while_it_was_held_is_no_news() -> None:
    line = running("cold").hold(800)
    line.draws_w = 1_900
    assert line.wait(60).hold(800).held_w == 800 and line.told[-1] is None


def test_a_hold_that_was_clipped_and_is_right_at_last_is_told_as_done() -> None:
    line = running("cold").hold(300).hold(800)
    assert line.held_w == 800 and line.told[-1] is None


# -- how long it may be off -----------------------------------------------------------------------


def test_what_is_off_for_too_long_is_given_back_although_nobody_says_a_word() -> None:
    line = running("tank").hold(0)
    line.wait(600 + LAG_MS // 1000 - 1)
    assert line.held_w == 0
    assert line.wait(1).held_w is None
    assert line.told[-1] == "it was off for 10 min, its maximum"


def test_what_was_given_back_stays_so_until_something_else_is_wanted() -> None:
    line = running("tank").hold(0).wait(700)
    assert line.hold(0).wait(1_000).held_w is None
    assert line.hold(None).hold(0).held_w == 0


def test_what_comes_back_by_hand_is_never_let_on_by_the_interlock() -> None:
    assert running("iron").hold(0).wait(3_000).held_w == 0


def test_nothing_is_given_back_while_the_main_breaker_has_no_room() -> None:
    line = running("tank").hold(0)
    line.headroom.seen({"tank": 0, "pump": 2_000}, 21_500)
    assert line.wait(1_000).held_w == 0
    line.headroom.seen({}, 20_000)
    assert line.wait(2).held_w is None


def test_two_that_come_back_at_once_both_need_room() -> None:
    room = Headroom(3_000)
    room.seen({"a": 0, "b": 0}, 500)
    assert room.take("a", 2_000, 0) and not room.take("b", 2_000, 9_000)
    assert room.take("b", 2_000, 10_000), "a reading shows by then what came back"


# -- rest and run times ---------------------------------------------------------------------------


def test_what_rests_is_let_on_once_it_has_rested_and_is_kept_off_until_then() -> None:
    line = running("pump").wait(300).hold(0).wait(20).hold(None)
    assert line.told[-1] == "it must be off for 3 min first"
    off_ms = line.ms - 20_000
    line.wait(200)
    leases = [
        deed.until_ms - ms for ms, deed in line.done if isinstance(deed, Hold) and ms > off_ms
    ]
    assert min(leases[:-1]) == 120_000, "its lease is renewed: nobody else would"
    assert line.done[-1][0] == off_ms + 180_000 and line.held_w is None and line.told[-1] is None


def test_what_came_on_is_taken_off_once_it_has_run_and_not_before() -> None:
    line = running("pump").wait(300).hold(0).wait(180).hold(None)
    on_ms = line.ms
    line.wait(10).hold(0)
    assert line.held_w is None
    assert line.told[-1] == "it must run for 5 min before it is switched off"
    assert line.wait(300).done[-1][0] == on_ms + 300_000 and line.held_w == 0


def test_what_stopped_by_itself_has_rested_since_then() -> None:
    line = running("pump")
    line.draws_w = 0
    line.wait(200).hold(0).wait(5).hold(None)
    assert line.held_w is None and line.told[-1] is None


def test_a_person_switches_off_at_any_time_and_on_again_with_a_rest() -> None:
    line = running("pump").put(Switch("pump", False, "page"))
    assert line.drawn_w == 0
    line.wait(20).put(Switch("pump", True, "page"))
    assert line.drawn_w == 0 and line.wait(160).drawn_w == 2_000
    line.put(Switch("pump", False, "page"))
    assert line.drawn_w == 0 and line.wait(5_000).drawn_w == 0, "for as long as they like"


def test_what_was_off_for_too_long_still_rests_when_a_person_switches_it() -> None:
    line = running("pump").wait(300).hold(0).wait(1_000)
    line.put(Switch("pump", False, "page")).wait(5).put(Switch("pump", True, "page"))
    assert line.drawn_w == 0 and line.wait(180).drawn_w == 2_000


@pytest.mark.parametrize(("enabled", "way"), [(False, "off"), (True, "on")])
def test_no_event_switches_anything(enabled: bool, way: str) -> None:
    line = running("tank").put(Switch("tank", not enabled, "page"))
    drawn_w = line.drawn_w
    line.put(Switch("tank", enabled, BY_EVENT)).wait(5)
    assert line.drawn_w == drawn_w
    assert line.told[-1] == f"an event cannot switch it {way}, and no person asked for it"


def test_only_what_comes_back_by_hand_is_switched_off_for_an_event() -> None:
    assert running("iron").hold(0).put(Switch("iron", False)).hold(None).drawn_w == 0


# -- starts and other files -----------------------------------------------------------------------


def test_after_a_start_the_first_hold_is_believed_and_what_is_tighter_is_judged() -> None:
    line = Line("cold").hold(300).wait(5)
    assert line.held_w == 300 and line.told == [None]
    assert line.hold(200).held_w == 240, "of the 300 W that were read"
    late_s = (SITE.circuits["cold"].min_off_ms + idle_after_ms(SITE)) // 1000
    line = Line("cold").hold(0).wait(late_s + 1)
    assert line.held_w is None, "yet it does not stay so for good"


def test_after_a_start_a_rest_that_nobody_knows_of_keeps_nothing_off() -> None:
    assert Line("pump").hold(0).wait(1).hold(None).held_w is None


def test_a_file_that_allows_less_gives_load_its_time_to_come_back() -> None:
    line = running("tank").hold(0)
    less = site("site: {id: v}\ncircuits:\n  tank: {rated: 1 kW, shed: 20 %}\n")
    line.guarded.use(less, line.ms)
    assert line.wait(60).hold(0).held_w == 0
    assert line.hold(300).held_w == 300, "it comes back in steps"
    assert line.hold(200).held_w == 800


# -- wrong plans, and right ones ------------------------------------------------------------------


@dataclass
class Truth:
    """One breaker as a bystander sees it. `held_ms`: since when it is off though nobody switched it
    off; `free_w`: the least it would have drawn since it was last
    let be; `idle`: its meter showed nothing at the last look, or when it went off.
    """

    off_ms: int | None = None
    on_ms: int | None = None
    held_ms: int | None = None
    free_w: int = 10**9
    idle: bool = False
    was_idle: bool = False


class Wrong:
    """Random holds and switches out of nowhere, over breakers that do as they are told."""

    def __init__(self, dice: Random) -> None:
        self.dice, self.ms = dice, 0
        scenario = Scenario.model_validate({"loads": "steady", "steps": []})
        self.breakers = played(SITE, scenario, None)
        self.drivers = Drivers(SITE, self.breakers, lambda until_ms: until_ms, 0)
        self.all = {id: Truth() for id in SITE.circuits}
        for id in SITE.circuits:
            self.drivers.put(Hold(id, None, FOREVER_MS), 0)
            self.drivers.put(Switch(id, True, "file"), 0)
        self.go_on(10_000)

    def run(self, length_ms: int) -> None:
        while self.ms < length_ms:
            for _ in range(self.dice.choice((0, 0, 1, 3))):
                self.ask(self.dice.choice(list(SITE.circuits)))
            self.go_on(self.ms + self.dice.choice((1_000, 5_000, 30_000, 200_000)))

    def ask(self, id: str) -> None:
        dice, circuit = self.dice, SITE.circuits[id]
        if not dice.randrange(4):
            self.breakers.loads.set_w[id] = dice.choice((0, circuit.rated // 3, circuit.rated))
        elif not dice.randrange(4):
            by = "page" if circuit.goes_off and dice.randrange(2) else BY_EVENT
            self.drivers.put(Switch(id, bool(dice.randrange(2)), by), self.ms)
        else:
            watts = dice.choice((None, 0, 0, 1, 100, circuit.rated // 2, circuit.rated))
            self.drivers.put(Hold(id, watts, FOREVER_MS), self.ms)

    def go_on(self, until_ms: int) -> None:
        while self.ms < until_ms:
            look_ms = (self.ms // LOOK_MS + 1) * LOOK_MS
            self.ms = max(self.ms, min(look_ms, self.drivers.next_ms() or look_ms))
            list(self.drivers.go_on(self.ms))
            if self.ms == look_ms:
                self.look()
            for id, truth in self.all.items():
                self.check(id, truth)

    def look(self) -> None:
        drawn = {id: self.breakers.drawn_w(id, self.ms) for id in self.all}
        self.drivers.seen(drawn, 0, self.ms)
        for id, truth in self.all.items():
            held, free_w = (
                self.breakers.all[id].hold_w is not None,
                self.breakers.loads.free_w(id, self.ms),
            )
            truth.idle = drawn[id] <= SITE.circuits[id].idle_w
            if self.breakers.all[id].on:
                truth.free_w = min(truth.free_w, free_w) if held else free_w

    def check(self, id: str, truth: Truth) -> None:
        circuit, breaker = SITE.circuits[id], self.breakers.all[id]
        off = not breaker.on or breaker.hold_w == 0
        if off and truth.off_ms is None:
            ran_ms = self.ms - truth.on_ms if truth.on_ms is not None else circuit.min_on_ms
            assert ran_ms >= circuit.min_on_ms - LAG_MS or not breaker.on, f"{id} ran {ran_ms} ms"
            truth.off_ms, truth.was_idle = self.ms, truth.idle
        elif not off and truth.off_ms is not None:
            off_ms = self.ms - truth.off_ms
            rested = off_ms >= circuit.min_off_ms - LAG_MS
            assert rested or truth.was_idle, f"{id} rested {off_ms} ms"
            truth.on_ms, truth.off_ms = self.ms, None
        if off and breaker.on and circuit.max_off_ms and circuit.comes_back == "alone":
            truth.held_ms = self.ms if truth.held_ms is None else truth.held_ms
            held_ms, most_ms = self.ms - truth.held_ms, circuit.max_off_ms + LAG_MS + LOOK_MS
            assert held_ms <= most_ms, f"{id} was off for {held_ms} ms"
        else:
            truth.held_ms = None
        self.check_limit(id, truth)

    def check_limit(self, id: str, truth: Truth) -> None:
        circuit, held_w = SITE.circuits[id], self.breakers.all[id].hold_w
        if held_w is None or circuit.goes_off:
            return
        assert circuit.shed_percent and not circuit.locked, f"{id} is held"
        cut_w = min(truth.free_w * circuit.shed_percent // 100, truth.free_w - circuit.floor)
        assert held_w >= truth.free_w - max(0, cut_w), f"{id}: {held_w} W of {truth.free_w} W"


@pytest.mark.parametrize("seed", range(40))
def test_no_wrong_plan_breaks_what_the_file_declares(seed: int) -> None:
    Wrong(Random(seed)).run(3 * 3_600_000)


def days(numbers: range) -> list[tuple[str, int]]:
    return [
        *(("random", number) for number in numbers),
        *((name, number) for name in ("house", "shop") for number in numbers[::4]),
    ]


def day(name: str, number: int) -> Play:
    dice = Random(f"{name}:{number}")
    spec = invent_site(dice) if name == "random" else site(FILES[name].read_text("utf-8"))
    _, words = random_day(spec, dice)
    return Play(spec, Scenario.model_validate(words))


def decided(play: Play) -> Iterator[tuple[object, ...]]:
    for moment in play.moments():
        yield from said(moment)
        assert play.drivers.overruled() == []


def said(moment: Moment) -> Iterator[tuple[object, ...]]:
    yield moment.ms, moment.trigger, tuple(moment.effects), moment.fault


@pytest.mark.parametrize(("name", "number"), days(range(12)))
def test_on_a_correct_day_it_says_nothing_and_changes_nothing(
    name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it = list(decided(day(name, number)))
    monkeypatch.setattr(Interlock, "hold", lambda self, asked, *_: Ruling(asked))
    monkeypatch.setattr(Interlock, "switch", lambda self, asked, *_: Ruling(asked))
    assert list(decided(day(name, number))) == with_it
