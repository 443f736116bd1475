"""What a test of wired circuits concludes, on invented sites whose truth is known.

A `World` has outlets with loads, a device at each, and meters that may hang at a wrong cable, or
the wrong way round. The oracle reads the world, never the meters.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.commissioning.judgement import (
    LEAST_PROOF_W,
    MAIN,
    Recording,
    WiringFinding,
    conclusive,
    judge,
    worst,
)
from statemachine.commissioning.series import LEAST_MOVE_W, MeterSample, OffOnStep
from statemachine.commissioning.words import sentence
from tests.kit.depth import examples

Health = Literal["well", "mute", "stuck"]
QUIET_MS, OFF_MS, BACK_MS, LAG_MS = 10_000, 8_000, 8_000, 1_500


@dataclass
class World:
    """Outlet n feeds load n and is switched by device n; meter n was meant to hang at outlet n."""

    draws_w: list[int]
    meter_at: dict[int, int]
    """Meter: the outlet that it really sees. A circuit that is absent has no meter."""
    turned: set[int] = field(default_factory=set)
    health: Health = "well"
    main: Literal["none", "well", "turned"] = "well"
    noise: Callable[[], int] = lambda: 0
    feeds: int | None = None
    """The meter that is out of reach while the circuit is off."""
    beside: Callable[[int], int] = lambda at_ms: 700

    def record(self, number: int, steps: int = 1) -> Recording:
        """Switch a circuit, and note all meters each second."""
        meters: dict[str, list[MeterSample]] = {name(meter): [] for meter in self.meter_at}
        main: list[MeterSample] = []
        done, at_ms = [], 0
        for _ in range(steps):
            off_ms, on_ms = at_ms + QUIET_MS, at_ms + QUIET_MS + OFF_MS
            seen_ms = None if self.health == "mute" else off_ms + 200
            done.append(
                OffOnStep(
                    quiet_ms=at_ms,
                    off_ms=off_ms,
                    off_seen_ms=seen_ms,
                    on_ms=on_ms,
                    on_seen_ms=on_ms + 200,
                    end_ms=on_ms + BACK_MS,
                )
            )
            while at_ms < on_ms + BACK_MS:
                flows = not off_ms + LAG_MS <= at_ms < on_ms + LAG_MS or self.health != "well"
                off = off_ms <= at_ms < on_ms and self.health == "well"
                self._note(number, at_ms, flows, off, meters, main)
                at_ms += 1_000
        return Recording(name(number), tuple(done), meters, main or None)

    def _note(
        self,
        number: int,
        at_ms: int,
        flows: bool,
        off: bool,
        meters: dict[str, list[MeterSample]],
        main: list[MeterSample],
    ) -> None:
        drawn = [w if flows or n != number else 0 for n, w in enumerate(self.draws_w)]
        for meter, outlet in self.meter_at.items():
            watts = (drawn[outlet] + self.noise()) * (-1 if meter in self.turned else 1)
            lost = off and meter == self.feeds
            meters[name(meter)].append(MeterSample(at_ms, None if lost else watts))
        if self.main != "none":
            watts = sum(drawn) + self.beside(at_ms) + self.noise()
            main.append(MeterSample(at_ms, -watts if self.main == "turned" else watts))


def name(number: int) -> str:
    return f"c{number}"


def verdict(world: World, number: int = 0) -> tuple[WiringFinding, ...]:
    """As the command comes to it: what is doubtful is repeated."""
    found = judge(world.record(number))
    return found if conclusive(found) else judge(world.record(number, steps=2))


def kinds(found: tuple[WiringFinding, ...]) -> list[str]:
    return [finding.kind for finding in found]


def truth(world: World, number: int) -> WiringFinding | str:
    """The kind of the first finding that is true of a circuit of a quiet world."""
    watts = world.draws_w[number]
    if world.health == "mute":
        return "not_seen"
    if world.health == "stuck":
        own = world.meter_at.get(number)
        if own is None:
            return "no_meter"
        return "deaf" if world.draws_w[own] >= LEAST_PROOF_W else "too_small"
    if world.meter_at.get(number) == number:
        if number in world.turned:
            return "reversed"
        return "ok" if watts >= LEAST_PROOF_W else "too_small"
    if sees := [meter for meter, outlet in world.meter_at.items() if outlet == number]:
        return f"exchanged {name(sees[0])}"
    if world.main == "none":
        own = world.meter_at.get(number)
        if own is None:
            return "no_meter"
        return "deaf" if world.draws_w[own] >= LEAST_PROOF_W else "too_small"
    if number in world.meter_at:
        return "elsewhere"
    return "ok_by_main" if world.main == "well" else "main_reversed"


FLICKER_W = 5


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Two to five circuits; loads prove something or are off."""
    count = draw(st.integers(2, 5))
    load = st.one_of(st.just(0), st.integers(2 * LEAST_PROOF_W, 22_000))
    metered = draw(st.lists(st.sampled_from(range(count)), unique=True))
    places = draw(st.one_of(st.just(metered), st.permutations(metered)))
    seed = draw(st.integers(0, 10**6))
    dice = random.Random(seed)
    return World(
        draws_w=draw(st.lists(load, min_size=count, max_size=count)),
        meter_at=dict(zip(metered, places, strict=True)),
        turned=set(draw(st.lists(st.sampled_from(metered), unique=True))) if metered else set(),
        health=draw(st.sampled_from(["well", "well", "mute", "stuck"])),
        main=draw(st.sampled_from(["none", "well", "turned"])),
        noise=lambda: dice.randint(-FLICKER_W, FLICKER_W),
    )


@settings(max_examples=examples(400), deadline=None)
@given(worlds())
def test_the_verdict_is_the_truth_about_the_cables(world: World) -> None:
    if world.draws_w[0] == 0 and world.health == "well":
        return
    first = verdict(world)[0]
    said = f"exchanged {first.others[0]}" if first.kind == "exchanged" else first.kind
    assert said == truth(world, 0)


@settings(max_examples=examples(200), deadline=None)
@given(worlds())
def test_a_circuit_that_draws_nothing_is_neither_praised_nor_accused(world: World) -> None:
    world.draws_w[0] = 0
    for finding in verdict(world):
        assert finding.kind in ("too_small", "deaf", "no_meter", "not_seen")


@settings(max_examples=examples(200), deadline=None)
@given(worlds())
def test_a_main_meter_is_called_reversed_only_if_it_is(world: World) -> None:
    said = "main_reversed" in kinds(verdict(world))
    if said:
        assert world.main == "turned"
    elif world.main == "turned" and world.health == "well" and world.draws_w[0]:
        assert set(kinds(verdict(world))) & {"elsewhere"}


@settings(max_examples=examples(200), deadline=None)
@given(worlds(), st.integers(0, 10**6))
def test_whatever_else_the_site_draws_a_good_circuit_is_good(world: World, seed: int) -> None:
    dice = random.Random(seed)
    world.health, world.main, world.turned = "well", "well", set()
    world.meter_at[0], world.draws_w[0] = 0, max(500, world.draws_w[0])
    for meter, outlet in list(world.meter_at.items()):
        if meter != 0 and outlet == 0:
            del world.meter_at[meter]
    world.beside = lambda at_ms: dice.randint(0, 4_000)
    found = verdict(world)
    assert found[0].kind == "ok"
    assert worst([finding.grade for finding in found]) in ("ok", "warning")


@given(worlds())
@settings(max_examples=examples(100), deadline=None)
def test_every_finding_is_one_sentence_that_names_what_it_is_about(world: World) -> None:
    for finding in verdict(world):
        said = sentence(finding)
        assert said and said.isprintable()
        assert all(other in said for other in finding.others)


def test_a_kettle_that_goes_off_by_accident_makes_no_meter_wrong() -> None:
    """The other circuit's meter falls in the first step only."""
    world = World([0, 2_000], {0: 0, 1: 1})
    recording = world.record(0, steps=2)
    first = recording.steps[0]
    kettle = [
        MeterSample(one.at_ms, 0 if first.off_ms < one.at_ms < first.on_ms else one.watts)
        for one in recording.meters["c1"]
    ]
    told = Recording("c0", recording.steps, {**recording.meters, "c1": kettle}, recording.main)
    assert kinds(judge(told)) == ["too_small"]


def shown(recording: Recording, name: str, watts: Callable[[MeterSample], int | None]) -> Recording:
    """The same, but one meter showed something else."""
    series = [MeterSample(one.at_ms, watts(one)) for one in recording.meters[name]]
    return replace(recording, meters={**recording.meters, name: series})


def test_of_two_meters_that_moved_the_one_is_meant_that_moved_like_the_main_meter() -> None:
    recording = World([2_010, 700, 700], {0: 2, 1: 0, 2: 2}).record(0, steps=2)
    offs = [(step.off_ms, step.on_ms) for step in recording.steps]

    def beyond(one: MeterSample) -> int:
        """It is not behind the main meter."""
        return 0 if any(off_ms <= one.at_ms < on_ms for off_ms, on_ms in offs) else 9_000

    first = judge(shown(recording, "c2", beyond))[0]
    assert (first.kind, first.others, first.watts) == ("exchanged", ("c1",), 2_010)


def test_another_circuit_that_goes_off_meanwhile_makes_no_main_meter_wrong() -> None:
    world = World([1_500, 4_000], {0: 0, 1: 1})
    recording = world.record(0)
    (step,) = recording.steps
    other = [0 if step.off_ms <= one.at_ms < step.on_ms else 4_000 for one in recording.main or ()]
    main = [
        MeterSample(one.at_ms, (one.watts or 0) - 4_000 + watts)
        for one, watts in zip(recording.main or (), other, strict=True)
    ]
    told = shown(recording, "c1", lambda one: other[one.at_ms // 1_000])
    assert kinds(judge(replace(told, main=main))) == ["ok"]


def test_a_load_that_goes_on_falling_did_not_come_back() -> None:
    recording = World([1_500], {0: 0}).record(0)
    (step,) = recording.steps

    def falling(one: MeterSample) -> int:
        return 1_500 if one.at_ms < step.off_ms else 200 if one.at_ms < step.on_ms else 0

    assert kinds(judge(replace(shown(recording, "c0", falling), main=None))) == ["not_back"]


def test_one_reading_that_fails_is_no_lost_link() -> None:
    recording = World([1_500], {0: 0}).record(0)
    (step,) = recording.steps

    def once(one: MeterSample) -> int | None:
        return None if one.at_ms == step.on_ms - 1_000 else one.watts

    assert kinds(judge(shown(recording, "c0", once))) == ["ok"]


def test_a_load_may_take_its_time_to_go_off() -> None:
    recording = World([6_000], {0: 0}).record(0)
    (step,) = recording.steps

    def slow(one: MeterSample) -> int:
        gone_s = (one.at_ms - step.off_ms) // 1_000
        off = step.off_ms <= one.at_ms < step.on_ms
        return max(0, 6_000 - 1_500 * max(0, gone_s)) if off else 6_000

    assert kinds(judge(replace(shown(recording, "c0", slow), main=None))) == ["ok"]


def test_a_circuit_that_feeds_the_way_to_another_device_is_named() -> None:
    world = World([1_500, 400], {0: 0, 1: 1}, feeds=1)
    (finding,) = verdict(world)
    assert (finding.kind, finding.others, finding.grade) == ("lost_link", ("c1",), "failed")
    assert "shed: never" in sentence(finding)


def test_a_meter_that_sees_a_second_load_is_noticed() -> None:
    world = World([1_500], {0: 0})
    recording = world.record(0)
    own = [MeterSample(one.at_ms, (one.watts or 0) + 600) for one in recording.meters["c0"]]
    (finding,) = judge(Recording("c0", recording.steps, {"c0": own}))
    assert (finding.kind, finding.watts, finding.of_w) == ("partly", 1_500, 600)


def test_a_load_that_waits_before_it_starts_is_a_warning() -> None:
    recording = World([1_500], {0: 0}).record(0)
    (step,) = recording.steps
    own = [
        MeterSample(one.at_ms, 0 if one.at_ms >= step.off_ms else one.watts)
        for one in recording.meters["c0"]
    ]
    (finding,) = judge(Recording("c0", recording.steps, {"c0": own}))
    assert (finding.kind, finding.grade) == ("not_back", "warning")


def test_a_main_meter_that_sees_one_of_three_phases_is_noticed() -> None:
    world = World([9_000], {0: 0})
    recording = world.record(0)
    third = [MeterSample(one.at_ms, (one.watts or 0) // 3) for one in recording.main or ()]
    found = judge(Recording("c0", recording.steps, recording.meters, third))
    assert kinds(found) == ["ok", "main_differs"]
    assert "phases" in sentence(found[1])


def test_a_circuit_that_is_not_behind_the_main_meter_is_noticed() -> None:
    recording = World([1_500], {0: 0}).record(0)
    still = [MeterSample(one.at_ms, 700) for one in recording.main or ()]
    found = judge(Recording("c0", recording.steps, recording.meters, still))
    assert kinds(found) == ["ok", "main_unmoved"]


def test_a_restless_main_meter_says_nothing_against_a_circuit() -> None:
    dice = random.Random(1)
    world = World([300], {0: 0}, beside=lambda at_ms: dice.randint(0, 3_000))
    assert kinds(judge(world.record(0))) == ["ok", "main_restless"]


@pytest.mark.parametrize("watts", [0, LEAST_MOVE_W - 1, LEAST_PROOF_W - 1])
def test_less_than_50_w_prove_nothing(watts: int) -> None:
    assert kinds(verdict(World([watts, 800], {0: 0, 1: 1}))) == ["too_small"]


def test_a_device_that_never_says_off_although_its_load_goes_off_is_not_the_right_one() -> None:
    recording = World([1_500], {0: 0}).record(0)
    (step,) = recording.steps
    unseen = OffOnStep(
        quiet_ms=step.quiet_ms,
        off_ms=step.off_ms,
        off_seen_ms=None,
        on_ms=step.on_ms,
        on_seen_ms=step.on_seen_ms,
        end_ms=step.end_ms,
    )
    (finding,) = judge(Recording("c0", (unseen,), recording.meters))
    assert finding.kind == "unconfirmed"


def test_the_sentence_of_an_exchange_names_the_other_and_the_watts() -> None:
    world = World([2_010, 700], {0: 1, 1: 0})
    (finding, *_) = verdict(world)
    assert sentence(finding) == (
        "no change at the own meter, but c1's fell by 2,010 W: the two are exchanged"
    )


def test_the_main_meter_out_of_reach_counts_as_lost_too() -> None:
    recording = World([1_500], {0: 0}).record(0)
    (step,) = recording.steps
    main = [
        MeterSample(one.at_ms, None if step.off_ms <= one.at_ms < step.on_ms else one.watts)
        for one in recording.main or ()
    ]
    (finding,) = judge(Recording("c0", (step,), recording.meters, main))
    assert finding.others == (MAIN,)
