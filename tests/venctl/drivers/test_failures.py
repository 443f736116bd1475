"""Failures that others have met with such devices, and what this program makes of each.

The numbers are those of the table in docs/devices.md. The devices answer as real ones do
(tests/kit/devices); the truth is the wiring behind them; time only seems to pass.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise
from typing import Any

import pytest

from statemachine.device.control import WiredLoad
from statemachine.device.form import Template
from statemachine.device.requests import LinkAnswer, Order, Query
from tests.kit.devices.faults import Deaf, Refusing, Status
from tests.kit.devices.http.chargers import OpenEvse
from tests.kit.devices.http.home_assistant import HomeAssistant
from tests.kit.devices.http.meters import EspHome
from tests.kit.devices.mqtt.zigbee2mqtt import Plug, Zigbee2Mqtt
from tests.kit.devices.shelly import Shelly
from tests.kit.devices.wiring import Wiring
from tests.kit.simulated.skipping import run
from tests.kit.simulated.wired_fakes import HttpLine, MqttLine, Seat, SeemingClock
from venctl.devices.catalog import shipped
from venctl.drivers.device import LEFT_ALONE
from venctl.drivers.links import LinkFault

WATTS = 1_400
RELAY = WiredLoad("relay", 230, WATTS)
CAR = WiredLoad("ev_pilot", 230, 7_360)
LEASE_S = 120
STALE_MS = 60_000


def house() -> Wiring:
    return Wiring(clock=SeemingClock())


def shelly(**more: Any) -> tuple[Shelly, Seat]:
    wiring = house()
    plug = Shelly.plug(wiring, wiring.outlet("pump", WATTS), **more)
    return plug, Seat("shelly", HttpLine(plug), RELAY, host="10.0.0.9")


def zigbee() -> tuple[Zigbee2Mqtt, Plug, Seat]:
    wiring = house()
    bridge = Zigbee2Mqtt(wiring, broker=0)
    plug = bridge.plug("pump", wiring.outlet("pump", WATTS))
    return bridge, plug, Seat("zigbee2mqtt", MqttLine(bridge), RELAY, name="pump")


def test_failure_1_a_leased_load_of_a_killed_program_is_back_2_s_after_its_lease() -> None:
    async def story() -> None:
        plug, seat = shelly()
        await seat.passes(90, renewing=0)
        assert plug.relay.outlet.watts == 0
        await seat.panel.stop()  # as kill -9 would: nothing is given back
        await asyncio.sleep(LEASE_S + 2)
        assert plug.relay.outlet.watts == WATTS

    run(story())


def test_failure_3_a_relay_that_reads_off_while_its_meter_sees_the_load_is_a_fault_in_words() -> (
    None
):
    async def story() -> None:
        plug, seat = shelly()
        await seat.passes(10)
        plug.relay.outlet.stuck = True
        await seat.passes(30, renewing=0)
        assert not plug.relay.on and plug.relay.outlet.watts == WATTS
        assert seat.faults[-1] == "it says that it is off, but its meter shows 1.4 kW"
        assert {watts for _, watts, _ in seat.read} == {WATTS}, "never counted as shed"
        plug.relay.outlet.stuck = False
        plug.relay.outlet.closed = False
        await seat.passes(70, renewing=0)
        assert seat.faults[-1] is None
        await seat.panel.stop()

    run(story())


def test_failure_3_a_car_that_draws_more_than_its_limit_is_told_too() -> None:
    async def story() -> None:
        wiring = house()
        charger = OpenEvse(wiring, wiring.outlet("car", 7_360))
        seat = Seat("openevse", HttpLine(charger), CAR, host="10.0.0.9")
        charger.outlet.stuck = True
        await seat.passes(90, renewing=6 * 230)
        assert charger.pilot_a == 6
        said = "it says that it is limited to 1.38 kW, but its meter shows 7.36 kW"
        assert seat.faults[-1] == said
        await seat.panel.stop()

    run(story())


def test_failure_4_a_device_that_was_away_and_returns_on_is_held_again_within_one_poll(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        wiring = house()
        plug = EspHome(wiring, wiring.outlet("pump", WATTS))
        seat = Seat("esphome", HttpLine(plug), RELAY, switch="relay", sensor="power")
        await seat.passes(30, renewing=0)
        for _ in range(3):
            plug.fault = Refusing()
            await seat.passes(25)
            plug.boot(cold=True)
            plug.fault = None
            assert plug.outlet.watts == WATTS
            caplog.clear()
            seat.hold(0)
            await seat.passes(60)
            assert plug.outlet.watts == 0, "and nobody at the device is thought of"
            lines = [one for one in caplog.messages if "no longer stands as told" in one]
            assert len(lines) <= 1
        assert seat.moved_to == []
        await seat.panel.stop()

    with caplog.at_level(logging.WARNING):
        run(story())


def test_failure_4_a_device_that_blinks_is_held_again_within_one_poll() -> None:
    async def story() -> None:
        plug, seat = shelly()
        await seat.passes(30, renewing=0)
        plug.booted = plug.clock.now()
        plug.boot(cold=True)
        plug.relay.outlet.closed = plug.relay.on = True
        await seat.passes(7)
        assert plug.relay.outlet.watts == 0
        await seat.panel.stop()

    run(story())


def test_failure_6_power_that_stands_still_counts_as_0_only_because_off_was_read_back() -> None:
    async def story() -> None:
        _, plug, seat = zigbee()
        plug.frozen_when_off = True
        await seat.passes(30)
        assert seat.read[-1][1] == WATTS
        await seat.passes(60, renewing=0)
        assert plug.last["power"] == WATTS and plug.last["state"] == "OFF"
        assert seat.read[-1][1] == 0
        assert seat.faults == [None]
        await seat.panel.stop()

    run(story())


@pytest.mark.parametrize("held", [None, 0])
def test_failure_7_the_same_message_on_and_on_of_a_plug_that_is_gone_makes_it_unread(
    held: int | None,
) -> None:
    async def story() -> None:
        bridge, plug, seat = zigbee()
        bridge.every_s = 5
        bridge.available_for_s = 1e9  # availability that never falls, as #27652
        await seat.passes(60, renewing=held)
        plug.unplugged = True
        seat.read.clear()
        await seat.passes(120, renewing=held)
        now_s = asyncio.get_running_loop().time()
        fresh = [at_s for at_s, _, age_ms in seat.read if age_ms < STALE_MS]
        assert not fresh or now_s - max(fresh) > 45
        await seat.panel.stop()

    run(story())


def test_failure_7_a_plug_that_is_reported_offline_is_unread_and_has_a_fault() -> None:
    async def story() -> None:
        bridge, plug, seat = zigbee()
        bridge.available_for_s = 20
        await seat.passes(30)
        plug.unplugged = True
        await seat.passes(90)
        seat.read.clear()
        await seat.passes(60)
        assert seat.read == []
        assert seat.driver.fault == "the device is reported offline"
        await seat.panel.stop()

    run(story())


def test_rule_16_a_device_whose_will_alone_tells_that_it_is_back_is_told_again_at_once() -> None:
    async def story() -> None:
        bridge, plug, seat = zigbee()
        bridge.every_s, bridge.available_for_s = 5, 20
        for _ in range(4):
            await seat.passes(30, renewing=0)
            plug.unplugged = True
            await seat.passes(60)
            plug.unplugged, plug.on, plug.outlet.closed = False, True, True
            bridge.report("pump")
            await seat.passes(70, renewing=0)
            assert plug.outlet.watts == 0
        assert seat.moved_to == []
        assert seat.notices == ["it started anew 4 times in a day; is its power good?"]
        await seat.passes(86_400)
        assert seat.notices[-1] is None
        await seat.panel.stop()

    run(story())


HEARTBEAT = {
    "device": "plug",
    "title": "A plug that wants to be fed",
    "speaks": "http",
    "key": "host",
    "params": {"host": {"means": "its address"}},
    "control": "relay",
    "read": {"on": {"get": "/state", "words": {"1": "on", "0": "off"}}},
    "write": {
        "off": [{"get": "/set/0"}, {"get": "/heartbeat/{lease_s}"}],
        "on": {"get": "/set/1"},
    },
    "lease": {"by": ["off"]},
    "sources": ["evcc-io/evcc#22262"],
}


class NoHeartbeat:
    """A device with a register for a heartbeat that cannot be written."""

    def __init__(self) -> None:
        self.on, self.beats = True, 0

    async def ask(self, query: Query) -> LinkAnswer:
        await asyncio.sleep(0.03)
        return LinkAnswer(str(int(self.on)), 0)

    async def tell(self, order: Order) -> None:
        await asyncio.sleep(0.03)
        path = getattr(order, "path", "")
        if path.startswith("/heartbeat"):
            self.beats += 1
            raise LinkFault("10.0.0.9 answers with: illegal data address", up=True)
        self.on = path == "/set/1"

    def state(self) -> Any:
        return None

    async def close(self) -> None:
        """Nothing is open."""


def test_failure_12_a_refused_heartbeat_is_told_once_and_the_hold_counts_by_its_read_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        device = NoHeartbeat()
        seat = Seat(Template.model_validate(HEARTBEAT), device, RELAY, host="10.0.0.9")
        await seat.passes(600, renewing=0)
        assert not device.on
        assert device.beats >= 14
        assert seat.faults == [None]
        said = (
            "it stands as told, but refused a command: 10.0.0.9 answers with: illegal data address"
        )
        assert seat.notices == [said]
        await seat.panel.stop()

    with caplog.at_level(logging.WARNING):
        run(story())
    assert caplog.messages == []


def test_failure_18_who_restarts_each_15_min_is_told_again_and_the_fourth_names_the_cause() -> None:
    async def story() -> None:
        wiring = house()
        plug = EspHome(wiring, wiring.outlet("pump", WATTS))
        line = HttpLine(plug)
        seat = Seat("esphome", line, RELAY, switch="relay", sensor="power", uptime="uptime")
        for number in range(1, 6):
            await seat.passes(900, renewing=0)
            assert plug.outlet.watts == 0
            assert bool(seat.notices) is (number > 4)
            plug.booted = plug.clock.now()
            plug.boot(cold=False)
            assert plug.outlet.watts == WATTS
            await seat.passes(10)
            assert plug.outlet.watts == 0, "told again within a poll"
        assert seat.moved_to == []
        assert "reboot_timeout" in (seat.notices[0] or "")
        await seat.panel.stop()

    run(story())


def test_failure_19_a_target_that_swings_around_6_a_moves_a_contactor_once_a_minute() -> None:
    async def story() -> None:
        wiring = house()
        charger = OpenEvse(wiring, wiring.outlet("car", 7_360))
        seat = Seat("openevse", HttpLine(charger), CAR, host="10.0.0.9")
        await seat.passes(10)
        for minute in range(60):
            for turn in range(12):
                seat.hold((0, 6 * 230)[turn % 2])
                await seat.passes(5)
            assert charger.cycles <= 2 * (minute + 2), "closed once, opened once"
        assert charger.cycles >= 60
        assert seat.notices == ["it was switched off 50 times in a day, which wears its relay out"]
        seat.hold(None)
        await seat.passes(130)
        assert charger.outlet.watts == 7_360
        await seat.panel.stop()

    run(story())


class LateStatus(HttpLine):
    """Tells the state of 1.5 s ago, as firmware that is late with it."""

    async def ask(self, query: Query) -> LinkAnswer:
        answer, now_s = await super().ask(query), asyncio.get_running_loop().time()
        past: list[tuple[float, LinkAnswer]] = self.__dict__.setdefault("past", {}).setdefault(
            query, []
        )
        past.append((now_s, answer))
        return next((old for at_s, old in reversed(past) if at_s <= now_s - 1.5), past[0][1])


def test_failure_23_a_status_that_is_late_is_polled_until_it_comes_and_is_no_fault() -> None:
    async def story() -> None:
        wiring = house()
        plug = Shelly.plug(wiring, wiring.outlet("pump", WATTS))
        seat = Seat("shelly", LateStatus(plug), RELAY, host="10.0.0.9")
        await seat.passes(10)
        seat.hold(0)
        await seat.passes(4)
        assert plug.relay.outlet.watts == 0
        assert seat.faults == [None]
        assert seat.moved_to == []
        await seat.panel.stop()

    run(story())


def test_failure_24_a_person_at_the_plug_in_an_event_is_reported_and_not_fought() -> None:
    async def story() -> None:
        plug, seat = shelly()
        await seat.passes(30, renewing=0)
        plug.press()
        await seat.passes(90, renewing=0)
        assert plug.relay.outlet.watts == WATTS
        assert seat.moved_to == [True]
        assert seat.faults[-1] == LEFT_ALONE
        await seat.panel.stop()

    run(story())


def test_failure_26_an_entity_that_home_assistant_does_not_know_is_never_taken_for_switched() -> (
    None
):
    async def story() -> None:
        wiring = house()
        hass = HomeAssistant(wiring)
        hass.switch("switch.pump", wiring.outlet("pump", WATTS))
        hass.token = "x"
        line = HttpLine(hass)
        line.headers = {"Authorization": "Bearer x"}
        seat = Seat("home_assistant", line, RELAY, switch="switch.pmup")
        await seat.passes(30, renewing=0)
        assert wiring.watts == WATTS
        assert seat.faults and "Entity not found" in (seat.faults[-1] or "")
        assert seat.read == []
        await seat.panel.stop()

    run(story())


def test_rule_20_a_refusal_is_a_fault_with_the_devices_own_words() -> None:
    async def story() -> None:
        plug, seat = shelly()
        await seat.passes(10)
        plug.fault = Status(503)
        seat.hold(0)
        await seat.passes(5)
        assert plug.relay.outlet.watts == WATTS
        assert seat.faults[-1] == "10.0.0.9 answers 503: not now"
        await seat.panel.stop()

    run(story())


def test_rule_1_a_device_that_says_ok_and_does_nothing_is_not_done() -> None:
    async def story() -> None:
        plug, seat = shelly()
        plug.fault = Deaf()
        await seat.passes(10, renewing=0)
        assert plug.relay.outlet.watts == WATTS
        assert "not seen so within 2 s" in (seat.faults[0] or "")
        await seat.panel.stop()

    run(story())


def test_rule_10_a_relay_without_a_meter_has_no_reading_and_not_0_w() -> None:
    async def story() -> None:
        _, seat = shelly(metered=False)
        await seat.passes(60, renewing=0)
        assert seat.read == []
        assert seat.faults == [None]
        await seat.panel.stop()

    run(story())


def test_rule_11_a_relay_closes_at_most_each_10_s_and_opens_at_once() -> None:
    async def story() -> None:
        plug, seat = shelly()
        await seat.passes(10)
        for turn in range(40):
            seat.hold((0, None)[turn % 2])
            await seat.passes(2)
        closed = [at_s for at_s, watts in plug.relay.outlet.changes if watts]
        assert len(closed) >= 4
        assert all(later - sooner >= 10 for sooner, later in pairwise(closed))
        await seat.passes(20)
        assert plug.relay.outlet.watts == WATTS, "what was wanted last"
        await seat.panel.stop()

    run(story())


def test_rule_11_a_relay_that_is_moved_50_times_a_day_is_told_of_and_well_again_a_day_later() -> (
    None
):
    async def story() -> None:
        _, seat = shelly()
        for _ in range(49):
            await seat.passes(30, renewing=0)
            seat.hold(None)
            await seat.passes(30)
        assert seat.notices == []
        await seat.passes(30, renewing=0)
        assert seat.notices == ["it was switched off 50 times in a day, which wears its relay out"]
        seat.hold(None)
        await seat.passes(86_400)
        assert seat.notices[1:] == [None]
        await seat.panel.stop()

    run(story())


def test_rule_12_nothing_that_is_read_or_told_changes_a_setting() -> None:
    """What templates ask is a GET, a register that is read, or a message that sets nothing."""
    for template in shipped().values():
        for section in (template.read, template.wants, template.identify):
            for name, value in section.items():
                assert value.post is None, (template.device, name)
                if value.ask is not None:
                    body = value.ask.body or {}
                    assert not any(body.values()), (template.device, name)
                    assert value.ask.payload in (None, "", *"0123456789", "11", "10")
