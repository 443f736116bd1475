"""Schema, parser and documents name the same things; what is written out is what is in force."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from statemachine import Spec, SpecError, read
from statemachine.audit.reader import examine
from statemachine.chart.names import all_names, names_of
from statemachine.describe.keys import Key, all_keys
from statemachine.describe.schema import schema
from statemachine.describe.writer import to_yaml
from statemachine.kit.quantity import millis, millis_text, percent, percent_text, watts, watts_text
from statemachine.site.links import LINKS
from statemachine.site.panel import DWELL_MS
from tests.kit.paths import DATA, ROOT
from venctl.cli import main
from venctl.devices.catalog import shipped

SAMPLES = [ROOT / "ven.yaml", *sorted((ROOT / "examples").glob("*.yaml"))]
DOCS = (ROOT / "docs" / "ven-yaml.md").read_text("utf-8")
CATALOG = shipped()
WHOLE = schema(CATALOG)
CHECKED = Draft202012Validator(WHOLE)
KEYS = all_keys()
# Warnings of examples/devices.yaml, which its comments explain.
FORETOLD = {"devices": {"no-lease", "failsafe"}}
BASE = "site: {id: v}\ncircuits: {heater: {rated: 2 kW, shed: 100 %}}\n"


class Yaml12(yaml.SafeLoader):
    """YAML as editors read it: `off`, `no` and `22:00` are text."""


Yaml12.yaml_implicit_resolvers = {}
for tag, shape, first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
):
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"({shape})$"), list(first))


def wrong(text: str) -> list[str]:
    """What an editor would underline."""
    value = yaml.load(text, Yaml12)
    return [error.message for error in CHECKED.iter_errors(value)]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(WHOLE)
    assert WHOLE["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_the_samples_are_what_the_schema_asks_for(file: Path) -> None:
    assert wrong(file.read_text("utf-8")) == []


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_the_samples_pass_check_without_a_word(file: Path) -> None:
    spec, faults = examine(file.read_text("utf-8"), file.name, CATALOG)
    assert spec is not None and {fault.kind for fault in faults} <= FORETOLD.get(file.stem, set())


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_what_is_written_out_passes_schema_and_check_and_is_the_same_site(file: Path) -> None:
    spec = read(file.read_text("utf-8"), file.name, CATALOG)
    text = to_yaml(spec)
    assert wrong(text) == [] and examine(text, "ven.yaml", CATALOG)[0] is not None
    again = read(text, "ven.yaml", CATALOG)
    assert to_yaml(again) == text
    assert again.shed_order() == spec.shed_order()
    without = {"circuits"}
    assert again.model_dump(exclude=without) == spec.model_dump(exclude=without)
    for id, circuit in spec.circuits.items():
        other = again.circuits[id]
        names = ("min_on_ms", "min_off_ms", "max_off_ms", "typical_w", "most_w", "control")
        for name in (*names, "driver", "meter"):
            assert getattr(other, name) == getattr(circuit, name), (id, name)


def test_the_smallest_site_of_the_readme_is_what_the_schema_asks_for() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert wrong(blocks[0]) == []


@pytest.mark.parametrize(
    "name", ["unknown-setting", "missing", "bad-value", "unknown-trigger", "unknown-guard"]
)
def test_an_editor_underlines_what_check_refuses(name: str) -> None:
    assert wrong((DATA / "bad" / f"{name}.yaml").read_text("utf-8"))


# -- schema and parser ----------------------------------------------------------------------------


def parsed_keys(model: type[BaseModel], above: str) -> Iterator[str]:
    """Every setting that the parser's own models have."""
    for name, field in model.model_fields.items():
        path = f"{above}{field.alias or name}"
        yield path
        inner, mark = _inner(field.annotation)
        if inner is not None:
            yield from parsed_keys(inner, f"{path}{mark}.")


def _inner(kind: Any) -> tuple[type[BaseModel] | None, str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind, ""
    models = [a for a in get_args(kind) if isinstance(a, type) and issubclass(a, BaseModel)]
    if not models:
        return None, ""
    return models[0], "[]" if kind.__origin__ is list else ".*"


def test_the_schema_has_every_setting_of_the_parser_and_no_other() -> None:
    of_events = {f"shadow.states.*.{name}" for name in ("sheds", "until", "final", "report")}
    assert set(parsed_keys(Spec, "")) - of_events == {key.path for key in KEYS}


def value_of(key: Key) -> str:
    """Something the setting may say, as the table tells it."""
    if key.default not in ("", "needed"):
        return key.default
    if key.form.startswith(("like ", "list, like ")):
        return key.form.rpartition("like ")[2]
    return {"whole number": "3", "text": "word"}.get(key.form, key.form.split(", ")[-1])


@pytest.mark.parametrize(
    "key",
    [k for k in KEYS if "." in k.path and k.form not in ("settings", "list")
     and not k.path.startswith(("event", "shadow"))],
    ids=lambda key: key.path,
)  # fmt: skip
def test_every_setting_of_the_schema_is_read_by_the_parser_as_the_table_says(key: Key) -> None:
    section, *_, name = key.path.split(".")
    value = value_of(key) if "name or list" not in key.form else "word"
    said = f"{name}: [{value}]" if key.form.startswith("list") else f'{name}: "{value}"'
    first = {"site": "id: v", "circuits": "rated: 2 kW", "never[]": "circuit: heater"}
    needed = first.get(section, "mqtt: h" if section == "links" and name not in LINKS else "")
    inside = said if needed.startswith(f"{name}:") else ", ".join(filter(None, [needed, said]))
    lines = {"site": "site: {id: v}", "circuits": "circuits: {heater: {rated: 2 kW}}"}
    line = {
        "circuits": f"circuits: {{heater: {{{inside}}}}}",
        "links": f"links: {{house: {{{inside}}}}}",
    }.get(section)
    line = line or (f"{section[:-2]}:\n  - {{{inside}}}" if "[]" in section else "")
    lines[section] = line or f"{section}: {{{inside}}}"
    faults = examine("\n".join(lines.values()) + "\n", "ven.yaml")[1]
    assert {fault.kind for fault in faults}.isdisjoint({"unknown-setting", "bad-value", "yaml"})


def test_each_chart_offers_the_names_that_check_lists() -> None:
    for chart in ("event", "shadow"):
        row = WHOLE["$defs"][f"{chart}_Row"]["properties"]
        assert row["trigger"]["enum"] == names_of(chart, "trigger")
        for key, what in (("if", "guard"), ("unless", "guard"), ("do", "action")):
            assert row[key]["anyOf"][0]["enum"] == names_of(chart, what)
        enter = WHOLE["$defs"][f"{chart}_State"]["properties"]["enter"]
        assert enter["anyOf"][0]["enum"] == names_of(chart, "action")


def test_every_name_says_what_it_means() -> None:
    for named in all_names():
        assert named.meaning, named.name


@pytest.mark.parametrize(
    ("setting", "fits"),
    [
        ("driver: {shelly: 192.168.1.40, channel: 1}", True),
        ("driver: {shelly: 192.168.1.40, chanel: 1}", False),
        ("driver: {shelly: 192.168.1.40, password: open-sesame}", False),
        ("driver: {heidelberg: 1, host: 192.168.1.20}", True),
        ("driver: {sdm120: 1, on: cellar}", False),
        ("driver: {http: {read: {}, write: {}}, host: fan.local}", True),
        ("driver: shelly", False),
        ("meter: {sdm120: 4, on: cellar}", True),
        ("meter: none", True),
        ("meter: {shely: 192.168.1.40}", False),
    ],
)
def test_the_schema_offers_each_device_with_its_parameters(setting: str, fits: bool) -> None:
    text = f"site: {{id: v}}\ncircuits: {{heater: {{rated: 2 kW, {setting}}}}}\n"
    assert (wrong(text) == []) == fits


def test_without_devices_the_schema_takes_what_is_described_in_place() -> None:
    Draft202012Validator.check_schema(schema())


# -- the documents --------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--keys", "--names"])
def test_the_tables_in_the_docs_are_what_check_prints(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", flag]) == 0
    table = DOCS.partition(f"<!-- venctl check {flag} -->\n")[2].partition("<!-- end -->")[0]
    assert table == capsys.readouterr().out


def test_the_rest_times_in_the_docs_are_those_of_the_types() -> None:
    rows = re.findall(r"^\| (\w[\w ]*) \| (.*?) \| (.*?) \| (.*?) \|$", DOCS, re.MULTILINE)
    told = {kind: times for kind, *times in rows if kind in (*DWELL_MS, "all others")}
    for kind, (on_ms, off_ms, most_ms) in DWELL_MS.items():
        most = "no limit" if most_ms is None else millis_text(most_ms)
        assert told.get(kind, told["all others"]) == [millis_text(on_ms), millis_text(off_ms), most]


def test_the_readme_leads_to_the_reference() -> None:
    assert "docs/ven-yaml.md" in (ROOT / "README.md").read_text("utf-8")


# -- writing --------------------------------------------------------------------------------------


@given(st.integers(0, 10**9))
def test_a_power_is_read_back_as_it_was_written(number: int) -> None:
    assert watts(watts_text(number)) == number


@given(st.integers(0, 400 * 86_400_000))
def test_a_length_is_read_back_as_it_was_written(number: int) -> None:
    assert millis(millis_text(number)) == number


@given(st.integers(0, 100))
def test_a_share_is_read_back_as_it_was_written(number: int) -> None:
    assert percent(percent_text(number)) == number


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64).filter(
    lambda text: (
        not re.search("[\x00-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", text)
        and text == text.strip("\u200c\u200d")
    )
)


@pytest.mark.parametrize(
    "name", ["\u0645\u06cc\u200c\u062e", "\U0001f469\u200d\U0001f33e", "Ofen 2"]
)
def test_a_name_may_be_joined_as_its_script_joins_it(name: str) -> None:
    text = f'site: {{id: v}}\ncircuits: {{a: {{name: "{name}", rated: 1 kW}}}}'
    assert read(text, "ven.yaml").name_of("a") == name


@pytest.mark.parametrize("name", ["\u200d", "\u200cx", "x\u200d", "a\u202eb", "a\u2066b"])
def test_a_name_that_cannot_be_seen_is_refused(name: str) -> None:
    with pytest.raises(SpecError) as refused:
        read(f'site: {{id: v}}\ncircuits: {{a: {{name: "{name}", rated: 1 kW}}}}', "ven.yaml")
    assert "is not a name" in refused.value.faults[0].pretty()


@settings(max_examples=200, deadline=None)
@given(NAMES, NAMES, st.integers(1, 10**6), st.integers(1, 99))
def test_any_name_survives_being_written_and_read(
    name: str, other: str, rated_w: int, percent: int
) -> None:
    plain = read(BASE, "ven.yaml")
    circuit = plain.circuits["heater"].model_copy(
        update={"name": other, "rated": rated_w, "shed": percent}
    )
    update = {"site": plain.site.model_copy(update={"name": name, "service": 10**7})}
    spec = plain.model_copy(update={**update, "circuits": {"heater": circuit}})
    again = read(to_yaml(spec), "ven.yaml")
    assert (again.site.name, again.circuits["heater"].name) == (name, other)
    assert again.circuits["heater"].rated == rated_w
