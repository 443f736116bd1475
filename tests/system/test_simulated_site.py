"""T16: the whole controller in simulated time, and whatever fails around it, out of a seed.

SEEDS=5000 plays as many, SEED=17 begins there; `make simulate` plays 20,000 over all cores.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.kit.campaigns.stories import kept
from tests.kit.simulated.simulated_site import SITE, World, play
from tests.kit.simulated.site_story import broken_by

SEEDS, FIRST = int(os.environ.get("SEEDS", "80")), int(os.environ.get("SEED", "1"))
TOGETHER = 20


def holds(seed: int) -> None:
    wrong, trace = broken_by(seed)
    if wrong:
        story = "\n".join(trace)
        raise AssertionError(f"SEED={seed} SEEDS=1: {wrong}\n{story}")


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, TOGETHER))
def test_whatever_fails_nothing_is_lost_and_every_circuit_is_free_in_the_end(first: int) -> None:
    for seed in range(first, min(first + TOGETHER, FIRST + SEEDS)):
        holds(seed)


@pytest.mark.parametrize("seed", kept())
def test_what_broke_a_rule_once_breaks_none_any_more(seed: int) -> None:
    holds(seed)


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_seed_tells_the_same_story_every_time(seed: int) -> None:
    assert broken_by(seed) == broken_by(seed)


def test_a_site_that_reads_its_journal_late_hears_what_the_cloud_wishes() -> None:
    async def story(world: World) -> None:
        world.set_disk(unreadable=True)
        world.born()
        await asyncio.sleep(10)
        assert world.controller is not None and world.controller.blind
        assert world.controller.connected()
        world.set_disk()
        await asyncio.sleep(5)
        assert not world.controller.blind
        wish = {"circuits": {"lights1": {"enabled": False}}}
        world.broker.wish(SITE.site.id, "", {"desired": wish})
        await asyncio.sleep(10)
        assert not world.wall.all["lights1"].on
        assert not world.broker.shadows[SITE.site.id, ""].desired

    play(1, story, [])


def test_a_dead_program_does_nothing_more() -> None:
    async def story(world: World) -> None:
        world.born()
        await asyncio.sleep(5)
        world.operator(op="event", event_id="e", shed_kw=2, duration_sec=600)
        await asyncio.sleep(5)
        assert any(one.hold_w is not None for one in world.wall.all.values())
        world.lives[-1].kill("here")
        before = len(world.trace)
        await asyncio.sleep(0.1)
        assert len(world.trace) == before
        await asyncio.sleep(30)
        assert world.controller is not None and "e" in world.controller.memory.events

    play(1, story, [])
