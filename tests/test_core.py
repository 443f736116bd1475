"""What the system this one replaces got wrong, and how a wish becomes a switched circuit."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.effects import Effect, GetShadow, Hold, Report, Status, Switch
from statemachine.reconcile import wishes_of
from statemachine.requirement import sheds_w
from statemachine.triggers import (
    Answered,
    Connected,
    Delta,
    Disconnected,
    Document,
    Refused,
    Restarted,
    Switched,
    Wish,
)
from tests.strategies import MAPLE, NOW_S, Desk, site, wish

SITE = site(MAPLE)
CALL = {"op": "event", "event_id": "e1", "shed_kw": 2.0, "duration_sec": 600}


@pytest.fixture
def desk() -> Desk:
    desk = Desk(SITE)
    desk.rated()
    return desk


def of(kind: type[Any], effects: list[Effect]) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


# -- events ---------------------------------------------------------------------------------------


def test_restore_during_an_event_is_acked_and_load_comes_back_in_steps(desk: Desk) -> None:
    desk.ask(**CALL)
    ack = desk.ask(op="restore", correlationId="r")
    assert (ack["status"], ack["correlationId"]) == ("success", "r")
    assert list(desk.held()) == ["heater1", "lights1"]
    desk.wait(10)
    assert list(desk.held()) == ["heater1"]
    desk.wait(10)
    assert desk.held() == {} and desk.memory.events == {}


def test_restore_with_no_event_changes_nothing(desk: Desk) -> None:
    before = desk.memory
    assert desk.ask(op="restore")["status"] == "success"
    assert desk.memory == before


def test_a_circuit_toggled_during_an_event_is_acked_and_the_others_take_over(desk: Desk) -> None:
    desk.ask(**CALL)
    assert desk.ask(op="setLoad", loadId="heater1", enabled=False)["status"] == "success"
    assert "heater1" not in desk.held() and desk.held()["hvac1"] == 2_800
    desk.ask(op="setLoad", loadId="heater1", enabled=True)
    assert desk.held()["heater1"] == 0
    assert [type(x) for x in desk.effects if isinstance(x, Hold | Switch)][-1] is Switch


def test_the_same_event_delivered_twice_sheds_once(desk: Desk) -> None:
    command = desk.command(**CALL)
    first = desk.ack(command)
    again = desk.again(command)
    before = desk.memory
    assert desk.ack(again) == {**first, "status": "duplicate"}
    assert desk.memory == before and not of(Hold, desk.effects)


def test_a_redelivered_restore_does_not_end_a_later_event(desk: Desk) -> None:
    restore = desk.command(op="restore", correlationId="r")
    desk.ack(restore)
    again = desk.again(restore)
    desk.ask(**CALL)
    assert desk.ack(again)["status"] == "duplicate"
    assert desk.memory.events["e1"].state == "shedding"


def test_other_terms_under_the_same_revision_are_a_conflict(desk: Desk) -> None:
    desk.ask(**CALL, revision=2)
    other = desk.ask_again({**CALL, "shed_kw": 1.0, "revision": 2})
    assert (other["status"], other["reason"]) == ("rejected", "conflict")
    stale = desk.ask_again({**CALL, "revision": 1})
    assert stale["reason"] == "stale_revision"
    assert desk.memory.cuts == {"heater1": 1_500, "lights1": 280, "misc1": 220}


def test_a_higher_revision_changes_size_and_end_and_keeps_the_start(desk: Desk) -> None:
    desk.ask(**CALL)
    desk.wait(60)
    ack = desk.ask_again({**CALL, "shed_kw": 1.0, "duration_sec": 300, "revision": 1})
    assert (ack["status"], ack["actual_shed_kw"]) == ("accepted", 1.0)
    event = desk.memory.events["e1"]
    assert (event.start_ms, event.end_ms) == (NOW_S * 1000, (NOW_S + 300) * 1000)
    assert desk.memory.cuts == {"heater1": 1_000}


def test_a_revision_of_a_scheduled_event_without_a_start_keeps_it_scheduled(desk: Desk) -> None:
    desk.ask(**CALL, start_ts=NOW_S + 100)
    ack = desk.ask_again({**CALL, "shed_kw": 1.0, "revision": 1})
    assert (ack["status"], ack["start_ts"]) == ("scheduled", NOW_S + 100)
    assert desk.held() == {} and desk.memory.events["e1"].scheduled
    desk.wait(100)
    assert desk.held() == {"heater1": 500}


def test_a_revision_may_end_an_event_at_once(desk: Desk) -> None:
    desk.ask(**CALL)
    desk.wait(60)
    desk.ask_again({**CALL, "duration_sec": 30, "revision": 1})
    assert desk.memory.cuts == {} and desk.memory.events["e1"].state == "restoring"


def test_an_event_that_is_over_is_not_called_again_by_a_revision(desk: Desk) -> None:
    desk.ask(**{**CALL, "duration_sec": 10})
    kept = desk.last
    desk.wait(60)
    desk.last = kept
    assert desk.ask_again({**CALL, "revision": 1})["reason"] == "conflict"


def test_two_events_require_the_greater_and_the_weaker_goes_on_alone(desk: Desk) -> None:
    desk.ask(**{**CALL, "duration_sec": 100})
    desk.ask(op="event", event_id="e2", shed_kw=1.5, duration_sec=1_000)
    assert sum(desk.memory.cuts.values()) == 2_000
    desk.wait(100)
    assert desk.memory.cuts == {"heater1": 1_500}
    desk.ask(op="cancel", event_id="e2")
    assert desk.memory.cuts == {}


def test_start_in_the_future_sheds_nothing_before_it(desk: Desk) -> None:
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


def test_an_event_requires_nothing_from_its_end_on_whatever_its_state(desk: Desk) -> None:
    desk.ask(**CALL)
    event = desk.memory.events["e1"]
    assert sheds_w(SITE, event, event.end_ms - 1) == 2_000
    assert sheds_w(SITE, event, event.end_ms) == 0


def test_an_event_ends_on_time_with_no_cloud(desk: Desk) -> None:
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
        ({"duration_sec": 14_401}, "limit", "longest event, 14400 s"),
        ({"shed_kw": 25}, "invalid", "25 kW is more than this site's 24 kW; watts?"),
    ],
)
def test_what_comes_too_late_or_asks_too_much_is_refused(
    desk: Desk, said: dict[str, Any], reason: str, words: str
) -> None:
    ack = desk.ask(**{**CALL, **said})
    assert (ack["status"], ack["reason"]) == ("rejected", reason) and words in ack["detail"]
    assert desk.memory.events == {} and desk.held() == {} and desk.last.key == ""


def test_a_start_in_the_past_runs_what_is_left(desk: Desk) -> None:
    assert desk.ask(**CALL, start_ts=NOW_S - 500)["status"] == "accepted"
    desk.wait(100)
    assert desk.memory.cuts == {}


def test_the_baseline_does_not_drift_to_the_curtailed_load(desk: Desk) -> None:
    desk.ask(**CALL)
    for _ in range(20):
        desk.wait(5)
        desk.rated()
    said = desk.ask(op="get")["data"]
    assert (said["power_kw"], said["shed_kw"], said["base_power_kw"]) == (8.0, 2.0, 10.0)


def test_a_crash_in_mid_event_resumes_it_and_restates_every_hold(desk: Desk) -> None:
    desk.ask(**CALL)
    held = desk.held()
    desk.ms += 5_000
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    assert {x.circuit: x.watts for x in of(Hold, desk.effects) if x.watts is not None} == held
    assert {x.circuit for x in of(Hold, desk.effects)} == set(SITE.circuits)
    assert {x.circuit for x in of(Switch, desk.effects)} == set(SITE.circuits)
    desk.wait(595)
    assert desk.memory.cuts == {}


def test_an_event_that_ended_while_the_program_was_down_is_given_back(desk: Desk) -> None:
    desk.ask(**CALL)
    desk.ms += 1_000_000
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    assert desk.memory.cuts == {}
    desk.wait(30)
    assert desk.held() == {} and desk.memory.events == {}


def test_the_next_return_counts_from_the_restart(desk: Desk) -> None:
    desk.ask(**{**CALL, "duration_sec": 10})
    desk.wait(10)
    assert list(desk.held()) == ["heater1", "lights1"]
    desk.ms += 3_000
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    desk.wait(9.999)
    assert list(desk.held()) == ["heater1", "lights1"]
    desk.wait(0.001)
    assert list(desk.held()) == ["heater1"]


def test_load_returns_after_a_reboot_with_a_clock_that_is_wrong(desk: Desk) -> None:
    desk.ask(**{**CALL, "duration_sec": 10})
    desk.wait(60)
    desk.ms -= 86_400_000
    desk.hear(Restarted(**desk.stamp(), boot="another"))
    desk.ask(**{**CALL, "event_id": "e2", "duration_sec": 10})
    desk.wait(60)
    assert desk.held() == {}


# -- the shadow -----------------------------------------------------------------------------------


def synced(desk: Desk, version: int) -> None:
    """Connected, the document read, the first report answered."""
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    document(desk, get.token, version, None)
    answer(desk, version + 1)


def document(desk: Desk, token: int, version: int, wishes: tuple[Wish, ...] | None) -> None:
    said: dict[str, Any] = {"token": token, "version": version, "wishes": wishes, "server_s": 0}
    desk.hear(Document(**desk.stamp(), **said))


def delta(desk: Desk, version: int, *wishes: Wish) -> list[Effect]:
    return desk.hear(Delta(**desk.stamp(), version=version, wishes=wishes or None, server_s=0))


def answer(desk: Desk, version: int) -> None:
    (report,) = of(Report, desk.effects)
    said = {"token": report.token, "settles": report.settles, "version": version}
    desk.hear(Answered(**desk.stamp(), **said, server_s=0))


def done(desk: Desk, circuit: str, enabled: bool, fault: str | None) -> list[Report]:
    said: dict[str, Any] = {"circuit": circuit, "enabled": enabled, "fault": fault}
    return of(Report, desk.hear(Switched(**desk.stamp(), **said)))


def test_a_wish_is_carried_out_once_and_settled_at_the_version_it_was_read(desk: Desk) -> None:
    synced(desk, 6)
    effects = delta(desk, 9, wish("ev1", True, 50))
    assert of(Switch, effects) == [Switch("ev1", True)] and not of(Report, effects)
    (settle,) = done(desk, "ev1", True, None)
    assert settle.settles and settle.version == 9
    assert settle.reported["ack"] == {"av": 9, "at": NOW_S, "ac": 200}
    assert next(c for c in settle.reported["circuits"] if c["id"] == "ev1")["enabled"] is True
    answer(desk, 10)
    assert desk.memory.shadow.state == "in_sync" and desk.memory.shadow.wishes == ()


def test_a_known_wish_is_not_executed_twice_even_after_a_toggle(desk: Desk) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, 50))
    desk.ask(op="setLoad", loadId="ev1", enabled=False)
    effects = delta(desk, 10, wish("ev1", True, 50))
    assert not of(Switch, effects) and not desk.memory.circuits["ev1"].enabled


def test_a_wish_that_was_already_so_does_not_undo_a_later_toggle(desk: Desk) -> None:
    synced(desk, 6)
    (settle,) = of(Report, delta(desk, 9, wish("heater1", True, 50)))
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    desk.hear(Refused(**desk.stamp(), token=settle.token, code=409, message="conflict"))
    desk.wait(1)
    document(desk, desk.memory.shadow.in_flight or 0, 10, (wish("heater1", True, 50),))
    assert not desk.memory.circuits["heater1"].enabled


def test_a_critical_circuit_is_switched_by_a_wish(desk: Desk) -> None:
    synced(desk, 6)
    assert of(Switch, delta(desk, 9, wish("hvac1", False, 50))) == [Switch("hvac1", False)]


def test_a_wish_for_a_circuit_nobody_knows_is_settled_with_404(desk: Desk) -> None:
    synced(desk, 6)
    (settle,) = of(Report, delta(desk, 9, wish("zz", True, 50)))
    assert settle.settles and settle.reported["ack"]["r"] == {"zz": [404, "unknown"]}
    assert settle.reported["ack"]["ac"] == 400


def test_a_driver_that_fails_or_is_silent_ends_the_wish(desk: Desk) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, 50))
    (settle,) = done(desk, "ev1", True, "stuck")
    assert settle.reported["ack"]["r"] == {"ev1": [502, "stuck"]}
    answer(desk, 10)
    delta(desk, 11, wish("ev1", False, 51))
    desk.ms += 10_000
    desk.wait(0)
    (settle,) = of(Report, desk.effects)
    assert settle.reported["ack"]["r"] == {"ev1": [504, "no answer"]}


def test_a_conflict_backs_off_and_asks_for_the_document_again(desk: Desk) -> None:
    synced(desk, 6)
    (settle,) = of(Report, delta(desk, 9, wish("zz", True, 50)))
    desk.hear(Refused(**desk.stamp(), token=settle.token, code=409, message="conflict"))
    assert desk.memory.shadow.state == "waiting"
    due_ms = desk.memory.due_ms() or 0
    assert 50 <= due_ms - desk.ms <= 500
    desk.wait(0.5)
    assert desk.memory.shadow.state == "unknown" and desk.memory.shadow.version is None
    asked = (wish("zz", True, 50), wish("ev1", True, 51))
    document(desk, desk.memory.shadow.in_flight or 0, 12, asked)
    assert of(Switch, desk.effects) == [Switch("ev1", True)]


def test_leaving_a_state_forgets_its_wakes(desk: Desk) -> None:
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    desk.hear(Refused(**desk.stamp(), token=get.token, code=504, message="silence"))
    assert desk.memory.shadow.wakes.keys() == {"elapsed"}
    assert desk.memory.shadow.wakes["elapsed"] - desk.ms <= 500
    desk.hear(Disconnected(**desk.stamp()))
    assert desk.memory.shadow.wakes == {}


def test_from_the_sixth_refusal_on_the_pauses_are_long(desk: Desk) -> None:
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    for _ in range(6):
        desk.hear(Refused(**desk.stamp(), token=get.token, code=413, message="too large"))
        pause_ms = desk.memory.shadow.wakes["elapsed"] - desk.ms
        desk.wait(pause_ms / 1000)
        get = of(GetShadow, desk.effects)[0]
    assert 30_000 <= pause_ms <= 120_000


def test_a_delta_about_something_else_does_not_undo_the_curtailment(desk: Desk) -> None:
    synced(desk, 6)
    desk.ask(**CALL)
    held = desk.held()
    effects = delta(desk, 9)
    assert not of(Hold, effects) and not of(Switch, effects) and desk.held() == held


def test_a_wish_during_an_event_is_masked_by_it(desk: Desk) -> None:
    synced(desk, 6)
    desk.ask(**CALL)
    delta(desk, 9, wish("heater1", False, 50))
    assert "heater1" not in desk.held()
    done(desk, "heater1", False, None)
    answer(desk, 10)
    delta(desk, 11, wish("heater1", True, 51))
    assert desk.held()["heater1"] == 0


def test_old_deltas_and_other_peoples_answers_are_dropped(desk: Desk) -> None:
    synced(desk, 6)
    before = desk.memory
    delta(desk, 7, wish("ev1", True, 50))
    desk.hear(Answered(**desk.stamp(), token=999, settles=True, version=99, server_s=0))
    desk.hear(Refused(**desk.stamp(), token=999, code=409, message="conflict"))
    assert desk.memory == before


def test_a_gap_in_the_versions_asks_for_the_document(desk: Desk) -> None:
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    document(desk, get.token, 6, None)
    answer(desk, 8)
    assert of(GetShadow, desk.effects) and desk.memory.shadow.state == "unknown"


def test_two_reports_are_a_second_apart_and_a_heartbeat_comes_every_half_minute(desk: Desk) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="lights1", enabled=False)
    assert not of(Report, desk.effects)
    desk.wait(1)
    answer(desk, 8)
    desk.wait(29.9)
    assert not of(Report, desk.effects)
    desk.wait(0.1)
    assert len(of(Report, desk.effects)) == 1


def test_wishes_are_read_as_an_array_and_as_a_map() -> None:
    stamp = {"enabled": {"timestamp": 7}}
    array = {"circuits": [{"id": "a", "enabled": False}, {"id": "a", "enabled": True}]}
    assert wishes_of(array, {"circuits": [stamp, stamp]}) == ((Wish("a", True, 7),), {})
    table = {"circuits": {"a": {"enabled": True}, "b": None}}
    assert wishes_of(table, {"circuits": {"a": stamp}}) == ((Wish("a", True, 7),), {})
    assert wishes_of({"welcome": "aws"}, {}) == (None, {})
    wishes, bad = wishes_of({"circuits": [{"id": "a", "enabled": "yes"}, 5]}, {})
    assert wishes == () and bad["a"][0] == 400
    assert wishes_of({"circuits": 5}, {})[1] == {"?": (400, "circuits is neither a list nor a map")}
