"""T1: the program dies in the middle of each kind of thing it does, at each of its steps and each
touch of the world: before and after each commit, deed of a driver, publish and answer.

CRASHES=all plays every step with five seeds; otherwise each touch, and every seventh step.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.kit.simulated.simulated_site import SITE, World, play
from tests.kit.simulated.site_story import Story

ALL = os.environ.get("CRASHES") == "all"
SEEDS, STEPS_APART = (5, 1) if ALL else (1, 7)
MANY = 1_000_000
RESTATED_S, SETTLED_S, BACK_S = 2.0, 5.0, 40.0
LIGHTS = "lights1"


@dataclass(frozen=True, slots=True)
class Flow:
    """What is done before, and how long that takes; the thing itself, and how long that takes."""

    before: Callable[[Story], float]
    deed: Callable[[Story], object]
    lasts_s: float


def nothing(story: Story) -> float:
    return 0.0


def called(story: Story, in_s: int, lasts_s: int) -> None:
    now_s = story.world.clocks()[0] // 1000
    times = {"start_ts": now_s + in_s} if in_s else {}
    said = {"op": "event", "event_id": "e", "shed_kw": 2, "duration_sec": lasts_s, **times}
    story.events["e"] = story.world.operator(**said)


def starts(story: Story) -> float:
    called(story, 3, 60)
    return 1.5


def ends(story: Story) -> float:
    called(story, 0, 10)
    return 8.0


def wish(story: Story) -> None:
    story.on[LIGHTS] = {False}
    wished = {"desired": {"circuits": {LIGHTS: {"enabled": False}}}}
    story.world.broker.wish(SITE.site.id, "", wished)


def switch(story: Story) -> None:
    story.on[LIGHTS].add(False)
    story.world.page(op="setLoad", loadId=LIGHTS, enabled=False)


def switch_from_afar(story: Story) -> None:
    story.on[LIGHTS] = {False}
    story.world.operator(op="setLoad", loadId=LIGHTS, enabled=False)


def lock(story: Story) -> None:
    story.locked[LIGHTS].add(True)
    story.world.page(op="setLock", loadId=LIGHTS, locked=True)


def setting(story: Story) -> None:
    story.world.operator(op="setConfig", data={"report_interval_seconds": 7})


FLOWS = {
    "a wish of the cloud": Flow(nothing, wish, 3.0),
    "a switch at the site": Flow(nothing, switch, 3.0),
    "a switch from afar": Flow(nothing, switch_from_afar, 3.0),
    "a lock": Flow(nothing, lock, 3.0),
    "a setting": Flow(nothing, setting, 3.0),
    "the call of an event": Flow(nothing, lambda story: called(story, 0, 60), 3.0),
    "the start of an event": Flow(starts, nothing, 4.0),
    "the end of an event": Flow(ends, nothing, 7.0),
}
Doom = tuple[str, int]  # steps_left or edges_left, and how many


def lived(flow: Flow, seed: int, doom: Doom) -> int:
    """One flow in a world of its own, with a doom on the program from its deed on.

    Answers how much of the doom is left where it never fell.
    """
    left: list[int] = []

    async def story(world: World) -> None:
        one = Story(world)
        world.born()
        await asyncio.sleep(5 + flow.before(one))
        life, (what, _) = world.lives[-1], doom
        setattr(life, *doom)
        world.moved.clear()
        flow.deed(one)
        await asyncio.sleep(flow.lasts_s)
        left.append(getattr(life, what))
        setattr(life, what, None)
        await restated(world)
        await settled(one)
        assert all(count == 1 for count in world.moved.values()), world.moved
        await one.come_to_rest()
        if flow.deed is setting:
            assert world.controller is not None and world.controller.memory.every_ms == 7_000

    play(seed, story, [])
    return left[0]


async def restated(world: World) -> None:
    """The program is back, and what is remembered is what is."""
    await until(world, lambda: world.controller is not None)
    left_s = RESTATED_S
    while differing(world) and left_s > 0:
        await asyncio.sleep(0.1)
        left_s -= 0.1
    assert not differing(world)


def differing(world: World) -> list[str]:
    """The circuits that are not as the program remembers them."""
    assert world.controller is not None
    return [
        f"{id}: {one.on}, {one.hold_w}; remembered are {live.enabled}, {live.held_w}"
        for id, live in world.controller.memory.circuits.items()
        if (one := world.wall.all[id]).on != live.enabled or one.hold_w != live.held_w
    ]


async def settled(story: Story) -> None:
    """Soon after it is connected the shadow wishes nothing more, and says what is."""
    world = story.world
    await until(world, lambda: world.controller is not None and world.controller.connected())
    await asyncio.sleep(SETTLED_S)
    story.the_shadow_says_so({id: one.on for id, one in world.wall.all.items()})


async def until(world: World, done: Callable[[], bool]) -> None:
    end_s = world.loop.time() + BACK_S
    while not done():
        assert world.loop.time() < end_s, "the program does not come back"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("what", ["steps_left", "edges_left"])
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_wherever_the_program_dies_in_it_nothing_is_lost_or_done_twice(
    name: str, what: str, seed: int
) -> None:
    flow = FLOWS[name]
    count = MANY - lived(flow, seed, (what, MANY))
    assert count > 5
    for number in range(1, count + 1, STEPS_APART if what == "steps_left" else 1):
        try:
            lived(flow, seed, (what, number))
        except AssertionError as wrong:
            wrong.add_note(f"{name}, {what} {number}, seed {seed}")
            raise
