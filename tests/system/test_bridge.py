"""A real site gives back what it kept down for an event, as soon as that event is no more."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.kit.process.site import Backend, Site, until

AHEAD_S = 50  # within restore.bridge, and long enough to tell a cancel from the start
NEXT = {"op": "event", "event_id": "b", "shed_kw": 2.0, "duration_sec": 300}
WAYS: dict[str, Callable[[Site, Backend], object]] = {
    "cancelled": lambda site, backend: backend.ask({"op": "cancel", "event_id": "b"}),
    "deleted": lambda site, backend: site.http(
        "DELETE", "/api/v1/events/b", {"confirm_operator": True}
    ),
    "opted out of": lambda site, backend: site.http(
        "POST", "/api/v1/events/b/opt-out", {"confirm_operator": True}
    ),
    "postponed": lambda site, backend: backend.ask(
        {**NEXT, "start_ts": time.time() + 7_200, "revision": 1}
    ),
}


def power(site: Site) -> float:
    return float(site.state()["power_kw"])


@pytest.mark.parametrize("way", WAYS)
def test_load_comes_back_before_the_start_of_an_event_that_is(
    way: str, site: Site, backend: Backend
) -> None:
    backend.ask({"op": "event", "event_id": "a", "shed_kw": 2.0, "duration_sec": 600})
    until(lambda: power(site) == 8.0, "8 kW")
    start_s = time.time() + AHEAD_S
    assert backend.ask({**NEXT, "start_ts": start_s})["status"] == "scheduled"
    assert backend.ask({"op": "restore", "event_id": "a"})["status"] == "success"
    now = site.state()
    assert (now["restoring"]["done"], now["restoring"]["of"], now["restoring"]["next"]) == (
        *(0, 3),
        None,
    )
    assert power(site) == 8.0
    WAYS[way](site, backend)
    until(lambda: site.state()["restoring"] is None and power(site) == 10.0, "10 kW")
    assert time.time() < start_s, "it waited for nothing but its turn"


def test_a_small_event_keeps_down_only_the_circuit_it_will_take(
    site: Site, backend: Backend
) -> None:
    backend.ask({"op": "event", "event_id": "a", "shed_kw": 2.0, "duration_sec": 600})
    until(lambda: power(site) == 8.0, "8 kW")
    backend.ask({**NEXT, "shed_kw": 0.1, "start_ts": time.time() + AHEAD_S})
    backend.ask({"op": "restore", "event_id": "a"})
    until(lambda: power(site) == 8.5, "all but the heater")
    assert [c["id"] for c in site.state()["circuits"] if c["held_kw"] is not None] == ["heater1"]
