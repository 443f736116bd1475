"""Power, shed and base are of one reading: what is commanded moves none of them by itself."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.state.measures import power_w, shed_w
from statemachine.state.triggers import Readings, Trigger
from statemachine.wire.messages import telemetry
from tests.kit.core.sample_sites import MAPLE, NOW_S, site
from tests.kit.harness import Harness

EVENT = {"op": "event", "event_id": "e1", "shed_kw": 2.0, "duration_sec": 120}
DEEDS: dict[str, dict[str, Any]] = {
    "restore": {"op": "restore"},
    "cancel": {"op": "cancel", "event_id": "e1"},
    "opt-out of a circuit": {"op": "optOut", "event_id": "e1", "loadId": "heater1"},
    "opt-out": {"op": "optOut", "event_id": "e1"},
    "a smaller event": {**EVENT, "shed_kw": 0.4, "revision": 1},
    "a greater event": {**EVENT, "shed_kw": 3.0, "revision": 1},
}


class Watched(Harness):
    """Notes what telemetry would say after every decision."""

    def __init__(self, text: str) -> None:
        super().__init__(site(text))
        self.bases: set[float] = set()
        self.moved: list[str] = []

    def hear(self, trigger: Trigger) -> Any:
        before = (power_w(self.memory), shed_w(self.memory))
        effects = super().hear(trigger)
        moved = (power_w(self.memory), shed_w(self.memory)) != before
        if moved and not isinstance(trigger, Readings):
            self.moved.append(type(trigger).__name__)
        if self.memory.read_ms is not None:
            said = telemetry(self.spec, self.memory, 1, self.ms)
            self.bases.add(round(said["base_power_kw"], 2))
        return effects


@pytest.mark.parametrize("deed", DEEDS)
def test_the_base_of_steady_loads_stays_as_it_is_whatever_is_done(deed: str) -> None:
    desk = Watched(MAPLE)
    desk.read()
    desk.ask(**EVENT)
    desk.read()
    desk.wait(15)
    desk.ask_from("page", **DEEDS[deed])
    desk.wait(300)
    assert desk.bases == {10.0}


@pytest.mark.parametrize("deed", DEEDS)
def test_only_a_reading_moves_what_is_said_to_be_drawn_and_shed(deed: str) -> None:
    desk = Watched(MAPLE)
    desk.read()
    desk.ask(**EVENT)
    desk.wait(15)
    desk.ask_from("page", **DEEDS[deed])
    desk.wait(300)
    assert desk.moved == []


def test_what_is_given_back_counts_as_shed_until_its_driver_says_that_it_is_free() -> None:
    desk = Watched(MAPLE)
    desk.read()
    desk.ask(**{**EVENT, "shed_kw": 1.5})
    desk.read()
    desk.mute = {"heater1"}
    desk.ask(op="restore")
    held = {"heater1": 0, "lights1": 400, "misc1": 1_000, "ev1": 0, "hvac1": 3_500, "fridge1": 200}
    desk.hear(Readings(**desk.stamp(), drawn_w=held, unmetered_w=3_400))
    assert (power_w(desk.memory), shed_w(desk.memory)) == (8_500, 1_500)
    desk.holds("heater1", None)
    assert (power_w(desk.memory), shed_w(desk.memory)) == (8_500, 1_500)
    desk.read()
    assert (power_w(desk.memory), shed_w(desk.memory)) == (10_000, 0)


def test_who_was_never_held_sheds_nothing_while_its_driver_owes_an_answer() -> None:
    desk = Watched(MAPLE)
    desk.read()
    desk.mute = set(desk.spec.circuits)
    desk.ask(**{**EVENT, "start_ts": NOW_S + 600})
    desk.memory = desk.memory.circuit("heater1", asked_mono_ms=desk.memory.mono_ms)
    drawn = {"heater1": 700, "lights1": 400, "misc1": 1_000, "hvac1": 3_500, "fridge1": 200}
    desk.hear(Readings(**desk.stamp(), drawn_w=drawn, unmetered_w=3_400))
    assert shed_w(desk.memory) == 0
