"""The house keeps its own rules: who may import what, what is packed, how long a file gets."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

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
# Extras: the one module that sees the library, and the library.
EXTRAS = {
    "ocpp": ("venctl/drivers/links/ocpp/session.py", "ocpp"),
    "bacnet": ("venctl/drivers/links/bacnet/stack.py", "bacpypes3"),
}
ONLY_VENCTL = {"awscrt", "awsiot", "sqlite3", "mqtt5"}

# Lowest first: a module imports from its own room and from those before it. "" is the top folder.
LAYERS = {
    "statemachine": (
        "kit", "device", "site", "state", "curtail", "chart", "returns", "commissioning",
        "interlock", "journal", "wire", "shadow", "decide", "audit", "describe", "verify.world",
        "verify.observer", "verify.rules", "verify.search", "",
    ),
    "venctl": (
        "base", "folder", "devices", "drivers.links", "drivers", "store", "commissioning",
        "discovery", "runtime", "link", "standin.disk", "standin.broker", "standin.shadow",
        "standin", "health", "reach", "doctor", "simulate", "", "cli.kit", "cli",
    ),
    "web": ("shapes", "http", ""),
}  # fmt: skip
ABOVE_ALL = {"statemachine/__init__.py", "venctl/__main__.py"}
LAYERED = [name for name in NAMES if name.split("/")[0] in LAYERS and name not in ABOVE_ALL]
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


def room_of(package: str, module: str) -> str:
    """The room of a dotted module of a package."""
    inside = f"{module.removeprefix(package)}."
    rooms = [room for room in LAYERS[package] if room and inside.startswith(f".{room}.")]
    return max(rooms, key=len, default="")


def imported(file: Path) -> set[str]:
    """The dotted modules that a file imports from its own package."""
    package = file.relative_to(ROOT).parent.parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            if node.module:
                found.add(".".join([*base, node.module]))
            else:
                found |= {".".join([*base, one.name]) for one in node.names}
    return found


@pytest.mark.parametrize("name", LAYERED)
def test_no_room_imports_from_one_above_it(name: str) -> None:
    package, module = name.split("/")[0], name.removesuffix(".py").replace("/", ".")
    layers = LAYERS[package]
    mine = layers.index(room_of(package, module))
    above = set(layers[mine + 1 :])
    assert not {one for one in imported(ROOT / name) if room_of(package, one) in above}


@pytest.mark.parametrize("folder", sorted({str(Path(name).parent) for name in LAYERED}))
def test_no_room_is_crowded(folder: str) -> None:
    modules = [name for name in NAMES if str(Path(name).parent) == folder]
    assert len([name for name in modules if not name.endswith("__init__.py")]) <= MOST_MODULES


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


def test_what_is_imported_is_installed_with_it() -> None:
    """And not only with the tests: each package is a dependency, or part of one."""
    found = set().union(*(imports(file) for file in FILES if "tools" not in file.parts))
    outside = found - _standard() - {*ROOMS, "__future__", "pydantic_core"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [line for name in EXTRAS for line in project["optional-dependencies"][name]]
    lines = [*project["dependencies"], *extras]
    declared = {_plain(re.split(r"[<>=]", line)[0]) for line in lines}
    brought_by = packages_distributions()
    assert outside and not [
        name for name in outside if declared.isdisjoint(_plain(dist) for dist in brought_by[name])
    ]


@pytest.mark.parametrize(("module", "name"), EXTRAS.values())
def test_the_library_of_an_extra_is_seen_by_one_module_that_is_loaded_late(
    module: str, name: str
) -> None:
    assert [one for one in NAMES if name in imports(ROOT / one)] == [module]
    loaded = "import sys, venctl.drivers.links; sys.exit(sys.argv[1] in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", loaded, name], cwd=ROOT, check=False).returncode == 0
    )


def _plain(distribution: str) -> str:
    """Its name as PyPI compares it."""
    return distribution.lower().replace("_", "-")


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


MIRRORS = sorted(
    {
        str(file.parent.relative_to(ROOT / "tests"))
        for room in ROOMS
        for file in (ROOT / "tests" / room).rglob("*.py")
    }
)


@pytest.mark.parametrize("folder", MIRRORS)
def test_each_folder_of_tests_has_a_counterpart_in_the_source(folder: str) -> None:
    assert list((ROOT / folder).glob("*.py")), f"tests/{folder} mirrors no folder with modules"
