"""A broker that keeps no shadow: the link is heard all the same, and nobody is asked for one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from statemachine import Spec
from statemachine.state.effects import Effect, GetShadow, Report
from statemachine.state.shadow import WishOutcome
from statemachine.state.triggers import Connected, Disconnected, Restarted, Trigger
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import read_scenario
from tests.kit.core.sample_sites import PANEL, site
from tests.kit.harness import Harness
from tests.kit.mqtt.link_peer import HANG_S, endpoint
from tests.kit.mqtt.mosquitto import Mosquitto
from venctl.link.uplink import Uplink

OFF = PANEL + "cloud: {kind: mqtt, host: 127.0.0.1}\n"
SERVED = PANEL + "cloud: {kind: mqtt, host: 127.0.0.1, shadow: serve}\n"
CALL = {"op": "event", "shed_kw": 1, "duration_sec": 600}


def asked(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, GetShadow | Report)]


def days(desk: Harness, spec: Spec, down_s: float) -> None:
    """The program is away, and comes back with what it kept, under a file that may be another."""
    desk.take(spec)
    desk.ms += round(down_s * 1000)
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    desk.read()


def test_a_site_without_a_shadow_asks_nobody_for_one() -> None:
    desk, served = Harness(site(OFF)), Harness(site(SERVED))
    for one in (desk, served):
        one.read()
    assert asked(served.hear(Connected(**served.stamp())))
    assert not asked(desk.hear(Connected(**desk.stamp())))
    assert not asked(desk.hear(desk.command(**CALL, event_id="e")))
    assert desk.memory.shadow.state == "offline"
    desk.wait(1_800)
    assert desk.memory.shadow.state == "offline" and desk.memory.shadow.asked_ms == 0


def test_a_shadow_of_another_broker_is_left_as_it_was_and_its_decisions_are_kept() -> None:
    desk = Harness(site(PANEL))
    desk.read()
    desk.hear(Connected(**desk.stamp()))
    known = {"heater": WishOutcome(False, 7, 200, "", desk.ms)}
    desk.memory = desk.memory.__class__(
        **{**vars(desk.memory), "shadows": {"": _with(desk, decided=known, alarms={"loop": 1})}}
    )
    days(desk, site(OFF), 5)
    shadow = desk.memory.shadow
    assert (shadow.state, shadow.in_flight, shadow.wants, dict(shadow.wakes)) == (
        *("offline", None, ""),
        {},
    )
    assert shadow.decided == known and not shadow.alarms


def _with(desk: Harness, **news: Any) -> Any:
    shadow = desk.memory.shadow
    return type(shadow)(**{**vars(shadow), **news})


@pytest.mark.parametrize("text", [OFF, SERVED, PANEL])
def test_after_an_absence_undated_commands_are_taken_again_once_the_queue_has_drained(
    text: str,
) -> None:
    desk = Harness(site(text))
    desk.read()
    desk.hear(Connected(**desk.stamp()))
    desk.ask(op="event", event_id="known", shed_kw=1, duration_sec=1)
    days(desk, desk.spec, 66)
    assert desk.ask(**CALL, event_id="a")["reason"] == "expired"
    desk.hear(Connected(**desk.stamp()))
    assert desk.ask(**CALL, event_id="b")["reason"] == "expired", "the broker may have kept it"
    desk.ms += 6_000
    assert desk.ask(**CALL, event_id="c")["status"] == "accepted"


DAY = """
steps:
  - {at: 0:01:00, event: {id: e1, shed: 1 kW, for: 10 min, door: operator}}
  - {at: 0:02:00, crash: {down: 70 s}}
  - {at: 0:04:00, link: lost}
  - {at: 0:04:10, link: back}
  - {at: 0:05:00, restore: {event: e1, door: operator}}
"""


def test_p46_holds_of_a_day_without_a_shadow() -> None:
    spec = site(OFF)
    scenario = read_scenario(DAY, "day.yaml", spec)
    assert not list(violations_of(Play(spec, scenario)))


@pytest.mark.parametrize("text", [OFF, SERVED])
async def test_the_core_hears_of_the_link_with_and_without_a_shadow(
    broker: Mosquitto, text: str
) -> None:
    heard: asyncio.Queue[Trigger] = asyncio.Queue()
    uplink = Uplink(
        site(text), endpoint(broker.port, "ven-test"), lambda number: None, heard.put_nowait
    )
    uplink.start()
    async with asyncio.timeout(HANG_S):
        assert isinstance(await heard.get(), Connected)
        assert uplink.connected()
        broker.kill()
        assert isinstance(await heard.get(), Disconnected)
        assert not uplink.connected()
    await uplink.stop()
