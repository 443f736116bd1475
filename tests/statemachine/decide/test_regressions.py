"""What the system this one replaces got wrong, and what must not come back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from statemachine.curtail.requirement import event_required_w
from statemachine.state.effects import Hold, Status, Switch
from statemachine.state.triggers import Connected, Disconnected, Restarted
from tests.kit.core.sample_sites import MAPLE, NOW_S, site
from tests.kit.harness import Harness, of

SITE = site(MAPLE)
CALL = {"op": "event", "event_id": "e1", "shed_kw": 2.0, "duration_sec": 600}


@pytest.fixture
def desk() -> Harness:
    desk = Harness(SITE)
    desk.read()
    return desk


# -- events ---------------------------------------------------------------------------------------


def test_restore_during_an_event_is_acked_and_load_comes_back_in_steps(desk: Harness) -> None:
    desk.ask(**CALL)
    ack = desk.ask(op="restore", correlationId="r")
    assert (ack["status"], ack["correlationId"]) == ("success", "r")
    assert list(desk.held()) == ["heater1", "lights1"]
    desk.wait(10)
    assert list(desk.held()) == ["heater1"]
    desk.wait(10)
    assert desk.held() == {} and desk.memory.events == {}


def test_restore_with_no_event_changes_nothing(desk: Harness) -> None:
    before = desk.memory
    assert desk.ask(op="restore")["status"] == "success"
    assert replace(desk.memory, last_call="") == before, "but who was the last to ask"


def test_a_circuit_toggled_during_an_event_is_acked_and_the_others_take_over(desk: Harness) -> None:
    desk.ask(**CALL)
    assert desk.ask(op="setLoad", loadId="heater1", enabled=False)["status"] == "success"
    assert desk.held() == {"lights1": 120, "misc1": 780}, "a person took off 1.5 of the 2 kW"
    desk.ask(op="setLoad", loadId="heater1", enabled=True)
    assert desk.held()["heater1"] == 0
    assert [type(x) for x in desk.effects if isinstance(x, Hold | Switch)][-1] is Switch


def test_the_same_event_delivered_twice_sheds_once(desk: Harness) -> None:
    command = desk.command(**CALL)
    first = desk.ack(command)
    again = desk.again(command)
    before = desk.memory
    assert desk.ack(again) == {**first, "status": "duplicate"}
    assert desk.memory == before and not of(Hold, desk.effects)


def test_who_asks_for_the_same_event_again_hears_the_first_ack_under_the_own_name(
    desk: Harness,
) -> None:
    first = desk.ask(**CALL, correlationId="a")
    again = desk.ask_again({**CALL, "correlationId": "b", "issued_at": NOW_S})
    assert again == {**first, "status": "duplicate", "correlationId": "b"}
    assert desk.ask_again(CALL) == {k: v for k, v in again.items() if k != "correlationId"}


def test_a_restore_that_comes_again_after_a_connect_does_not_end_a_later_event(
    desk: Harness,
) -> None:
    restore = desk.command(op="restore", correlationId="r")
    desk.ack(restore)
    again = desk.again(restore)
    desk.ask(**CALL)
    desk.hear(Disconnected(**desk.stamp()))
    desk.hear(Connected(**desk.stamp()))
    assert desk.ack(again)["status"] == "duplicate"
    assert desk.memory.events["e1"].state == "shedding"


def test_other_terms_under_the_same_revision_are_a_conflict(desk: Harness) -> None:
    desk.ask(**CALL, revision=2)
    other = desk.ask_again({**CALL, "shed_kw": 1.0, "revision": 2})
    assert (other["status"], other["reason"]) == ("rejected", "conflict")
    stale = desk.ask_again({**CALL, "revision": 1})
    assert stale["reason"] == "stale_revision"
    assert desk.memory.cuts == {"heater1": 1_500, "lights1": 280, "misc1": 220}


def test_a_higher_revision_changes_size_and_end_and_keeps_the_start(desk: Harness) -> None:
    desk.ask(**CALL)
    desk.wait(60)
    ack = desk.ask_again({**CALL, "shed_kw": 1.0, "duration_sec": 300, "revision": 1})
    assert (ack["status"], ack["actual_shed_kw"]) == ("accepted", 1.0)
    event = desk.memory.events["e1"]
    assert (event.start_ms, event.end_ms) == (NOW_S * 1000, (NOW_S + 300) * 1000)
    assert desk.memory.cuts == {"heater1": 1_000}


def test_a_revision_of_a_scheduled_event_without_a_start_keeps_it_scheduled(desk: Harness) -> None:
    desk.ask(**CALL, start_ts=NOW_S + 100)
    ack = desk.ask_again({**CALL, "shed_kw": 1.0, "revision": 1})
    assert (ack["status"], ack["start_ts"]) == ("scheduled", NOW_S + 100)
    assert desk.held() == {} and desk.memory.events["e1"].scheduled
    desk.wait(100)
    assert desk.held() == {"heater1": 500}


def test_a_revision_may_end_an_event_at_once(desk: Harness) -> None:
    desk.ask(**CALL)
    desk.wait(60)
    desk.ask_again({**CALL, "duration_sec": 30, "revision": 1})
    assert desk.memory.cuts == {} and desk.memory.events["e1"].state == "restoring"


def test_an_event_that_is_over_is_not_called_again_by_a_revision(desk: Harness) -> None:
    desk.ask(**{**CALL, "duration_sec": 10})
    kept = desk.last
    desk.wait(60)
    desk.last = kept
    assert desk.ask_again({**CALL, "revision": 1})["reason"] == "conflict"


def test_two_events_require_the_greater_and_the_weaker_goes_on_alone(desk: Harness) -> None:
    desk.ask(**{**CALL, "duration_sec": 100})
    desk.ask(op="event", event_id="e2", shed_kw=1.5, duration_sec=1_000)
    assert sum(desk.memory.cuts.values()) == 2_000
    desk.wait(100)
    assert desk.memory.cuts == {"heater1": 1_500}
    desk.ask(op="cancel", event_id="e2")
    assert desk.memory.cuts == {}


def test_start_in_the_future_sheds_nothing_before_it(desk: Harness) -> None:
    ack = desk.ask(**CALL, start_ts=NOW_S + 100)
    assert (ack["status"], ack["start_ts"], ack["end_ts"]) == (
        "scheduled",
        NOW_S + 100,
        NOW_S + 700,
    )
    assert desk.held() == {} and "actual_shed_kw" not in ack
    desk.ask(op="restore")
    desk.wait(99.999)
    assert desk.held() == {}
    desk.wait(0.001)
    assert sum(desk.memory.cuts.values()) == 2_000


def test_an_event_requires_nothing_from_its_end_on_whatever_its_state(desk: Harness) -> None:
    desk.ask(**CALL)
    event = desk.memory.events["e1"]
    assert event_required_w(SITE, event, event.end_ms - 1) == 2_000
    assert event_required_w(SITE, event, event.end_ms) == 0


def test_an_event_ends_on_time_with_no_cloud(desk: Harness) -> None:
    desk.ask(**CALL)
    desk.hear(Disconnected(**desk.stamp()))
    desk.wait(600)
    assert desk.memory.cuts == {}
    assert [x.body["state"] for x in of(Status, desk.effects)] == ["achieved", "restoring"]


@pytest.mark.parametrize(
    ("said", "reason", "words"),
    [
        ({"start_ts": NOW_S - 700}, "expired", "ended at"),
        ({"issued_at": NOW_S - 61}, "expired", "issued 61 s ago"),
        ({"duration_sec": 14_401}, "limit", "this site takes at most 14400 s"),
        ({"duration_sec": 600_000}, "limit", "at most 14400 s; is it in milliseconds?"),
        (
            {"shed_kw": 25},
            "invalid",
            "25 kW is more than this site can draw, 24 kW; is it in watts?",
        ),
    ],
)
def test_what_comes_too_late_or_asks_too_much_is_refused(
    desk: Harness, said: dict[str, Any], reason: str, words: str
) -> None:
    ack = desk.ask(**{**CALL, **said})
    assert (ack["status"], ack["reason"]) == ("rejected", reason) and words in ack["detail"]
    assert desk.memory.events == {} and desk.held() == {} and desk.last.key == ""


def test_a_start_in_the_past_runs_what_is_left(desk: Harness) -> None:
    assert desk.ask(**CALL, start_ts=NOW_S - 500)["status"] == "accepted"
    desk.wait(100)
    assert desk.memory.cuts == {}


def test_the_baseline_does_not_drift_to_the_curtailed_load(desk: Harness) -> None:
    desk.ask(**CALL)
    for _ in range(20):
        desk.wait(5)
        desk.read()
    said = desk.ask(op="get")["data"]
    assert (said["power_kw"], said["shed_kw"], said["base_power_kw"]) == (8.0, 2.0, 10.0)


def test_a_crash_in_mid_event_resumes_it_and_restates_every_hold(desk: Harness) -> None:
    desk.ask(**CALL)
    held = desk.held()
    desk.ms += 5_000
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    assert {x.circuit: x.watts for x in of(Hold, desk.effects) if x.watts is not None} == held
    assert {x.circuit for x in of(Hold, desk.effects)} == set(SITE.circuits)
    assert {x.circuit for x in of(Switch, desk.effects)} == set(SITE.circuits)
    desk.wait(595)
    assert desk.memory.cuts == {}


def test_an_event_that_ended_while_the_program_was_down_is_given_back(desk: Harness) -> None:
    desk.ask(**CALL)
    desk.ms += 1_000_000
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    assert desk.memory.cuts == {}
    desk.wait(30)
    assert desk.held() == {} and desk.memory.events == {}


def test_the_next_return_counts_from_the_restart_where_the_last_may_be_done_only_now(
    desk: Harness,
) -> None:
    desk.ask(**{**CALL, "duration_sec": 10})
    desk.wait(10)
    assert list(desk.held()) == ["heater1", "lights1"]
    desk.ms += 3_000
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    desk.wait(9.999)
    assert list(desk.held()) == ["heater1", "lights1"]
    desk.wait(0.001)
    assert list(desk.held()) == ["heater1"]


@pytest.mark.parametrize("down_s", [0, 3, 8, 60])
def test_a_return_that_is_due_waits_for_no_more_than_the_program(
    desk: Harness, down_s: int
) -> None:
    desk.ask(**{**CALL, "duration_sec": 10})
    desk.wait(10)
    assert list(desk.held()) == ["heater1", "lights1"]
    desk.wait(1)
    desk.ms += down_s * 1_000
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    desk.wait(max(0, 9 - down_s))
    assert list(desk.held()) == ["heater1"]
    desk.wait(9.999)
    assert list(desk.held()) == ["heater1"], "one at a time, however long it was away"


@pytest.mark.parametrize("starts", [1, 2])
def test_load_returns_at_once_however_lately_the_program_has_started(starts: int) -> None:
    """On its first day nothing has ever returned that a step would have to keep its distance to."""
    desk = Harness(SITE)
    for _ in range(starts):
        desk.hear(Restarted(**desk.stamp(), boot="b"))
        desk.read()
        desk.wait(0.5)
    desk.ask(**CALL)
    desk.ask(op="restore")
    assert list(desk.held()) == ["heater1", "lights1"], "the last that gave is back"


def test_load_returns_after_a_reboot_with_a_clock_that_is_wrong(desk: Harness) -> None:
    desk.ask(**{**CALL, "duration_sec": 10})
    desk.wait(60)
    desk.ms -= 86_400_000
    desk.hear(Restarted(**desk.stamp(), boot="another"))
    desk.ask(**{**CALL, "event_id": "e2", "duration_sec": 10})
    desk.wait(60)
    assert desk.held() == {}
