"""Clock, link and certificate are looked after, and what is wrong with them is an alarm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from tests.kit.core.alarming import Core
from tests.kit.simulated.skipping import run
from tests.kit.simulated.storing import AtOnce
from venctl.health import alarms, health_monitor
from venctl.health.health_monitor import HealthMonitor
from venctl.link.tls import CertificateDates, ConfigProblem
from web.controller_port import LinkView

NOW_S = 1_700_000_000
UP = LinkView("connected", "mqtt", "broker:8883", 1.0, 0, None, None, ())
DAY_S = 86_400


@dataclass
class World:
    """A machine whose clock may be set, a link and a certificate."""

    core: Core
    set_by_ms: int = 0
    link: LinkView = UP
    ends_s: int | None = None
    wrong: str = ""
    since: list[tuple[float, list[str]]] = field(default_factory=list)

    def clocks(self) -> tuple[int, int]:
        mono_ms = round(asyncio.get_running_loop().time() * 1000)
        return NOW_S * 1000 + mono_ms + self.set_by_ms, mono_ms

    def dates(self) -> CertificateDates | None:
        if self.wrong:
            raise ConfigProblem(self.wrong, "")
        return None if self.ends_s is None else CertificateDates(0, self.ends_s)

    def lose(self, why: str) -> None:
        since = asyncio.get_running_loop().time() + 1
        self.link = replace(UP, state="disconnected", detail=why, since=since)

    @property
    def standing(self) -> list[str]:
        return list(self.core.memory.alarms)


def play(
    monkeypatch: pytest.MonkeyPatch, seconds: float, *steps: tuple[float, Callable[[World], None]]
) -> World:
    """What stands after so long, when the steps are done at their times."""

    async def story() -> World:
        world, loop = World(Core()), asyncio.get_running_loop()
        monkeypatch.setattr(health_monitor, "clocks", world.clocks)
        monkeypatch.setattr(alarms, "clocks", world.clocks)
        for at_s, step in steps:
            loop.call_later(at_s, step, world)
        looks = HealthMonitor(
            world.core.alarms, lambda: world.link, world.dates, lambda name: AtOnce()
        )
        task = loop.create_task(looks.run())
        await asyncio.sleep(seconds)
        task.cancel()
        return world

    return run(story())


def sets(by_ms: int) -> Callable[[World], None]:
    return lambda world: setattr(world, "set_by_ms", world.set_by_ms + by_ms)


def loses(why: str) -> Callable[[World], None]:
    return lambda world: world.lose(why)


def comes_back(world: World) -> None:
    world.link = UP


@pytest.mark.parametrize(
    ("by_ms", "told", "alarm"),
    [(5_000, False, False), (-5_001, True, False), (60_000, True, False), (-60_001, True, True),
     (3_600_000, True, True), (-10**12, True, True)],
)  # fmt: skip
def test_a_clock_that_is_set_is_logged_and_by_more_than_a_minute_an_alarm(
    by_ms: int, told: bool, alarm: bool,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    with caplog.at_level(logging.WARNING, "venctl.health.health_monitor"):
        world = play(monkeypatch, 60, (20.5, sets(by_ms)))
    assert len(caplog.records) == told and world.standing == ["clock"] * alarm


def test_a_broker_that_is_away_for_five_minutes_is_an_alarm_until_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = (10.5, loses("connection refused"))
    assert play(monkeypatch, 300, away).standing == []
    assert play(monkeypatch, 320, away).standing == ["broker"]
    assert play(monkeypatch, 330, away, (325, comes_back)).standing == []


def test_who_is_sent_away_twice_by_its_own_id_is_told_of_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    why = "disconnected (session taken over)"
    once, twice = [(10.5, loses(why)), (12.5, comes_back)], [(14.5, loses(why)), (16.5, comes_back)]
    assert play(monkeypatch, 60, *once).standing == []
    assert play(monkeypatch, 60, *once, *twice).standing == ["takeover"]
    assert play(monkeypatch, 700, *once, *twice).standing == [], "it is over after ten minutes"
    assert play(monkeypatch, 60, *once, (14.5, loses("keep alive"))).standing == []


@pytest.mark.parametrize(
    ("ends_s", "wrong", "alarm"),
    [(None, "", False), (NOW_S + 31 * DAY_S, "", False), (NOW_S + 29 * DAY_S, "", True),
     (NOW_S - 1, "", True), (None, "our certificate expired", True)],
)  # fmt: skip
def test_a_certificate_that_ends_within_a_month_is_an_alarm_until_there_is_another(
    ends_s: int | None, wrong: str, alarm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def becomes(world: World) -> None:
        world.ends_s, world.wrong = ends_s, wrong

    def is_renewed(world: World) -> None:
        world.ends_s, world.wrong = NOW_S + 365 * DAY_S, ""

    assert play(monkeypatch, 3_700, (1_000, becomes)).standing == ["certificate"] * alarm
    assert play(monkeypatch, 7_300, (1_000, becomes), (4_000, is_renewed)).standing == []
