"""The house keeps its own rules: who may import what, what is packed, how long a file gets."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("statemachine", "web", "venctl")
FILES = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
NAMES = [str(file.relative_to(ROOT)) for file in FILES]

# Whatever reads a clock, throws dice, waits, or reaches outside.
WORLDLY = {
    "asyncio", "datetime", "concurrent", "http", "io", "logging", "multiprocessing", "os",
    "pathlib", "queue", "random", "sched", "secrets", "select", "shutil", "signal", "socket",
    "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
    "zoneinfo",
}  # fmt: skip
PURE = {"transitions", "yaml", "pydantic", "pydantic_core", "statemachine"}
MAY = {
    "statemachine/audit/site.py": {"zoneinfo"},
    "statemachine/kit/localtime.py": {"zoneinfo", "datetime"},
}
ONLY_VENCTL = {"awscrt", "awsiot", "sqlite3", "mqtt5"}

# Lowest first: a room of statemachine imports from its own and from those before it.
LAYERS = (
    "kit", "site", "state", "curtail", "chart", "returns", "interlock", "journal", "wire", "shadow",
    "decide", "audit", "describe", "verify.world", "verify.observer", "verify.rules",
    "verify.search",
)  # fmt: skip
MOST_MODULES = 16


def imports(file: Path) -> set[str]:
    """The first words of all modules a file imports from outside its own package."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_imports_point_one_way(name: str) -> None:
    room, said = name.split("/")[0], imports(ROOT / name)
    assert not said & {"tests", "bench"}
    assert not said & set(ROOMS[ROOMS.index(room) + 1 :])


def room_of(module: str) -> str:
    """The room of a dotted module below statemachine; "": it stands above all of them."""
    return next((room for room in LAYERS if f"{module}.".startswith(f"statemachine.{room}.")), "")


def imported_rooms(file: Path) -> set[str]:
    """The rooms of statemachine that a file in it imports from."""
    package = ".".join(file.relative_to(ROOT).parent.parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {room_of(module) or room_of(f"{module}.{one.name}") for one in node.names}
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("statemachine/")])
def test_no_room_imports_from_one_above_it(name: str) -> None:
    room = room_of(name.removesuffix(".py").replace("/", "."))
    above = LAYERS[LAYERS.index(room) + 1 :] if room else ()
    assert not imported_rooms(ROOT / name) & {*above, *([""] if room else [])}


def test_every_module_of_statemachine_lies_in_a_room_that_is_not_crowded() -> None:
    modules = [file for file in FILES if file.name != "__init__.py"]
    for folder in {file.parent for file in modules}:
        if folder.relative_to(ROOT).parts[0] == "statemachine":
            assert sum(file.parent == folder for file in modules) <= MOST_MODULES, folder
    outside = {file.name for file in modules if file.parent == ROOT / "statemachine"}
    assert outside == {"vocabulary.py"}


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("statemachine/")])
def test_what_decides_knows_nothing_of_the_world(name: str) -> None:
    said = imports(ROOT / name) - MAY.get(name, set())
    assert not said & WORLDLY
    assert said - {"__future__"} <= PURE | _standard(), "the standard library and three more"


def _standard() -> set[str]:
    import sys

    return set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("web/")])
def test_what_shows_reaches_no_broker_and_no_disk(name: str) -> None:
    assert not imports(ROOT / name) & ONLY_VENCTL


def test_every_folder_with_python_is_packed() -> None:
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = {file.parent.relative_to(ROOT) for file in FILES if file.name == "__init__.py"}
    folders -= {folder for folder in folders if "tools" in folder.parts}
    names = {str(folder).replace("/", ".") for folder in folders}
    rooms = {name if name.startswith("venctl") else f"venctl._rooms.{name}" for name in names}
    assert set(packed["packages"]) == rooms


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_short_and_says_what_it_is_for(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert len(text.splitlines()) <= 300
    said = ast.get_docstring(ast.parse(text))
    assert said and said.split("\n\n")[0].replace("\n", " ").rstrip("`)").endswith((".", "?", ":"))
