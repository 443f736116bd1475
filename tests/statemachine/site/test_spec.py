"""What ven.yaml may say, and how it is told what it may not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from statemachine import SpecError, read
from statemachine.audit.reader import standard_charts
from statemachine.chart.registry import ACTIONS, SCOPES
from tests.kit.paths import ROOT

SMALL = """\
site: {id: ven-1}
circuits:
  heater: {rated: 2 kW, shed: 100 %}
  lights: {rated: 400 W, shed: 70 %}
  ev:     {rated: 7.2 kW, shed: 100 %}
  hvac:   {rated: 3.5 kW, shed: 20 %, critical: true}
limits: {longest_event: 2 h}
web: {listen: 127.0.0.1:9090}
"""


def faults(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(text, "ven.yaml")
    return [str(fault) for fault in caught.value.faults]


def test_a_file_of_eight_lines_is_a_site() -> None:
    spec = read(SMALL, "ven.yaml")
    assert spec.shed_order() == ["heater", "lights", "ev", "hvac"]
    assert spec.limits.longest_event == 7_200_000
    assert spec.event.initial == "received" and spec.shadow.initial == "offline"


def test_the_charts_in_the_sample_are_the_ones_in_force_without_them() -> None:
    sample = (ROOT / "ven.yaml").read_text("utf-8")
    charts = "event:\n" + sample.partition("\nevent:\n")[2]
    assert charts == "event:\n" + standard_charts().partition("event:\n")[2]
    spec, plain = read(sample, "ven.yaml"), read(SMALL, "ven.yaml")
    assert (spec.event, spec.shadow) == (plain.event, plain.shadow)


def test_what_the_sample_says_below_its_rule_is_the_default() -> None:
    head, _, below = (ROOT / "ven.yaml").read_text("utf-8").partition("# -------")
    assert read(head, "ven.yaml") == read(head + "# -------" + below, "ven.yaml")


def chart(old: str, new: str) -> str:
    """The small site with the standard charts, in which one thing is written otherwise."""
    charts = standard_charts().partition("\n")[2]
    assert charts.count(old) == 1, old
    return SMALL + charts.replace(old, new)


def test_all_faults_are_told_at_once_with_line_column_and_hint() -> None:
    text = chart("sheds: 100 %, report", "sheds: 100, report")
    text = text.replace("to: restoring}\n", "to: restorin}\n", 1)
    text = text.replace("rated: 2 kW", "rated: 50").replace("critical: true", "critcal: true")
    assert faults(text)[:2] == [
        "ven.yaml:3:19: '50' is not a power; write it like 1.5 kW",
        "ven.yaml:6:39: no setting is called 'critcal'; did you mean 'critical'?",
    ]
    assert any("'100' is not a percentage; write it like 70 %" in fault for fault in faults(text))


def test_a_wrong_number_does_not_hide_a_wrong_name() -> None:
    text = chart("to: shedding, do: accept}", "to: sheding, do: accept}")
    found = faults(text.replace("rated: 2 kW", "rated: 50"))
    assert len(found) == 2
    assert "no state is called 'sheding'; did you mean 'shedding'?" in found[1]


def test_a_fault_is_shown_with_its_line_and_a_caret() -> None:
    with pytest.raises(SpecError) as caught:
        read(SMALL.replace("2 kW", "50"), "ven.yaml")
    assert caught.value.faults[0].pretty().splitlines()[1:] == [
        "    3 |   heater: {rated: 50, shed: 100 %}",
        "                          ^",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("a: &x 1\nb: *x\n", "1:4: anchors (&) and aliases (*) are not supported"),
        (SMALL + "site: {id: two}\n", "9:1: 'site' is written twice; first in line 1"),
        (SMALL.replace("2 kW", "2 bananas"), "'2 bananas' is not a power"),
        (SMALL.replace("70 %", "170 %"), "'170 %' is more than 100 %"),
        (SMALL.replace("70 %", "70"), "'70' is not a percentage; write it like 70 %"),
        (SMALL.replace("2 h", "2"), "'2' is not a duration; write it like 30 s or 5 min"),
        (SMALL.replace("{id: ven-1}", "{id: ven 1}"), "1:12: 'ven 1' is not a thing name"),
        (SMALL.replace("400 W", "400 W, type: a fridge"), "'a fridge' is not a word"),
        (SMALL.replace("400 W", "400 W, control: relay"), "so it cannot shed 70 %"),
        (SMALL.replace("400 W", "400 W, floor: 1 kW"), "floor of lights is above its rated"),
        (SMALL.replace("critical: true", "critical: yes"), "'yes' is not valid; write true"),
        (SMALL + "cloud: {kind: aws}\n", "kind aws needs `endpoint`"),
        (SMALL + "cloud: {kind: local, host: x}\n", "kind local has no setting `host`"),
        (SMALL.replace("ven-1}", "ven-1, timezone: Mars/Base}"), "no time zone is called"),
        ("site: {id: v}\n", "`circuits` is missing"),
        ("site: {id: v}\ncircuits: {}\n", "this site has no circuit"),
        (SMALL + "x: {{}}\n", ""),
        ("topics: {command: ven/{venId}}\n", "write each topic on its own line"),
        ("- a\n", "settings are expected here"),
        ("a" * 300_000, "larger than 256 KB"),
        ("[" * 5_000, ""),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(text: str, words: str) -> None:
    assert any(words in fault for fault in faults(text)), faults(text)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("enter: back_off", "enter: os.abort", "no action is called 'os.abort'; use one of: "),
        ("if: starts_later", "if: os.abort", "no guard is called 'os.abort'"),
        (
            "from: shedding, to: same, do: accept",
            "from: shedding, to: same, do: acept",
            "'accept'?",
        ),
        ("{trigger: restore,  from: shedding", "{trigger: restor, from: shedding", "'restore'?"),
        ("initial: received", "initial: recieved", "did you mean 'received'?"),
        ("    scheduled:  {", "    resting:\n    scheduled:  {", "no row leads to 'resting'"),
        (
            "    - {trigger: ended,    from: shedding, to: restoring}\n",
            "    - {trigger: ended,    from: shedding, to: restoring}\n"
            "    - {trigger: ended,    from: shedding, to: completed}\n",
            "this row can never fire; the row in line",
        ),
        ("{until: end, sheds: 100 %, report: started}", "{sheds: 100 %}", "has no time limit"),
        ("enter: settle, for: 10 s", "enter: settle, for: 5 ms", "write 10 ms or more"),
        (
            "enter: settle, for: 10 s",
            "sheds: 5 %, for: 10 s",
            "`sheds` is only for states of the event chart",
        ),
    ],
)
def test_a_chart_that_does_not_hang_together_is_refused(old: str, new: str, words: str) -> None:
    found = faults(chart(old, new))
    assert any(words in fault for fault in found), found
    assert all(fault.startswith("ven.yaml:") for fault in found)


def test_an_unknown_action_is_answered_with_all_that_the_chart_may_do() -> None:
    found = faults(chart("enter: back_off", "enter: os.abort"))
    there_are = sorted(name for name in ACTIONS if SCOPES[name].chart == "shadow")
    assert found[0].endswith("use one of: " + ", ".join(there_are))


def test_words_mean_what_their_field_says() -> None:
    spec = read(SMALL + "topics: {status: off}\nsim: {seed: 010}\n", "ven.yaml")
    assert spec.topics.status is None and spec.sim.seed == 10


def test_check_starts_without_what_it_does_not_need() -> None:
    code = (
        "import sys; from venctl.cli import main; main(['check', 'ven.yaml']); "
        "print([name for name in ('hypothesis', 'awscrt', 'awsiot', 'aiohttp', 'mqtt5') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
