"""Which circuits a test may switch, when, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from statemachine.commissioning.rules import (
    MOST_OFF_MS,
    lease_to_prove_ms,
    most_off_ms,
    why_not,
    why_not_now,
)
from statemachine.device.form import Template
from statemachine.kit.frozen import changed
from statemachine.state.memory import Event, Memory, initial_memory
from tests.kit.core.sample_sites import NOW_MS, site
from tests.kit.simulated.wired_site import Plug, Wired, plug
from venctl.devices.catalog import shipped

MIN_MS = 60_000
SITE = Wired({"a": Plug(1_000)}).spec()


def with_event(start_ms: int, end_ms: int) -> Memory:
    event = Event(
        id="evt-1",
        source="operator",
        shed_w=1_000,
        start_ms=start_ms,
        end_ms=end_ms,
        scheduled=True,
        revision=0,
        state="scheduled",
        entered_ms=NOW_MS,
    )
    return replace(initial_memory(SITE), events={"evt-1": event})


def test_nothing_is_tested_while_an_event_is_live_or_close() -> None:
    live = with_event(NOW_MS - MIN_MS, NOW_MS + MIN_MS)
    assert "evt-1 is live" in str(why_not_now(SITE, live, NOW_MS))
    close = with_event(NOW_MS + 5 * MIN_MS, NOW_MS + 9 * MIN_MS)
    assert "starts within 15 min" in str(why_not_now(SITE, close, NOW_MS))
    later = with_event(NOW_MS + 60 * MIN_MS, NOW_MS + 90 * MIN_MS)
    assert why_not_now(SITE, later, NOW_MS) is None


def test_nothing_is_tested_before_all_is_given_back() -> None:
    memory = initial_memory(SITE)
    held = changed(memory, circuits={"a": changed(memory.circuits["a"], held_w=0)})
    assert "a was not given back yet" in str(why_not_now(SITE, held, NOW_MS))


def test_a_site_that_only_observes_switches_nothing() -> None:
    observing = site("site: {id: v}\nmode: observe\ncircuits:\n  a: {rated: 2 kW, shed: 100 %}\n")
    assert "observe" in str(why_not_now(observing, initial_memory(observing), NOW_MS))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"critical": True}, "--also a"),
        ({"shed": -1}, "--also a"),
        ({"comes_back": "by_hand"}, "--also a"),
        ({"driver": "sim"}, "simulated"),
        ({"min_off": 2 * MIN_MS}, "min_off"),
    ],
)
def test_what_is_protected_is_left_alone(lines: dict[str, Any], words: str) -> None:
    circuit = SITE.circuits["a"].model_copy(update=lines)
    state = initial_memory(SITE).circuits["a"]
    assert words in str(why_not("a", circuit, state, ()))
    named = why_not("a", circuit, state, ("a",))
    assert (named is None) == ("--also" in words)


def test_what_is_off_or_locked_is_left_alone() -> None:
    circuit, state = SITE.circuits["a"], initial_memory(SITE).circuits["a"]
    assert why_not("a", circuit, state, ()) is None
    assert "off" in str(why_not("a", circuit, changed(state, enabled=False), ("a",)))
    assert "locked" in str(why_not("a", circuit, changed(state, locked_by="page"), ()))


def leased(**lease: Any) -> Template:
    return plug(lease={"by": ["off_for"], **lease})


def test_a_device_is_never_off_longer_than_its_lease() -> None:
    assert most_off_ms(plug()) == MOST_OFF_MS
    assert most_off_ms(leased(longest="15 s")) == 15_000
    assert most_off_ms(leased(longest="10 min")) == MOST_OFF_MS


def test_a_lease_is_proved_with_20_s_or_with_the_only_one_there_is() -> None:
    assert lease_to_prove_ms(plug()) == 20_000
    assert lease_to_prove_ms(leased(longest="15 s")) == 15_000
    fixed = {"on": {"get": "/on"}, "off": {"get": "/off"}, "off_for": {"get": "/hold"}}
    for longest, ms in (("30 s", 30_000), ("2 min", None)):
        lease = {"by": ["off_for"], "longest": longest}
        assert lease_to_prove_ms(plug(write=fixed, lease=lease)) == ms


@pytest.mark.parametrize("device", sorted(shipped()))
def test_no_shipped_device_is_off_for_more_than_a_minute(device: str) -> None:
    template = shipped()[device]
    assert most_off_ms(template) <= MOST_OFF_MS
    if (ms := lease_to_prove_ms(template)) is not None:
        assert template.gives_back and ms < MOST_OFF_MS
