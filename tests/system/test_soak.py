"""T15: days of the whole controller in simulated time; nothing grows that is not let go again.

What is kept of the past is bounded so low here that the first day fills it. SOAK_DAYS=30 plays
longer; `make soak HOURS=24` runs a real one that long.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import statemachine.curtail.limits
import venctl.health.health_monitor
import venctl.health.watchdog
import venctl.store.journal
import venctl.store.storage
import venctl.telemetry
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.simulated.simulated_site import World, play

DAYS = int(os.environ.get("SOAK_DAYS", "2"))
SPEC = site(MAPLE.replace("sim:", "telemetry: {every: 60 s, shadow_every: 300 s}\nsim:"))
APART_S = 8.0  # looks and the like, so that a day takes half a minute
EVERY_HOUR_S = 3_600.0
MOST_PAGES = 20 * 1024 * 1024 // 4096
ANSWERS = 8 * 24 * 4  # of a week, and of the day that is over
KEPT_EVENTS, KEPT_DECISIONS, TRIM_EVERY = 20, 500, 100
MOST_MORE = 500  # objects of Python's own, out of 90,000


@dataclass(frozen=True, slots=True)
class Sample:
    """What there is at the end of a day."""

    objects: Counter[str]
    tasks: int
    rows: dict[str, int]
    pages: int


@contextmanager
def shortened() -> Iterator[None]:
    """Looks less often, and no less often than the watchdog bears; a past that is full in a day."""
    with ExitStack() as every:
        every.enter_context(patch.object(statemachine.curtail.limits, "KEPT", KEPT_EVENTS))
        every.enter_context(patch.object(venctl.store.journal, "KEEP_DECISIONS", KEPT_DECISIONS))
        every.enter_context(patch.object(venctl.store.journal, "TRIM_EVERY", TRIM_EVERY))
        for module in (venctl.telemetry, venctl.health.health_monitor, venctl.store.storage):
            every.enter_context(patch.object(module, "LOOK_S", APART_S))
        every.enter_context(patch.object(venctl.health.watchdog, "EVERY_S", APART_S))
        yield


async def hour(world: World, number: int) -> None:
    """What happens in an hour: events, switches, wishes, and a broker that goes away."""
    id, name = f"e{number}", "lights1"
    event = world.operator(op="event", event_id=id, shed_kw=2, duration_sec=600)
    await asyncio.sleep(300)
    world.operator(op="event", event_id=id, revision=1, shed_kw=3, duration_sec=900)
    world.page(op="setLoad", loadId=name, enabled=bool(number % 2), confirm_critical=True)
    await asyncio.sleep(900)
    wished = {"circuits": {"misc1": {"enabled": bool(number % 2)}}}
    world.broker.wish(SPEC.site.id, "", {"desired": wished})
    await asyncio.sleep(600)
    world.broker.set(up=False)
    await asyncio.sleep(60)
    world.broker.set(up=True)
    await asyncio.sleep(EVERY_HOUR_S - 1_860)
    assert [ack["status"] for ack in event.acks] == ["accepted"]
    assert all(len(asked.acks) == 1 for asked in world.asked.values() if not asked.lost)
    assert not any(one.hold_w is not None for one in world.wall.all.values())
    assert world.wall.all["lights1"].on == world.wall.all["misc1"].on == bool(number % 2)


def sample(world: World) -> Sample:
    """What is there, once what the world itself has kept is let go."""
    world.trace.clear()
    world.asked.clear()
    world.loop.tasks = [task for task in world.loop.tasks if not task.done()]
    gc.collect()
    kinds = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    tables = ("part", "answered", "todo", "counter", "decision")
    query = world.disk.db.execute
    rows = {name: query(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
    return Sample(kinds, len(world.loop.tasks), rows, query("PRAGMA page_count").fetchone()[0])


@contextmanager
def lines() -> Iterator[Counter[str]]:
    """How often each kind of line is logged."""
    found: Counter[str] = Counter()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found[str(record.msg)] += 1

    ear, log = Ear(logging.WARNING), logging.getLogger("venctl")
    log.addHandler(ear)
    try:
        yield found
    finally:
        log.removeHandler(ear)


def test_in_days_of_events_switches_and_flaps_nothing_grows() -> None:
    samples: list[Sample] = []

    async def story(world: World) -> None:
        world.born()
        await asyncio.sleep(10)
        for number in range(DAYS * 24):
            await hour(world, number)
            if number % 24 == 23:
                samples.append(sample(world))

    with shortened(), lines() as logged:
        play(1, story, [], SPEC)
    first, last = samples[0], samples[-1]
    more = +(last.objects - first.objects)
    print(f"{DAYS} days: {sum(more.values())} objects more, {last.tasks} tasks, {last.rows}")
    assert not logged, logged
    assert {one.tasks for one in samples} == {first.tasks}
    ours = {kind: n for kind, n in more.items() if kind.startswith(("statemachine", "venctl"))}
    assert not ours, ours
    assert sum(more.values()) < MOST_MORE, more.most_common(20)
    assert last.rows["decision"] <= KEPT_DECISIONS + TRIM_EVERY
    assert last.rows["answered"] <= ANSWERS and last.rows["todo"] == 0
    assert last.rows["part"] <= KEPT_EVENTS + len(SPEC.circuits) + 20
    assert last.pages <= MOST_PAGES
