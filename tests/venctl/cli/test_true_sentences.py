"""What the API and the command line say of events and circuits is true at this moment."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.state.effects import Status
from tests.kit.core.sample_sites import MAPLE, NOW_S, site
from tests.kit.harness import Harness
from venctl.cli.kit.clock import of_zone
from venctl.cli.plan import _head
from venctl.cli.status import _six_lines
from venctl.cli.trigger import _lines
from web.controller_port import DevicesView, LinkView
from web.planning import plan_outlook, preview
from web.resources import state

RAMP = """
event:
  initial: received
  states:
    received:
    ramping:   {for: 60 s, sheds: 50 %}
    shedding:  {until: end, sheds: 100 %, report: started}
    restoring: {report: restoring}
    completed: {final: true, report: completed}
  transitions:
    - {trigger: dr_event, from: received, to: ramping, do: accept}
    - {trigger: elapsed,  from: ramping, to: shedding}
    - {trigger: restore,  from: [ramping, shedding], to: restoring}
    - {trigger: cancel,   from: [ramping, shedding], to: restoring}
    - {trigger: ended,    from: shedding, to: restoring}
    - {trigger: released, from: restoring, to: completed}
"""


class Shown(Harness):
    """A site as the page sees it."""

    rev, alarms, waits = 1, (), ()
    link = LinkView("connected", "local", "127.0.0.1:1883", 1.0, 0, None, None, ())

    def devices(self) -> DevicesView:
        return DevicesView()

    def now(self) -> dict[str, Any]:
        return state(self)  # type: ignore[arg-type]

    def event(self, id: str = "e1") -> dict[str, Any]:
        return next(one for one in self.now()["events"] if one["id"] == id)

    def circuit(self, id: str) -> dict[str, Any]:
        return next(one for one in self.now()["circuits"] if one["id"] == id)

    def lines(self) -> str:
        return "\n".join(_six_lines(self.now()))


CLOCK = of_zone("UTC")


def shown(text: str = MAPLE) -> Shown:
    desk = Shown(site(text))
    desk.read()
    return desk


def call(desk: Shown, kw: float = 2.0, length_s: int = 300, id: str = "e1", **more: Any) -> Any:
    ack = desk.ask(op="event", event_id=id, shed_kw=kw, duration_sec=length_s, **more)
    desk.read()
    return ack


def test_on_target_is_what_is_measured_now_and_not_what_was_told_once() -> None:
    desk = shown()
    call(desk)
    assert (desk.event()["on_target"], desk.event()["delivery"]) == (True, "achieved")
    assert "2.00 of 2.00 kW shed now, on target" in desk.lines()
    desk.ask_from("page", op="optOut", event_id="e1", loadId="heater1")
    desk.ask_from("page", op="optOut", event_id="e1", loadId="misc1")
    desk.wait(20)
    event = desk.event()
    assert "achieved" in desk.memory.events["e1"].told, "it was told, and is no longer so"
    assert (event["on_target"], event["delivery"]) == (False, None)
    assert event["possible_kw"] == pytest.approx(1.02)
    assert "1.02 of 2.00 kW shed now, only 1.02 kW possible" in desk.lines()
    assert "on target" not in desk.lines()


def test_what_is_possible_is_said_at_once_and_not_after_thirty_seconds() -> None:
    desk = shown()
    call(desk)
    desk.ask_from("page", op="optOut", event_id="e1", loadId="heater1")
    assert desk.event()["possible_kw"] == pytest.approx(1.62)


def test_in_a_ramp_it_is_on_target_for_a_part() -> None:
    desk = shown(MAPLE + RAMP)
    call(desk)
    event = desk.event()
    assert (event["required_kw"], event["requested_kw"]) == (1.0, 2.0)
    assert event["on_target"] is True
    assert "1.00 of 1.00 kW shed now" in desk.lines()


def test_of_a_silent_meter_nothing_is_said_to_be_delivered() -> None:
    desk = shown()
    call(desk)
    desk.ms += 95_000
    event = desk.event()
    assert (event["on_target"], event["measured_kw"], event["delivery"]) == (None, None, None)
    assert desk.circuit("heater1")["ails"] == "no reading for 95 s"
    assert "power    no reading for 95 s" in desk.lines()
    assert "not measured now" in desk.lines()
    assert "FAULT    Heater: no reading for 95 s" in desk.lines()


def test_one_meter_that_is_silent_is_told_though_the_others_are_read() -> None:
    desk = shown()
    call(desk)
    heater = desk.memory.circuits["heater1"]
    assert heater.read_ms is not None
    desk.memory = desk.memory.circuit("heater1", read_ms=heater.read_ms - 61_000)
    assert desk.event()["on_target"] is None
    assert desk.circuit("heater1")["ails"] == "no reading for 61 s"
    assert desk.circuit("lights1")["ails"] is None


def test_before_the_first_reading_the_command_line_knows_no_power() -> None:
    desk = Shown(site(MAPLE))
    assert "power    not read yet" in desk.lines()


@pytest.mark.parametrize(
    ("more", "how", "words"),
    [
        ("", "event", "-1.50 until"),
        (" comes_back: by_hand,", "by_hand", "-1.50, back when somebody switches it on"),
        (
            " control: relay, max_off: 2 min,",
            "max_off",
            "back when it reaches its longest off time",
        ),
        (" max_shed_per_day: 2 min,", "budget", "back when it reaches its limit for today"),
    ],
)
def test_how_a_circuit_comes_back_is_said_and_never_a_time_that_nobody_knows(
    more: str, how: str, words: str
) -> None:
    desk = shown(MAPLE.replace("rated: 1.5 kW,", f"rated: 1.5 kW,{more}"))
    call(desk)
    heater = desk.circuit("heater1")
    assert heater["back_how"] == how
    times = {"event": NOW_S + 320, "by_hand": None, "max_off": NOW_S + 120, "budget": NOW_S + 120}
    assert heater["back_at"] == times[how]
    assert words in desk.lines()


def test_a_circuit_that_a_longer_event_needs_is_not_said_to_come_back_with_the_shorter() -> None:
    desk = shown()
    call(desk, 2.0, 300)
    call(desk, 1.0, 900, id="longer")
    assert (desk.circuit("heater1")["back_how"], desk.circuit("heater1")["back_at"]) == (
        "following",
        NOW_S + 900,
    )
    assert desk.circuit("misc1")["back_at"] == NOW_S + 300
    assert "longer shedding" in desk.lines() and "another event asks for more" in desk.lines()


def test_what_a_restore_ends_and_returns_is_told_beforehand() -> None:
    desk = shown(MAPLE.replace("rated: 1.5 kW", "rated: 1.5 kW, comes_back: by_hand"))
    assert desk.now()["restore"] is None
    call(desk, 2.0, 300)
    call(desk, 1.0, 900, id="longer")
    call(desk, 1.0, 900, id="later", start_ts=NOW_S + 3_600)
    desk.wait(20)
    said = desk.now()["restore"]
    assert said["ends"] == ["e1", "longer"] and said["by_hand"] == ["heater1"]
    at_s = desk.ms // 1000
    assert said["back_at"] == at_s + 10 and said["kept_down"] == [] == said["unknown"]
    desk.ask(op="restore")
    desk.wait(30)
    assert set(desk.held()) == set() and not desk.memory.circuits["heater1"].enabled


def test_what_waits_for_another_event_is_not_said_to_come_back_by_a_restore() -> None:
    desk = shown()
    call(desk, 2.0, 300)
    call(desk, 1.5, 300, id="next", start_ts=NOW_S + 50)
    said = desk.now()["restore"]
    assert said["ends"] == ["e1"] and said["kept_down"] == ["heater1"]


def test_who_called_an_event_is_told_what_its_chart_reports_and_nothing_else() -> None:
    desk = shown()
    call(desk)
    call(desk, 1.0, 300, id="later", start_ts=NOW_S + 600)
    assert desk.event()["restore_reports"] == ["restoring", "completed"]
    assert desk.event("later")["cancel_reports"] == ["cancelled"]
    desk.ask(op="restore")
    desk.read()
    desk.effects = []
    said: list[str] = []
    for _ in range(60):
        desk.wait(1)
        said += [e.body["state"] for e in desk.effects if isinstance(e, Status)]
    assert said == ["completed"]


def test_without_a_status_topic_nobody_is_said_to_be_told() -> None:
    desk = shown(MAPLE + "topics:\n  status: off\n")
    call(desk)
    assert desk.event()["restore_reports"] == []


def test_what_only_a_person_switches_on_is_not_counted_among_what_comes_back() -> None:
    by_hand = "rated: 0.4 kW, control: relay, comes_back: by_hand"
    text = MAPLE.replace("rated: 0.4 kW", by_hand).replace("shed: 70 %", "shed: 100 %")
    desk = shown(text)
    call(desk, 2.4)
    desk.ask(op="restore")
    seen = []
    for _ in range(50):
        if now := desk.now()["restoring"]:
            seen.append((now["done"], now["of"], now["next_name"]))
        desk.wait(1)
        desk.read()
    assert {of for _, of, _ in seen} == {2} and "Lights" not in {name for *_, name in seen}


# -- what an event would do -----------------------------------------------------------------------


def asked(desk: Shown, kw: float, length_s: int = 120, **more: Any) -> dict[str, Any]:
    command = desk.command(op="event", event_id="new", shed_kw=kw, duration_sec=length_s, **more)
    return preview(desk.spec, desk.memory, command)  # type: ignore[arg-type]


def test_an_event_that_a_running_one_covers_would_change_nothing() -> None:
    desk = shown()
    call(desk, 3.0, 300)
    said = asked(desk, 2.0, 120)
    assert (said["more_kw"], said["running_kw"]) == (0, 3.0)
    assert said["covered_until"] == NOW_S + 300 and said["ends_at"] == NOW_S + 120
    assert not said["touches_critical"], "critical circuits give already, and no more for it"
    assert all(one["more_kw"] == 0 for one in said["circuits"])
    [line] = _head(said, CLOCK)
    assert line.startswith("nothing would change until") and line.endswith(
        "running events already shed 3.00 kW"
    )


def test_an_event_that_lasts_longer_than_the_one_that_covers_it_goes_on_alone() -> None:
    desk = shown()
    call(desk, 3.0, 300)
    [line] = _head(asked(desk, 2.0, 600), CLOCK)
    assert "running events already shed 3.00 kW; then it would shed 2.00 kW until" in line


def test_only_what_is_asked_beyond_what_runs_is_the_events_own() -> None:
    desk = shown()
    call(desk, 1.0, 300)
    said = asked(desk, 2.0)
    gives = {one["id"]: one["more_kw"] for one in said["circuits"] if one["more_kw"]}
    assert gives == {"heater1": 0.5, "lights1": 0.28, "misc1": 0.22}
    assert (said["more_kw"], said["covered_until"]) == (1.0, None)
    more = asked(desk, 3.0)
    assert more["touches_critical"]


def test_no_more_is_said_to_be_had_than_is_asked() -> None:
    desk = shown(MAPLE.replace("rated: 1.5 kW", "rated: 1.5 kW, control: relay"))
    [line] = _head(asked(desk, 1.0), CLOCK)
    assert (
        line.startswith("sheds 1.00 of 1.00 kW")
        and "0.50 kW more than requested because circuits shed in steps" in line
    )


def test_an_event_covered_by_another_is_not_said_to_get_more_than_it_asked_for() -> None:
    desk = shown()
    call(desk, 3.0, 300)
    ack = call(desk, 1.0, 300, id="less")
    assert ack["actual_shed_kw"] == 3.0, "what is commanded at the ack, as the contract has it"
    assert "shed   1.00 of 1.00 kW, 3.00 kW in total" in _lines(ack, lambda: CLOCK)


def test_a_confirmation_is_asked_for_only_where_more_is_taken_from_critical_circuits() -> None:
    desk = shown()
    call(desk, 3.0, 300)
    command = desk.command(op="event", event_id="new", shed_kw=2.0, duration_sec=60)
    assert plan_outlook(desk.spec, desk.memory, command).touched(desk.spec) == []  # type: ignore[arg-type]
    command = desk.command(op="event", event_id="new", shed_kw=3.1, duration_sec=60)
    assert plan_outlook(desk.spec, desk.memory, command).touched(desk.spec) != []  # type: ignore[arg-type]


def test_a_later_event_is_planned_beside_what_runs_then_and_not_beside_what_runs_now() -> None:
    desk = shown()
    call(desk, 2.0, 300)
    later = asked(desk, 1.0, 120, start_ts=NOW_S + 600)
    assert (later["covered_until"], later["more_kw"]) == (None, 1.0)
    assert (later["power_before_kw"], later["power_after_kw"]) == (10.0, 9.0)
    beside = asked(desk, 1.0, 120, start_ts=NOW_S + 60)
    assert (beside["covered_until"], beside["more_kw"]) == (NOW_S + 300, 0)


def test_other_amounts_that_what_runs_covers_are_not_said_to_get_all_that_runs() -> None:
    desk = shown()
    call(desk, 3.0, 300)
    others = asked(desk, 2.0)["others"]
    assert [one["shed_kw"] for one in others] == [1.0, 2.0, 3.12]


def test_what_people_took_off_needs_nobody_in_a_preview_either() -> None:
    desk = shown()
    call(desk, 2.0, 300)
    desk.ask(op="setLoad", loadId="heater1", enabled=False)
    desk.read()
    said = asked(desk, 0.4)
    assert said["running_kw"] == 0.5 and not said["touches_critical"]
    again = asked(desk, 2.0)
    assert again["shortfall_kw"] == 0.38, "an event of its own begins at what is drawn now"
