"""Every fault a file can have is told with its place and what to write instead.

Beside each `tests/data/bad/NAME.yaml` stands what `venctl check` says of it, to the letter. To
renew one after changing its words: `cd tests/data/bad; venctl check NAME.yaml 2>NAME.txt`.
"""

from __future__ import annotations

import json

import pytest

from statemachine.audit.reader import examine
from statemachine.kit.errors import Finding
from statemachine.kit.findings import ERRORS, KINDS, WARNINGS
from tests.kit.core.sample_devices import DEVICES
from tests.kit.paths import DATA
from venctl.cli import main

BAD = DATA / "bad"
NAMES = sorted(file.stem for file in BAD.glob("*.yaml"))


def faults(name: str) -> list[Finding]:
    return examine((BAD / f"{name}.yaml").read_text("utf-8"), f"{name}.yaml", DEVICES)[1]


@pytest.mark.parametrize("name", NAMES)
def test_check_says_of_a_bad_file_what_is_written_beside_it(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BAD)
    code = main(["check", f"{name}.yaml"])
    assert capsys.readouterr().err == (BAD / f"{name}.txt").read_text("utf-8")
    refused = any(fault.severity == "error" for fault in faults(name))
    assert code == (2 if refused else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_finding_has_a_bad_file_of_its_own(kind: str) -> None:
    assert any(name.startswith(kind) for name in NAMES), f"tests/data/bad/{kind}.yaml is missing"
    files = [name for name in NAMES if name.startswith(kind)]
    assert any(fault.kind == kind for name in files for fault in faults(name))


def test_a_bad_file_shows_what_it_is_named_for_and_little_else() -> None:
    for name in NAMES:
        kinds = {fault.kind for fault in faults(name)}
        assert kinds, f"{name} has no fault"
        if name != "ten-faults":
            assert any(name.startswith(kind) for kind in kinds) and len(kinds) <= 2, (name, kinds)


def test_no_kind_is_an_error_and_a_warning_at_once() -> None:
    assert not ERRORS.keys() & WARNINGS.keys()


def test_ten_faults_are_told_at_once() -> None:
    found = faults("ten-faults")
    assert len(found) == 10 and len({fault.kind for fault in found}) == 10
    assert all(fault.hint or "draws" in fault.problem for fault in found)


def test_a_tool_is_told_place_kind_severity_problem_and_hint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BAD)
    assert main(["check", "unknown-state.yaml", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["faults"][0] == {
        "file": "unknown-state.yaml",
        "line": 14,
        "column": 30,
        "kind": "unknown-state",
        "severity": "error",
        "problem": "no state is called 'sheding'",
        "hint": "did you mean 'shedding'?",
    }
    assert main(["check", "surge.yaml", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["circuits"] == 2 and [f["severity"] for f in said["faults"]] == ["warning"]
