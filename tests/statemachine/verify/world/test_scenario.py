"""Scenarios and recorded days: what they may say, and the exact place of what they may not."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine import SpecError
from statemachine.verify.search.generate_days import generate_day
from statemachine.verify.search.narrate import scenario_text
from statemachine.verify.world.elapsed import elapsed_text, parse_elapsed
from statemachine.verify.world.recorded import read_recorded
from statemachine.verify.world.scenario import Scenario, read_scenario
from tests.kit.core.sample_sites import MAPLE, site

SITE = site(MAPLE)


def faults(text: str) -> list[str]:
    with pytest.raises(SpecError) as error:
        read_scenario(text, "day.yaml", SITE)
    return [str(fault) for fault in error.value.faults]


def test_a_scenario_says_when_what_happens() -> None:
    text = """
start: 2026-07-14T17:00
steps:
  - {at: 1:00:00, event: {id: e1, shed: 2 kW, for: 1 h, start: 2:00:00}}
  - {at: 1:30:00.250, clock: -61 s}
  - {at: 2:00, crash: {down: 30 s}}
"""
    said = read_scenario(text, "day.yaml", SITE)
    call, step, crash = said.steps
    assert call.event is not None and (call.event.shed, call.event.start) == (2_000, 7_200_000)
    assert (step.at, step.clock) == (5_400_250, -61_000)
    assert crash.crash is not None and crash.crash.down == 30_000
    assert said.last_ms == 3 * 3_600_000 + 61_000


def test_every_fault_is_told_at_once_with_its_place() -> None:
    text = """\
start: 2026-07-14
steps:
  - {at: 1:00:00, event: {id: e1, shed: 2, for: 1 h}}
  - {at: 25 min, restore: {event: e1}}
  - {at: 1:00:00, wish: {circuit: hvac1, to: up}, link: lost}
  - {at: 1:00:00, swich: {circuit: hvac1, to: on}}
"""
    assert faults(text) == [
        "day.yaml:1:8: '2026-07-14' is not a start; write it like 2026-07-14T00:00",
        "day.yaml:3:41: '2' is not a power; write it like 1.5 kW",
        "day.yaml:4:10: '25 min' is not a time since the start; write it like 18:30:00",
        "day.yaml:5:46: 'up' is not valid for `to`; use one of: off, on",
        "day.yaml:6:19: no setting is called 'swich'; did you mean 'switch'?",
    ]


def test_what_cannot_be_at_this_site_is_refused_too() -> None:
    text = """\
start: 2026-03-08T02:30
draws: {heater2: 1 kW}
steps:
  - {at: 1:00:00, switch: {circuit: heater9, to: on}}
  - {at: 1:00:00}
"""
    spring = site(MAPLE.replace("id: volttron_local", "id: v, timezone: America/Los_Angeles"))
    with pytest.raises(SpecError) as error:
        read_scenario(text, "day.yaml", spring)
    told = [str(fault) for fault in error.value.faults]
    assert told[0].startswith("day.yaml:1:8: 02:30 does not exist on 2026-03-08")
    assert told[1] == "day.yaml:2:9: no circuit is called 'heater2'; did you mean 'heater1'?"
    assert told[2].startswith("day.yaml:4:37: no circuit is called 'heater9'")
    assert told[3].startswith(
        "day.yaml:5:5: a step needs exactly one key besides `at`; write one of event,"
    )


@given(st.integers(0, 10**9))
def test_a_time_is_read_as_it_is_written(ms: int) -> None:
    assert parse_elapsed(elapsed_text(ms)) == ms


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_an_invented_day_reads_as_it_was_meant(seed: int) -> None:
    words = generate_day(SITE, Random(seed), 20)
    text = scenario_text({"about": "it's: {odd}", **words}, ["a story: {of it}"])
    assert read_scenario(text, "x.yaml", SITE) == Scenario.model_validate(
        {"about": "it's: {odd}", **words}
    )


CSV = """time,circuit,kW
2026-07-14T00:00,heater1,1.5
2026-07-14T00:00,unmetered,3.4
2026-07-14T00:10,heater1,0.25
"""


def test_a_recorded_day_says_what_was_drawn_until_the_next_reading() -> None:
    day = read_recorded(CSV, "day.csv", SITE)
    series, first = day.series["heater1"], day.first_ms
    at = [series.at(first + ms) for ms in (-1, 0, 599_999, 600_000, 10**9)]
    assert at == [1_500, 1_500, 1_500, 250, 250]
    assert day.last_ms - day.first_ms == 600_000


def test_csv_and_json_lines_say_the_same() -> None:
    rows = [line.split(",") for line in CSV.splitlines()[1:]]
    lines = [json.dumps({"time": t, "circuit": c, "kW": float(kw)}) for t, c, kw in rows]
    assert read_recorded("\n".join(lines), "x.jsonl", SITE) == read_recorded(CSV, "x.csv", SITE)


def test_faults_of_a_recorded_day_name_their_line() -> None:
    text = CSV + "now,heater1,1\n2026-07-14T00:20,heater7,1\n1784000000,fridge1,-2\n,fridge1,1\n"
    with pytest.raises(SpecError) as error:
        read_recorded(text, "day.csv", SITE)
    assert [str(fault) for fault in error.value.faults] == [
        "day.csv:5:1: 'now' is not a time; write it like 2026-11-24T18:00",
        "day.csv:6:1: no circuit is called 'heater7'; did you mean 'heater1'?",
        "day.csv:7:1: '-2' is not a power in kW; write it like 1.5",
        "day.csv:8:1: this line has no time; write time, circuit and kW",
    ]
    with pytest.raises(SpecError, match="does not name the columns; write time,circuit,kW"):
        read_recorded("12:00,heater1,1", "day.csv", SITE)
    with pytest.raises(SpecError, match="the file has no readings"):
        read_recorded("time,circuit,kW\n", "day.csv", SITE)
