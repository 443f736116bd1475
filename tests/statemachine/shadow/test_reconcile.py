"""How desired and reported come to agree: the rules of docs/shadow.md, one after another."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.kit.strict_json import compact
from statemachine.shadow.ack_record import MOST_BYTES, ack_record
from statemachine.shadow.wishes import acked_ids, read_desired
from statemachine.state.cloud_triggers import Answered, Delta, Document, Refused
from statemachine.state.desires import Interval, Wish
from statemachine.state.effects import Effect, GetShadow, Hold, Report, Switch
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.shadow import ShadowState
from statemachine.state.triggers import Connected, Disconnected, Restarted, Switched
from tests.kit.core.sample_sites import MAPLE, NOW_S, PANEL, site, wish
from tests.kit.harness import Harness, of
from web.shadow import shadow

SITE = site(MAPLE)
CALL = {"op": "event", "event_id": "e1", "shed_kw": 2.0, "duration_sec": 600}
T = 5_000_000  # the service's clock when the tests begin; ours is far off


@pytest.fixture
def desk() -> Harness:
    desk = Harness(SITE)
    desk.read()
    return desk


def server_s(desk: Harness) -> int:
    return T + (desk.ms - NOW_S * 1000) // 1000


def synced(desk: Harness, version: int) -> None:
    """Connected, the document read, the first report answered; a second has passed."""
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    document(desk, get.token, version, None)
    answer(desk, version + 1)
    desk.wait(1)


def document(
    desk: Harness, token: int, version: int, wishes: tuple[Wish, ...] | None, **more: Any
) -> list[Effect]:
    said: dict[str, Any] = {"token": token, "version": version, "wishes": wishes, **more}
    return desk.hear(Document(**desk.stamp(), server_s=server_s(desk), **said))


def delta(desk: Harness, version: int, *wishes: Wish, **more: Any) -> list[Effect]:
    said: dict[str, Any] = {"version": version, "wishes": wishes or None, **more}
    return desk.hear(Delta(**desk.stamp(), server_s=server_s(desk), **said))


def answer(desk: Harness, version: int) -> list[Effect]:
    (report,) = of(Report, desk.effects)
    said = {"key": report.key, "token": report.token, "settles": report.settles}
    return desk.hear(Answered(**desk.stamp(), **said, version=version, server_s=server_s(desk)))


def refuse(desk: Harness, code: int) -> list[Effect]:
    (asked,) = of(Report, desk.effects) or of(GetShadow, desk.effects)
    said = {"key": asked.key, "token": asked.token, "code": code, "message": "no"}
    return desk.hear(Refused(**desk.stamp(), **said))


def done(desk: Harness, circuit: str, enabled: bool, fault: str | None) -> list[Report]:
    said: dict[str, Any] = {"circuit": circuit, "enabled": enabled, "fault": fault}
    return of(Report, desk.hear(Switched(**desk.stamp(), **said)))


def end_of(desk: Harness, version: int, one: Wish) -> list[Any]:
    """What the settle's ack record says of a wish that ends without a driver."""
    (settle,) = of(Report, delta(desk, version, one))
    assert settle.settles and settle.clears == ("circuits",)
    return list(settle.reported["ack"]["r"][one.circuit])


# -- 1, 2: what is asked, and only once -----------------------------------------------------------


STAMP = {"enabled": {"timestamp": 7}}


def test_wishes_are_read_as_an_array_and_as_a_map() -> None:
    array = {"circuits": [{"id": "a", "enabled": False}, {"id": "b", "enabled": True}]}
    read = read_desired(array, {"circuits": [STAMP, STAMP]})
    assert read["wishes"] == (Wish("a", False, 7), Wish("b", True, 7)) and not read["refusals"]
    table = {"circuits": {"a": {"enabled": True}, "b": None}}
    assert read_desired(table, {"circuits": {"a": STAMP}})["wishes"] == (Wish("a", True, 7),)
    assert read_desired({"welcome": "aws"}, {})["wishes"] is None


def test_the_existing_backend_says_loads_for_circuits_and_it_is_consumed_alike(
    desk: Harness,
) -> None:
    for form in ([{"id": "ev1", "enabled": True}], {"ev1": {"enabled": True}}):
        read = read_desired({"loads": form}, {})
        assert read["wishes"] == (Wish("ev1", True, 0),) and read["wished"] == ("loads",)
    synced(desk, 6)
    said = Delta(**desk.stamp(), version=9, **read)
    assert of(Switch, desk.hear(said)) == [Switch("ev1", True)]
    (settle,) = done(desk, "ev1", True, None)
    assert settle.clears == ("loads",) and "loads" not in settle.reported
    assert read_desired({"loads": 5}, {})["refusals"] == {"loads": (400, "must be a list or a map")}


def test_of_wishes_under_both_names_the_newer_counts_and_both_are_taken_out() -> None:
    older, newer = {"enabled": {"timestamp": 7}}, {"enabled": {"timestamp": 8}}
    both = {"circuits": [{"id": "a", "enabled": True}], "loads": {"a": {"enabled": False}}}
    for stamps, won in (((older, newer), False), ((newer, older), True), ((newer, newer), True)):
        read = read_desired(both, {"circuits": [stamps[0]], "loads": {"a": stamps[1]}})
        assert [wish.enabled for wish in read["wishes"]] == [won]
        assert set(read["wished"]) == {"circuits", "loads"} and read["doubled"] == ("a",)


def test_of_two_entries_for_one_circuit_the_last_counts_and_the_ack_says_so(desk: Harness) -> None:
    array = {"circuits": [{"id": "ev1", "enabled": True}, {"id": "ev1", "enabled": False}]}
    read = read_desired(array, {"circuits": [STAMP, STAMP]})
    assert read["wishes"] == (Wish("ev1", False, 7),) and read["doubled"] == ("ev1",)
    synced(desk, 6)
    (settle,) = of(Report, delta(desk, 9, wish("ev1", False, T), doubled=("ev1",)))
    assert settle.reported["ack"]["r"] == {"ev1": [200, "duplicate"]}
    assert settle.reported["ack"]["ac"] == 200


@pytest.mark.parametrize(
    ("entry", "id", "code"),
    [
        ({"id": "a", "enabled": "yes"}, "a", 400),
        ({"id": "a", "enabled": 1}, "a", 400),
        ({"id": "a"}, "a", 400),
        ({"enabled": True}, "?", 400),
        (5, "?", 400),
        ({"id": "a b\ud800", "enabled": True}, "a?b?", 404),
        ({"id": "x" * 99, "enabled": True}, "x" * 32, 404),
    ],
)
def test_a_bad_entry_is_refused_by_itself(entry: Any, id: str, code: int) -> None:
    read = read_desired({"circuits": [entry, {"id": "ok", "enabled": True}]}, {})
    assert read["wishes"] == (Wish("ok", True, 0),)
    assert read["refusals"][id][0] == code


def test_circuits_that_are_neither_list_nor_map_are_refused_and_taken_out(desk: Harness) -> None:
    read = read_desired({"circuits": 5}, {})
    assert read["wishes"] == () and read["refusals"]["circuits"][0] == 400
    synced(desk, 6)
    asked = Delta(**desk.stamp(), version=9, **read)
    (settle,) = of(Report, desk.hear(asked))
    assert settle.clears == ("circuits",) and settle.reported["ack"]["ac"] == 400


def test_a_wish_is_carried_out_once_and_settled_at_the_version_it_was_read(desk: Harness) -> None:
    synced(desk, 6)
    effects = delta(desk, 9, wish("ev1", True, T))
    assert of(Switch, effects) == [Switch("ev1", True)] and not of(Report, effects)
    (settle,) = done(desk, "ev1", True, None)
    assert settle.clears == ("circuits",) and settle.version == 9
    assert settle.reported["ack"] == {"av": 9, "at": server_s(desk), "ac": 200}
    assert next(c for c in settle.reported["circuits"] if c["id"] == "ev1")["enabled"] is True
    answer(desk, 10)
    assert desk.memory.shadow.state == "in_sync" and desk.memory.shadow.wishes == ()


def test_a_known_wish_is_not_executed_twice_even_after_a_toggle(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T))
    desk.ask(op="setLoad", loadId="ev1", enabled=False)
    effects = delta(desk, 10, wish("ev1", True, T))
    assert not of(Switch, effects) and not desk.memory.circuits["ev1"].enabled


def test_off_on_off_within_one_second_ends_off(desk: Harness) -> None:
    synced(desk, 6)
    for version, enabled in ((9, False), (10, True), (11, False)):
        assert of(Switch, delta(desk, version, wish("heater1", enabled, T)))
    assert not desk.memory.circuits["heater1"].enabled


def test_a_wish_that_was_already_so_does_not_undo_a_later_toggle(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("heater1", True, T))
    asked = desk.effects
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    desk.effects = asked
    refuse(desk, 409)
    desk.wait(1)
    document(desk, desk.memory.shadow.in_flight or 0, 10, (wish("heater1", True, T),))
    assert not desk.memory.circuits["heater1"].enabled


def test_a_wish_withdrawn_before_it_was_settled_needs_no_settle(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T))
    (report,) = of(Report, delta(desk, 10))
    assert not report.settles and report.version is None
    assert desk.memory.shadow.state == "in_sync" and desk.memory.circuits["ev1"].enabled


# -- 3: versions ----------------------------------------------------------------------------------


def test_old_deltas_and_other_peoples_answers_are_dropped(desk: Harness) -> None:
    synced(desk, 6)
    before = desk.memory
    delta(desk, 7, wish("ev1", True, T))
    desk.hear(Answered(**desk.stamp(), token=999, settles=True, version=99))
    desk.hear(Refused(**desk.stamp(), token=999, code=409, message="conflict"))
    desk.hear(Delta(**desk.stamp(), key="another", version=99, wishes=None))
    assert desk.memory.circuits == before.circuits
    assert desk.memory.shadow.version == 7 and desk.memory.shadow.state == "in_sync"


def test_a_gap_in_the_versions_asks_for_the_document(desk: Harness) -> None:
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    document(desk, get.token, 6, None)
    answer(desk, 8)
    assert of(GetShadow, desk.effects) and desk.memory.shadow.state == "unknown"


def test_the_document_is_right_also_when_its_version_is_lower(desk: Harness) -> None:
    synced(desk, 50)
    desk.wait(30)
    answer(desk, 1)
    (get,) = of(GetShadow, desk.effects)
    document(desk, get.token, 1, None)
    assert desk.memory.shadow.version == 1
    assert of(Switch, delta(desk, 2, wish("ev1", True, T)))


def test_a_document_older_than_a_delta_that_was_heard_is_asked_for_again_once(
    desk: Harness,
) -> None:
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    assert not of(Switch, delta(desk, 12, wish("ev1", True, T)))
    document(desk, get.token, 11, None)
    (get,) = of(GetShadow, desk.effects)
    document(desk, get.token, 11, None)
    assert desk.memory.shadow.state == "in_sync" and desk.memory.shadow.version == 11


def test_the_document_is_asked_for_every_quarter_of_an_hour(desk: Harness) -> None:
    synced(desk, 6)
    answered = 7
    for _ in range(29):
        desk.wait(30)
        assert not of(GetShadow, desk.effects)
        answered += 1
        answer(desk, answered)
    desk.wait(30)
    assert of(GetShadow, desk.effects)


def test_a_question_that_is_never_answered_is_asked_again(desk: Harness) -> None:
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    desk.wait(11)
    (again,) = of(GetShadow, desk.effects)
    assert again.token > get.token and desk.memory.shadow.refusal == (504, "no answer")


# -- 4, 5: order and settling ---------------------------------------------------------------------


def test_two_updates_are_a_second_apart_and_a_heartbeat_comes_every_half_minute(
    desk: Harness,
) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="lights1", enabled=False)
    answer(desk, 8)
    desk.ask(op="setLoad", loadId="lights1", enabled=True)
    assert not of(Report, desk.effects)
    desk.wait(0.5)
    delta(desk, 9, wish("zz", True, T))
    assert not of(Report, desk.effects)
    desk.wait(0.499)
    assert not of(Report, desk.effects)
    desk.wait(0.001)
    answer(desk, 10)
    desk.wait(29.9)
    assert not of(Report, desk.effects)
    desk.wait(0.1)
    assert len(of(Report, desk.effects)) == 1


def test_a_settle_waits_for_the_report_under_way_and_follows_it(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="lights1", enabled=False)
    report = desk.effects
    desk.wait(1)
    assert not of(Report, delta(desk, 8, wish("zz", True, T)))
    desk.effects = report
    (settle,) = of(Report, answer(desk, 9))
    assert settle.version == 9, "our own report lay between, and nothing else"


def test_a_report_whose_version_leaves_a_gap_is_never_followed_blindly(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="lights1", enabled=False)
    report = desk.effects
    delta(desk, 8, wish("zz", True, T))
    desk.effects = report
    assert of(GetShadow, answer(desk, 10)), "somebody wrote version 9"


def test_a_wish_heard_while_settling_is_carried_out_at_once_and_settled_after(
    desk: Harness,
) -> None:
    synced(desk, 6)
    (settle,) = of(Report, delta(desk, 9, wish("zz", True, T)))
    assert of(Switch, delta(desk, 11, wish("ev1", True, T + 1))) == [Switch("ev1", True)]
    desk.effects = [settle]
    (get,) = of(GetShadow, answer(desk, 10))
    document(desk, get.token, 11, (wish("ev1", True, T + 1),))
    assert not of(Switch, desk.effects)
    done(desk, "ev1", True, None)
    desk.wait(1)
    (settle,) = of(Report, desk.effects)
    assert settle.version == 11 and settle.reported["ack"]["ac"] == 200


def test_a_wish_for_a_circuit_nobody_knows_is_settled_with_404(desk: Harness) -> None:
    synced(desk, 6)
    assert end_of(desk, 9, wish("zz", True, T)) == [404, "unknown"]


def test_a_driver_that_fails_or_is_silent_ends_the_wish(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T))
    (settle,) = done(desk, "ev1", True, "stuck")
    assert settle.reported["ack"]["r"] == {"ev1": [502, "stuck"]}
    answer(desk, 10)
    desk.wait(1)
    delta(desk, 11, wish("ev1", False, T + 1))
    (settle,) = done(desk, "ev1", False, "no answer within 5 s")
    assert settle.reported["ack"]["r"] == {"ev1": [504, "no answer within 5 s"]}
    answer(desk, 12)
    delta(desk, 13, wish("ev1", True, T + 2))
    desk.ms += 10_000
    desk.wait(0)
    (settle,) = of(Report, desk.effects)
    assert settle.reported["ack"]["r"] == {"ev1": [504, "no answer"]}


def test_a_conflict_backs_off_and_asks_for_the_document_again(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("zz", True, T))
    refuse(desk, 409)
    assert desk.memory.shadow.state == "waiting"
    due_ms = desk.memory.due_ms() or 0
    assert 50 <= due_ms - desk.ms <= 500
    desk.wait(0.5)
    assert desk.memory.shadow.state == "unknown" and desk.memory.shadow.version is None
    asked = (wish("zz", True, T), wish("ev1", True, T + 1))
    document(desk, desk.memory.shadow.in_flight or 0, 12, asked)
    assert of(Switch, desk.effects) == [Switch("ev1", True)]


def test_leaving_a_state_forgets_its_wakes(desk: Harness) -> None:
    desk.hear(Connected(**desk.stamp()))
    refuse(desk, 504)
    assert desk.memory.shadow.wakes.keys() == {"elapsed"}
    assert desk.memory.shadow.wakes["elapsed"] - desk.ms <= 500
    desk.hear(Disconnected(**desk.stamp()))
    assert desk.memory.shadow.wakes == {} and desk.memory.shadow.look_ms is None


def test_from_the_sixth_refusal_on_the_pauses_are_long(desk: Harness) -> None:
    desk.hear(Connected(**desk.stamp()))
    for place in range(6):
        refuse(desk, 500)
        pause_ms = desk.memory.shadow.wakes["elapsed"] - desk.ms
        assert pause_ms <= 500 or place == 5
        desk.wait(pause_ms / 1000)
    assert 30_000 <= pause_ms <= 120_000


# -- 6: layers ------------------------------------------------------------------------------------


def test_a_delta_about_something_else_does_not_undo_the_curtailment(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(**CALL)
    held = desk.held()
    effects = delta(desk, 9)
    assert not of(Hold, effects) and not of(Switch, effects) and desk.held() == held


def test_a_wish_during_an_event_is_masked_by_it(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(**CALL)
    delta(desk, 9, wish("heater1", False, T))
    assert "heater1" not in desk.held()
    done(desk, "heater1", False, None)
    delta(desk, 11, wish("heater1", True, T + 1))
    desk.wait(0)
    assert desk.memory.circuits["heater1"].enabled is False or desk.held()["heater1"] == 0


def test_a_critical_circuit_is_switched_by_a_wish(desk: Harness) -> None:
    synced(desk, 6)
    assert of(Switch, delta(desk, 9, wish("hvac1", False, T))) == [Switch("hvac1", False)]


def test_a_circuit_that_is_not_remote_refuses_wishes() -> None:
    desk = Harness(site(PANEL))
    synced(desk, 6)
    for version, id in ((9, "shop"), (11, "server")):
        assert end_of(desk, version, wish(id, False, T)) == [403, "not switchable remotely"]
        answer(desk, version + 1)
        desk.wait(1)


def test_what_comes_back_by_hand_is_switched_off_from_afar_and_not_on() -> None:
    desk = Harness(site(MAPLE.replace("name: EV Charger", "name: EV Charger, comes_back: by_hand")))
    synced(desk, 6)
    assert end_of(desk, 9, wish("ev1", True, T)) == [403, "can only be switched on by hand"]


def test_a_site_that_only_observes_refuses_every_wish_and_switches_nothing() -> None:
    desk = Harness(site("mode: observe\n" + MAPLE))
    synced(desk, 6)
    assert end_of(desk, 9, wish("hvac1", False, T)) == [403, "this site only observes"]
    assert desk.memory.circuits["hvac1"].enabled


def test_a_locked_circuit_refuses_wishes_and_commands_and_is_not_shed(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(**CALL)
    assert desk.held()["heater1"] == 0
    assert at_site(desk, op="setLock", loadId="heater1", locked=True)["status"] == "success"
    assert "heater1" not in desk.held() and "heater1" not in desk.memory.cuts
    assert sum(desk.memory.cuts.values()) < 2_000, "the others give what they can"
    refused = desk.ask(op="setLoad", loadId="heater1", enabled=False)
    assert refused["reason"] == "locked_out" and "locked by page" in refused["detail"]
    assert at_site(desk, op="setLoad", loadId="heater1", enabled=False)["reason"] == "locked_out"
    desk.wait(1)
    desk.hear(Disconnected(**desk.stamp()))
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    (settle,) = of(Report, document(desk, get.token, 9, (wish("heater1", False, T + 9),)))
    assert settle.reported["ack"]["r"] == {"heater1": [423, "locked by page"]}
    assert desk.memory.circuits["heater1"].enabled


def test_a_lock_is_set_and_lifted_at_the_site_only(desk: Harness) -> None:
    refused = desk.ask(op="setLock", loadId="heater1", locked=True)
    assert (refused["status"], refused["reason"]) == ("rejected", "locked_out")
    assert at_site(desk, op="setLock", loadId="zz", locked=True)["reason"] == "not_found"
    assert at_site(desk, op="setLock", loadId="heater1", locked="yes")["reason"] == "invalid"
    at_site(desk, op="setLock", loadId="heater1", locked=True)
    assert desk.ask(op="setLock", loadId="heater1", locked=False)["reason"] == "locked_out"
    at_site(desk, op="setLock", loadId="heater1", locked=False)
    assert desk.memory.circuits["heater1"].locked_by is None
    assert desk.ask(op="setLoad", loadId="heater1", enabled=False)["status"] == "success"


def at_site(desk: Harness, **said: Any) -> dict[str, Any]:
    return desk.ask_from("page", **said)


# -- 7: the newest wins ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_s", "wins"), [(-30, "site"), (-2, "site"), (-1, "wish"), (0, "wish"), (30, "wish")]
)
@pytest.mark.parametrize("wall_s", [-600, 0, 600])
def test_the_newest_of_toggle_and_wish_wins_in_the_services_time(
    desk: Harness, age_s: int, wins: str, wall_s: int
) -> None:
    synced(desk, 6)
    desk.hear(Disconnected(**desk.stamp()))
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    toggled_s = server_s(desk)
    desk.wait(60)
    desk.step(wall_s * 1000)
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    said: dict[str, Any] = {"token": get.token, "version": 9, "server_s": toggled_s + 60}
    asked = (wish("heater1", True, toggled_s + age_s),)
    desk.hear(Document(**desk.stamp(), wishes=asked, **said))
    assert desk.memory.circuits["heater1"].enabled is (wins == "wish")
    if wins == "site":
        (settle,) = of(Report, desk.effects)
        assert settle.reported["ack"]["r"] == {"heater1": [409, "switched by operator later"]}


def test_after_a_reboot_the_age_of_a_toggle_is_unknown_and_the_wish_wins(desk: Harness) -> None:
    desk.hear(Restarted(**desk.stamp(), boot="one"))
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    desk.hear(Restarted(**desk.stamp(), boot="another"))
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    document(desk, get.token, 9, (wish("heater1", True, T - 500),))
    assert desk.memory.circuits["heater1"].enabled


def test_a_toggle_ends_a_wish_that_waits_for_its_driver(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T))
    desk.ask(op="setLoad", loadId="ev1", enabled=False)
    (settle,) = of(Report, desk.effects)
    assert settle.reported["ack"]["r"] == {"ev1": [409, "switched by operator later"]}
    assert not desk.memory.circuits["ev1"].enabled


def test_a_wish_older_than_a_day_is_expired(desk: Harness) -> None:
    synced(desk, 6)
    old_s = server_s(desk) - 86_401
    assert end_of(desk, 9, wish("heater1", False, old_s)) == [410, "older than 24 h"]
    answer(desk, 10)
    assert of(Switch, delta(desk, 11, wish("heater1", False, old_s + 10)))


# -- 8: the ack record ----------------------------------------------------------------------------


def test_the_ack_record_has_at_most_eight_entries_and_512_bytes(desk: Harness) -> None:
    refused = {f"{'ä' if n == 3 else 'x'}{n:031}": (400, "é" * 80) for n in range(30)}
    record = ack_record(ShadowState(state="", version=10**9, refused=refused), 10**10)
    assert len(compact(record)) <= MOST_BYTES
    assert record["more"] + len(record["r"]) == 30 and record["ac"] == 400
    short = {f"z{n}": (404, "unknown") for n in range(9)}
    record = ack_record(ShadowState(state="", version=1, refused=short), 1)
    assert len(record["r"]) == 8 and record["more"] == 1


def test_some_refused_and_some_applied_is_207_and_an_open_one_202(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T), wish("zz", True, T))
    assert ack_record(desk.memory.shadow, 1)["ac"] == 202
    (settle,) = done(desk, "ev1", True, None)
    assert settle.reported["ack"]["ac"] == 207
    assert settle.reported["ack"]["r"] == {"zz": [404, "unknown"]}


def test_what_an_earlier_ack_record_said_is_taken_out_of_the_document(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("zz", True, T))
    answer(desk, 10)
    desk.wait(1)
    (settle,) = of(Report, delta(desk, 11, wish("yy", True, T + 1)))
    assert settle.reported["ack"]["r"] == {"zz": None, "yy": [404, "unknown"]}
    answer(desk, 12)
    desk.wait(1)
    (settle,) = of(Report, delta(desk, 13, wish("heater1", True, T + 2)))
    assert settle.reported["ack"]["r"] is None and settle.reported["ack"]["more"] is None


def test_an_ack_record_that_nobody_remembers_is_taken_out(desk: Harness) -> None:
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    (report,) = of(Report, document(desk, get.token, 6, None, acked=("old",)))
    assert report.reported["ack"] is None
    assert acked_ids({"ack": {"r": {"a": [404, ""]}}}) == ("a",)
    assert acked_ids({"ack": 5}) == acked_ids({}) == ()


# -- settings -------------------------------------------------------------------------------------


def test_a_setting_is_applied_and_echoed_as_it_was_desired(desk: Harness) -> None:
    for said in (5, 2.5, 900, 1):
        assert (
            read_desired({"report_interval_seconds": said}, {})["interval"].every_ms == said * 1000
        )
    synced(desk, 6)
    (echo,) = of(Report, delta(desk, 9, interval=Interval(7_000, T)))
    assert desk.memory.every_ms == 7_000 and not echo.settles and echo.version is None
    assert echo.reported["report_interval_seconds"] == 7
    answer(desk, 10)
    desk.wait(1)
    assert not of(Report, delta(desk, 11)), "the delta cleared; nothing is left to say"


@pytest.mark.parametrize("said", [0, -5, 901, 0.5, "5", True, [5], {"s": 5}, 1e300, 1.00001])
def test_a_setting_that_cannot_be_is_answered_and_not_applied(desk: Harness, said: Any) -> None:
    synced(desk, 6)
    read = read_desired({"report_interval_seconds": said}, {})
    (settle,) = of(Report, desk.hear(Delta(**desk.stamp(), version=9, **read)))
    assert settle.clears == ("report_interval_seconds",)
    ack = settle.reported["ack"]
    assert ack["r"] == {"report_interval_seconds": [400, "must be 1 to 900"]}
    assert desk.memory.every_ms == 5_000


def test_a_refusal_of_a_setting_is_gone_once_a_good_one_holds(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, interval=Interval(None, T))
    answer(desk, 10)
    desk.wait(1)
    assert row_of(desk)["state"] == "rejected"
    (echo,) = of(Report, delta(desk, 11, interval=Interval(10_000, T + 1)))
    assert row_of(desk)["state"] == "in_sync" and row_of(desk)["desired"] == 10
    ack = {"av": 11, "at": server_s(desk), "ac": 200}
    assert echo.reported["ack"] == {"r": None, "more": None, **ack}
    assert not shadow(desk.spec, desk.memory, desk.ms)["refused"]


def test_a_refusal_of_a_setting_is_gone_once_another_was_chosen_at_the_site(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, interval=Interval(None, T))
    answer(desk, 10)
    desk.wait(2)
    desk.ask(op="setConfig", report_interval_seconds=10)
    assert row_of(desk)["state"] == "in_sync"


def test_a_refusal_of_a_wish_is_gone_once_somebody_switched_the_circuit(desk: Harness) -> None:
    synced(desk, 6)
    at_site(desk, op="setLock", loadId="heater1", locked=True)
    desk.wait(1)
    desk.hear(Disconnected(**desk.stamp()))
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    document(desk, get.token, 9, (wish("heater1", False, T + 9),))
    key = "circuits.heater1.enabled"
    assert row_of(desk, key)["state"] == "rejected"
    at_site(desk, op="setLock", loadId="heater1", locked=False)
    assert row_of(desk, key)["state"] == "rejected"
    desk.wait(1)
    at_site(desk, op="setLoad", loadId="heater1", enabled=False)
    assert row_of(desk, key)["state"] == "in_sync"


def row_of(desk: Harness, key: str = "report_interval_seconds") -> dict[str, Any]:
    rows = shadow(desk.spec, desk.memory, desk.ms)["rows"]
    return next(row for row in rows if row["key"] == key)


def test_a_setting_changed_at_the_site_later_is_not_undone(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, interval=Interval(7_000, T))
    answer(desk, 10)
    desk.wait(1)
    desk.ask(op="setConfig", report_interval_seconds=10)
    answer(desk, 11)
    desk.wait(1)
    (settle,) = of(Report, delta(desk, 12, interval=Interval(7_000, T)))
    assert desk.memory.every_ms == 10_000
    assert settle.reported["ack"]["r"] == {"report_interval_seconds": [409, "changed later"]}
    assert settle.clears == ("report_interval_seconds",)
    answer(desk, 13)
    delta(desk, 14, interval=Interval(7_000, T + 60))
    assert desk.memory.every_ms == 7_000, "a newer one is applied"


def test_a_setting_known_before_a_reboot_is_not_applied_again_after_it(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, interval=Interval(7_000, T))
    answer(desk, 10)
    desk.ask(op="setConfig", report_interval_seconds=10)
    desk.hear(Restarted(**desk.stamp(), boot="another"))
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    document(desk, get.token, 11, None, interval=Interval(7_000, T))
    assert desk.memory.every_ms == 10_000 and desk.memory.shadow.state == "settling"


def test_a_report_that_was_refused_is_said_again_at_once(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="lights1", enabled=False)
    refuse(desk, 504)
    desk.wait(1)
    (get,) = of(GetShadow, desk.effects)
    (report,) = of(Report, document(desk, get.token, 7, None))
    assert report.reported["circuits"][1]["enabled"] is False


def test_unknown_keys_are_ignored_and_never_answered(desk: Harness) -> None:
    synced(desk, 6)
    for version in range(9, 30):
        assert not of(Report, delta(desk, version))
    assert desk.memory.shadow.version == 29


# -- 9, 10: crash and offline ---------------------------------------------------------------------


def test_a_wish_decided_before_a_crash_is_only_settled_after_it(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T))
    desk.hear(Restarted(**desk.stamp(), boot="b"))
    assert Switch("ev1", True) in desk.effects, "restated with every other circuit"
    done(desk, "ev1", True, None)
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    effects = document(desk, get.token, 9, (wish("ev1", True, T),))
    assert not of(Switch, effects)
    (settle,) = of(Report, effects)
    assert settle.settles and settle.reported["ack"]["ac"] == 200


def test_what_was_decided_of_a_circuit_that_is_gone_is_forgotten(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T), wish("heater1", False, T))
    fewer = site("\n".join(line for line in MAPLE.splitlines() if "ev1" not in line))
    assert set(from_parts(fewer, to_parts(desk.memory)).shadow.decided) == {"heater1"}


def test_nothing_is_said_while_the_link_is_down(desk: Harness) -> None:
    synced(desk, 6)
    desk.hear(Disconnected(**desk.stamp()))
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    desk.wait(3_600)
    assert not of(Report, desk.effects) and not of(GetShadow, desk.effects)
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    (report,) = of(Report, document(desk, get.token, 7, None))
    assert report.reported["circuits"][0]["enabled"] is False


# -- 11: loops ------------------------------------------------------------------------------------


def fought(desk: Harness) -> tuple[int, int]:
    """A backend that wishes again whenever it is answered, until it is no longer answered."""
    synced(desk, 6)
    version, settled = 7, 0
    while desk.memory.shadow.state != "muted":
        version += 1
        delta(desk, version, wish("zz", True, T + version))
        if of(Report, desk.effects):
            settled, version = settled + 1, version + 1
            answer(desk, version)
            desk.wait(1)
    return version, settled


def test_a_backend_that_wishes_again_and_again_is_answered_ten_times_a_minute(
    desk: Harness,
) -> None:
    version, settled = fought(desk)
    assert settled == 10 and "shadow_loop" in desk.memory.shadow.alarms
    while desk.memory.shadow.state == "muted":
        desk.wait(1)
        if of(Report, desk.effects):
            version += 1
            answer(desk, version)
    (get,) = of(GetShadow, desk.effects)
    (settle,) = of(Report, document(desk, get.token, version, (wish("zz", True, T + version),)))
    assert settle.settles and desk.memory.shadow.alarms == {}


def carried_out(desk: Harness, version: int, one: Wish) -> int:
    """A wish arrives, is switched at once, settled and answered; the version after that."""
    assert of(Switch, delta(desk, version, one)) == [Switch(one.circuit, one.enabled)]
    (settle,) = done(desk, one.circuit, one.enabled, None)
    assert settle.settles
    answer(desk, version + 1)
    return version + 2


@pytest.mark.parametrize("circuits", [["ev1"], ["ev1", "heater1", "lights1"]])
def test_different_wishes_are_never_taken_for_a_loop_however_many_come(
    desk: Harness, circuits: list[str]
) -> None:
    synced(desk, 6)
    version = 9
    for turn in range(14):
        id = circuits[turn % len(circuits)]
        version = carried_out(desk, version, wish(id, not desk.memory.circuits[id].enabled, T))
        desk.wait(4)
    assert desk.memory.shadow.alarms == {} and desk.memory.shadow.state == "in_sync"


def test_a_wish_is_not_late_for_another_that_is_put_back_again_and_again(desk: Harness) -> None:
    version, _ = fought(desk)
    version = carried_out(desk, version + 1, wish("ev1", True, T))
    desk.wait(1)
    delta(desk, version, wish("zz", True, T + version))
    assert desk.memory.shadow.state == "muted", "the one that is put back still waits"


def test_two_who_put_back_against_each_other_are_a_loop_too(desk: Harness) -> None:
    synced(desk, 6)
    version, settled = 9, 0
    while desk.memory.shadow.state != "muted" and settled < 60:
        id_on = not desk.memory.circuits["heater1"].enabled
        delta(desk, version, wish("heater1", id_on, T + version))
        if desk.memory.shadow.state != "muted":
            done(desk, "heater1", id_on, None)
            answer(desk, version + 1)
            desk.wait(1)
            version, settled = version + 2, settled + 1
    assert settled == 20, "each of the two ten times"


@pytest.mark.parametrize("state", ["applying", "settling", "waiting", "unknown"])
def test_a_wish_is_carried_out_in_whatever_state_it_arrives(desk: Harness, state: str) -> None:
    """A list in desired takes the place of the one before: only its delta told of that."""
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T))
    if state != "applying":
        done(desk, "ev1", True, None)
    if state in ("waiting", "unknown"):
        refuse(desk, 409)
    if state == "unknown":
        desk.wait(0.5)
    assert desk.memory.shadow.state == state
    token = desk.memory.shadow.in_flight or 0
    for version, id in ((10, "heater1"), (11, "lights1"), (12, "misc1")):
        asked = wish(id, False, T)
        assert of(Switch, delta(desk, version, asked)) == [Switch(id, False)]
    if state == "unknown":
        (again,) = of(GetShadow, document(desk, token, 9, None))
        document(desk, again.token, 12, (asked,))
        assert not of(Switch, desk.effects), "it was carried out before the document came"
    assert not desk.memory.circuits["heater1"].enabled


def test_an_older_delta_is_not_carried_out_while_the_version_is_not_known(desk: Harness) -> None:
    synced(desk, 6)
    delta(desk, 9, wish("ev1", True, T))
    done(desk, "ev1", True, None)
    refuse(desk, 409)
    desk.wait(0.5)
    assert desk.memory.shadow.state == "unknown" and desk.memory.shadow.version is None
    assert not of(Switch, delta(desk, 8, wish("ev1", False, T)))


def test_while_muted_a_circuit_that_changes_is_still_reported(desk: Harness) -> None:
    version, _ = fought(desk)
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    (report,) = of(Report, desk.effects)
    assert not report.settles and report.reported["circuits"][0]["enabled"] is False
    answer(desk, version + 1)
    assert desk.memory.shadow.state == "muted"


def test_power_that_wanders_is_told_by_the_heartbeat_and_shed_that_changed_at_once(
    desk: Harness,
) -> None:
    synced(desk, 6)
    desk.read()
    assert not of(Report, desk.effects)
    desk.ask(**CALL)
    answer(desk, 8)
    desk.wait(1)
    desk.read()
    (report,) = of(Report, desk.effects)
    assert report.reported["shed_kw"] == 2.0
    answer(desk, 9)
    desk.wait(5)
    desk.read()
    assert not of(Report, desk.effects)


# -- size -----------------------------------------------------------------------------------------


def test_a_document_that_is_too_large_loses_names_then_power_never_what_is_on(
    desk: Harness,
) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    kept = []
    for _ in range(3):
        refuse(desk, 413)
        assert "shadow_too_large" in desk.memory.shadow.alarms
        desk.wait(1)
        (get,) = of(GetShadow, desk.effects)
        desk.ms += 1_000
        (report,) = of(Report, document(desk, get.token, 8, None))
        kept.append(set(report.reported["circuits"][0]))
    assert kept[0] == {"id", "enabled", "current_kw", "critical"}
    assert kept[1] == kept[2] == {"id", "enabled", "critical"}


def lean_report(desk: Harness, limit: int) -> set[str]:
    """The next update that goes out, refused while it has more than `limit` words a circuit."""
    while True:
        desk.wait(1)
        for get in of(GetShadow, desk.effects):
            document(desk, get.token, 8, None)
        for report in of(Report, desk.effects):
            said = set(report.reported["circuits"][0])
            if len(said) <= limit:
                answer(desk, 9)
                return said
            refuse(desk, 413)


def test_what_was_left_out_comes_back_once_it_fits_without_a_reconnect(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    refuse(desk, 413)
    assert lean_report(desk, 3) == {"id", "enabled", "critical"}
    began_ms = desk.ms
    while len(said := lean_report(desk, 5)) < 5:
        assert desk.ms - began_ms < 120_000, said
    assert "name" in said and desk.memory.shadow.alarms == {} and not desk.memory.shadow.lean


def test_a_document_that_goes_on_being_too_large_is_seldom_tried_whole(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    refuse(desk, 413)
    refused = 0
    for _ in range(3_600):
        desk.wait(1)
        for get in of(GetShadow, desk.effects):
            document(desk, get.token, 8, None)
        for report in of(Report, desk.effects):
            if "name" in report.reported["circuits"][0]:
                refuse(desk, 413)
                refused += 1
            else:
                answer(desk, (desk.memory.shadow.version or 8) + 1)
    assert 4 <= refused <= 8 and "shadow_too_large" in desk.memory.shadow.alarms


def test_after_a_reconnect_the_whole_document_is_tried_again(desk: Harness) -> None:
    synced(desk, 6)
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    refuse(desk, 413)
    desk.hear(Disconnected(**desk.stamp()))
    desk.wait(1)
    (get,) = of(GetShadow, desk.hear(Connected(**desk.stamp())))
    (report,) = of(Report, document(desk, get.token, 8, None))
    assert "name" in report.reported["circuits"][0]
    answer(desk, 9)
    assert desk.memory.shadow.alarms == {}
