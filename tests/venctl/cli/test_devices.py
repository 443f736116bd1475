"""`venctl devices`: the list, one of them, and docs/devices.md, which is made from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from statemachine.device.form import Template, inline
from statemachine.site.source import child, parse
from tests.kit.paths import ROOT
from venctl.cli import main
from venctl.devices.catalog import shipped

DOCS = (ROOT / "docs" / "devices.md").read_text("utf-8")


def test_the_list_says_what_each_device_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:6] == ["device", "measures", "switches", "limits", "gives", "back"]
    told = {row.split()[0]: row.split()[1:5] for row in rows}
    assert told["shelly"] == ["yes", "yes", "no", "yes"]
    assert told["heidelberg"] == ["yes", "yes", "yes", "no"]
    assert told["sdm630"] == ["yes", "no", "no", "-"]
    assert {*told} == {*shipped()}


@pytest.mark.parametrize("name", [*shipped()])
def test_all_about_a_device_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    template = shipped()[name]
    assert main(["devices", name]) == 0
    told = capsys.readouterr().out
    texts = [template.title, *template.params, *template.sources, *template.notes]
    texts += [want.why for want in template.wants.values()] + [template.terms or ""]
    assert not [text for text in texts if text not in told]
    assert "{full_amps}" not in told


def test_a_tool_gets_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--json"]) == 0
    every = json.loads(capsys.readouterr().out)
    assert [one["device"] for one in every["devices"]] == [*shipped()] and every["faults"] == []
    assert main(["devices", "tasmota", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["devices"]
    assert one["gives_back"] and one["key"] == "topic" and one["params"]["topic"]["default"] is None


def test_an_unknown_name_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "shely"]) == 2
    assert "no device is called 'shely'; did you mean 'shelly'?" in capsys.readouterr().err


def test_the_users_own_are_listed_and_their_faults_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "devices"
    folder.mkdir()
    own = next(block for block in blocks() if "esphome_lease" in block)
    (folder / "own.yaml").write_text(own)
    file = ["--file", str(tmp_path / "ven.yaml")]
    assert main(["devices", "esphome_lease", *file]) == 0
    assert "gives back by itself, within 2 min" in capsys.readouterr().out
    (folder / "own.yaml").write_text(own.replace("esphome_lease", "shelly"))
    assert main(["devices", *file]) == 0
    assert "(your own)" in capsys.readouterr().out
    (folder / "own.yaml").write_text(own.replace("off_for:", "off_fr:"))
    assert main(["devices", *file]) == 2
    told = capsys.readouterr()
    assert "own.yaml:" in told.err and "shelly" in told.out
    assert main(["devices", "--json", *file]) == 2
    assert json.loads(capsys.readouterr().out)["faults"]


def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)


def test_the_table_in_the_docs_is_what_devices_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--table"]) == 0
    table = DOCS.partition("<!-- venctl devices --table -->\n")[2].partition("<!-- end -->")[0]
    assert table == capsys.readouterr().out


def test_the_templates_in_the_docs_are_sound() -> None:
    own = next(block for block in blocks() if block.startswith("# devices/"))
    template = Template.model_validate(parse(own, "own.yaml").value)
    assert template.gives_back and template.sources
    described = next(block for block in blocks() if block.startswith("driver:"))
    form = child(child(parse(described, "x").value, "driver"), "http")
    assert isinstance(form, dict) and inline("http", form).switches


def test_the_docs_name_every_part_of_the_grammar() -> None:
    for name in Template.model_fields:
        assert f"`{name}`" in DOCS, name
