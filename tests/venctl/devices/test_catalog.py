"""The catalog: the user's own template counts, and all faults are told with their places."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import pytest

from statemachine import SpecError
from venctl.devices.catalog import MOST_FILES, catalog, devices_beside, shipped

OWN = """\
device: {device}
title: My plug
speaks: http
key: host
params: {{host: {{means: its address}}}}
control: none
read: {{power: {{get: /watts, unit: W}}}}
"""


def written(folder: Path, name: str, device: str = "plug", text: str = OWN) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text.format(device=device))
    return folder


def test_a_shipped_file_has_the_name_of_its_device() -> None:
    names = {entry.name for entry in files("venctl.devices").iterdir()}
    assert {f"{name}.yaml" for name in shipped()} == {n for n in names if n.endswith(".yaml")}


def test_a_shipped_template_reads_the_same_as_a_users_own(tmp_path: Path) -> None:
    for entry in files("venctl.devices").iterdir():
        if entry.name.endswith(".yaml"):
            (tmp_path / entry.name).write_text(entry.read_text("utf-8"))
    found = catalog(tmp_path)
    assert not found.faults and found.replaced == {*shipped()}
    assert found.templates == shipped()


def test_without_a_folder_there_are_the_shipped_ones(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "devices"):
        found = catalog(folder)
        assert found.templates == shipped() and not found.faults and not found.replaced


def test_the_users_own_counts_in_place_of_the_shipped_one(tmp_path: Path) -> None:
    written(tmp_path, "a.yaml")
    found = catalog(written(tmp_path, "b.yaml", "shelly"))
    assert found.templates["plug"].title == found.templates["shelly"].title == "My plug"
    assert found.replaced == {"shelly"} and not found.faults
    assert len(found.templates) == len(shipped()) + 1


def test_every_fault_of_every_file_is_told_with_its_place(tmp_path: Path) -> None:
    written(tmp_path, "good.yaml")
    written(
        tmp_path,
        "a.yaml",
        text=OWN.replace("unit: W", "unit: VA").replace("means: its", "mean: its"),
    )
    written(
        tmp_path,
        "b.yaml",
        text=OWN.replace("unit: W", "unit: VA").replace("key: host", "key: hots"),
    )
    written(tmp_path, "c.yaml", text="a: [")
    written(tmp_path, "d.yaml", text="")
    written(tmp_path, "e.yaml", "Plug!")
    written(tmp_path, "f.yaml", "mqtt")
    found = catalog(tmp_path)
    assert "plug" in found.templates
    told = {
        f"{Path(fault.mark.file).name}:{fault.mark.line}: {fault.problem}" for fault in found.faults
    }
    for part in (
        "a.yaml:5: no setting is called 'mean'",
        "a.yaml:5: `means` is missing",
        "b.yaml:4: no parameter is called 'hots'",
        "b.yaml:7: 'VA' is no unit",
        "c.yaml:1: ",
        "d.yaml:1: the file is empty",
        "e.yaml:1: a device cannot be called 'Plug!'",
        "f.yaml:1: a device cannot be called 'mqtt'",
    ):
        assert [one for one in told if one.startswith(part)], (part, told)


def test_a_key_written_twice_is_told(tmp_path: Path) -> None:
    found = catalog(written(tmp_path, "a.yaml", text=OWN + "title: again\n"))
    assert [fault.kind for fault in found.faults] == ["twice"]


def test_two_files_with_the_same_device_are_told(tmp_path: Path) -> None:
    written(tmp_path, "a.yaml")
    (fault,) = catalog(written(tmp_path, "b.yaml")).faults
    assert "plug" in fault.problem and fault.mark.file.endswith("b.yaml")


def test_a_folder_is_bounded_in_size_and_number(tmp_path: Path) -> None:
    written(tmp_path, "big.yaml", text="x: '" + "x" * 300_000 + "'")
    for number in range(MOST_FILES + 1):
        written(tmp_path, f"n{number}.yaml", f"plug{number}")
    found = catalog(tmp_path)
    problems = [fault.problem for fault in found.faults]
    assert "the file is larger than 256 KB" in problems
    assert [problem for problem in problems if problem.startswith("there are more than 200")]
    assert len(found.templates) <= len(shipped()) + MOST_FILES


def test_what_is_no_readable_file_is_told_and_hangs_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"device: \xff")
    (tmp_path / "notes.txt").write_text("not read")
    found = catalog(tmp_path)
    assert {Path(f.mark.file).name for f in found.faults} == {
        "folder.yaml",
        "pipe.yaml",
        "latin.yaml",
    }
    assert found.templates == shipped()


@pytest.mark.parametrize(
    "text", ["- a", "x", "device: {}", "read: []", "write: {on: [[]]}", "params: {a: }"]
)
def test_a_file_of_any_shape_is_a_fault_and_no_error(tmp_path: Path, text: str) -> None:
    found = catalog(written(tmp_path, "a.yaml", text=text.replace("{", "{{").replace("}", "}}")))
    assert found.faults and found.templates == shipped()


def test_the_devices_beside_a_ven_yaml_are_refused_with_every_fault(tmp_path: Path) -> None:
    assert devices_beside(tmp_path / "ven.yaml") == shipped()
    written(tmp_path / "devices", "a.yaml")
    assert "plug" in devices_beside(tmp_path / "ven.yaml")
    written(tmp_path / "devices", "b.yaml", text="device: 5\nread: 5\n")
    with pytest.raises(SpecError) as refused:
        devices_beside(tmp_path / "ven.yaml")
    assert len(refused.value.faults) > 1
