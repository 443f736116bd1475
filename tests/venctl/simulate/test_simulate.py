"""`venctl simulate`: a scenario or a recorded day as a table, as charts and as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from statemachine.verify.world.scenario import CrashStep, EventStep, Scenario, Step, read_scenario
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.paths import ROOT
from tests.kit.process.site import venctl
from venctl.simulate.charts import WIDTH, blocks, svg
from venctl.simulate.days import play_day
from venctl.simulate.report import ReportRow

DAY = """
start: 2026-07-14T17:00
steps:
  - {at: 0:30:00, event: {id: evt-1, shed: 2 kW, for: 20 min}}
"""
ROW = re.compile(r"(\d\d:\d\d:\d\d) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)  (.*); (.*)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ven.yaml").write_text(MAPLE)
    (tmp_path / "day.yaml").write_text(DAY)
    return tmp_path


def rows(said: str) -> list[tuple[str, ...]]:
    return [found.groups() for line in said.splitlines() if (found := ROW.match(line))]


def test_the_table_says_what_was_asked_commanded_and_measured(folder: Path) -> None:
    done = venctl("simulate", "day.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    table = rows(done.stdout)
    assert table[0] == ("17:00:00", "0.00", "0.00", "0.00", "10.00", "-", "-")
    assert table[1][1:] == (
        *("2.00", "2.00", "2.00", "8.00"),
        "evt-1 shedding",
        "heater1 0, lights1 0.12, misc1 0.78",
    )
    assert [row[5] for row in table[2:]] == ["evt-1 restoring"] * 3 + ["-"]
    assert "every rule held" in done.stdout
    times = re.search(r"([\d,]+) times real time", done.stdout)
    assert times and int(times.group(1).replace(",", "")) > 100
    assert "0.67 kWh requested, 0.68 kWh shed" in done.stdout


def test_charts_are_drawn_as_text_and_as_a_file(folder: Path) -> None:
    done = venctl("simulate", "day.yaml", "--chart", "--svg", "day.svg", cwd=folder)
    assert "kW ┤" in done.stdout and "░" in done.stdout and "▔" in done.stdout
    drawing = ElementTree.parse(folder / "day.svg").getroot()
    names = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"heater1", "lights1", "misc1"} <= set(names) and "ev1" not in names


def test_a_recorded_day_is_played_with_an_event_of_ones_own(folder: Path) -> None:
    lines = ["time,circuit,kW"]
    lines += [f"2026-07-14T{h:02}:{m:02},heater1,{1 + h % 2}.0" for h in range(4) for m in (0, 30)]
    (folder / "day.csv").write_text("\n".join(lines))
    done = venctl("simulate", "day.csv", "--shed", "0.5 kW", "--at", "1:30:00", cwd=folder)
    assert done.returncode == 0, done.stderr
    table = rows(done.stdout)
    assert ("01:30:00", "0.50", "0.50", "0.50") in [row[:4] for row in table]
    assert float(table[0][4]) == pytest.approx(4.4, abs=0.2)


def test_a_scenario_may_name_the_recording_it_is_played_on(folder: Path) -> None:
    (folder / "loads.csv").write_text("time,circuit,kW\n2026-07-14T17:00,heater1,0.7\n")
    (folder / "day.yaml").write_text(DAY + "recorded: loads.csv\n")
    done = venctl("simulate", "day.yaml", "--json", cwd=folder)
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert said["rows"][0]["power_kw"] == pytest.approx(0.7 + 3.4, abs=0.2)
    assert said["broken"] == [] and said["times_real"] > 100


def test_faults_are_told_with_their_place(folder: Path) -> None:
    (folder / "day.yaml").write_text("steps:\n  - {at: noon}\n")
    done = venctl("simulate", "day.yaml", cwd=folder)
    assert done.returncode == 2
    assert "day.yaml:2:10: 'noon' is not a time since the start" in done.stderr
    missing = venctl("simulate", "none.yaml", cwd=folder)
    assert missing.returncode == 2 and "none.yaml" in missing.stderr
    asked = json.loads(venctl("simulate", "day.yaml", "--json", cwd=folder).stdout)
    assert asked["faults"][0]["line"] == 2


def test_a_rule_of_the_site_that_breaks_is_told_and_exits_1(folder: Path) -> None:
    rule = "never:\n  - {circuit: heater1, off_for: 5 min}\n"
    (folder / "ven.yaml").write_text(MAPLE + rule)
    done = venctl("simulate", "day.yaml", cwd=folder)
    assert done.returncode == 1
    assert "Heater is never off for longer than 5:00: 5:" in done.stderr
    assert "17:30:00  operator requests evt-1: 2 kW for 20:00" in done.stderr


def test_drawings_bear_any_day() -> None:
    """One look, nothing drawn, or a hundred thousand looks."""

    def line(ms: int, watts: int, held: dict[str, int]) -> ReportRow:
        return ReportRow(ms, {}, 0, 0, 0, watts, held)

    for lines in (
        [line(0, 0, {})],
        [line(ms, ms % 900, {"a<b": 0} if ms % 7 else {}) for ms in range(5_000)],
    ):
        text = blocks(lines, str)
        assert len(text.splitlines()) == 14
        assert max(map(len, text.splitlines())) <= WIDTH + 11
        ElementTree.fromstring(svg(lines, ["a<b"], str))


def test_the_diary_adds_up_what_was_shed() -> None:
    scenario = Scenario.model_validate(
        {"loads": "steady", "look": "1 s", "length": "1 h",
         "steps": [{"at": "0:10:00", "event": {"id": "e", "shed": "2 kW", "for": "30 min"}}]}
    )  # fmt: skip
    played = play_day(site(MAPLE), scenario, None, 3_600_000)
    assert played.diary.asked_wh() == pytest.approx(1_000, abs=2)
    assert played.diary.shed_wh() == pytest.approx(1_000, abs=12)


DOCS = (ROOT / "docs" / "simulate.md").read_text("utf-8")
WORDS = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)


def test_the_scenario_of_the_docs_plays_against_the_sample(tmp_path: Path) -> None:
    (tmp_path / "evening.yaml").write_text(WORDS[0])
    (tmp_path / "ven.yaml").write_text((ROOT / "ven.yaml").read_text("utf-8"))
    done = venctl("simulate", "evening.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = read_scenario(WORDS[0], "evening.yaml", site(MAPLE))
    done_in_it = {name for step in said.steps for name in step.deeds}
    assert done_in_it == set(Step.model_fields) - {"at"}, "it shows everything there is"


def test_every_key_of_a_scenario_is_in_the_docs() -> None:
    keys = {
        *Scenario.model_fields,
        *Step.model_fields,
        *EventStep.model_fields,
        *CrashStep.model_fields,
    }
    for key in keys - {"for_", "id"}:
        assert f"`{key}`" in DOCS or f"`{key}:" in DOCS, key


def test_the_own_rules_of_the_docs_are_read() -> None:
    assert site(MAPLE + WORDS[1]).never[0].off_for == 30 * 60_000


def test_what_the_site_refuses_is_told_and_the_event_of_the_command_line_exits_1(
    folder: Path,
) -> None:
    done = venctl("simulate", "--shed", "99 kW", cwd=folder)
    assert done.returncode == 1
    assert "01:00:00  event cli was refused: invalid: 99 kW is more than" in done.stderr
    for more in (("--shed", "2000 kW"), ("--shed", "0 kW"), ("--shed", "2 kW", "--for", "0 s")):
        assert venctl("simulate", *more, cwd=folder).returncode == 1, more
    said = json.loads(venctl("simulate", "--shed", "99 kW", "--json", cwd=folder).stdout)
    assert [no["reason"] for no in said["refused"]] == ["invalid"]
    (folder / "day.yaml").write_text(
        DAY + "  - {at: 0:35:00, event: {id: too-much, shed: 99 kW, for: 5 min}}\n"
    )
    scenario = venctl("simulate", "day.yaml", cwd=folder)
    assert scenario.returncode == 0, scenario.stderr
    assert "17:35:00  event too-much was refused: invalid: 99 kW" in scenario.stderr
