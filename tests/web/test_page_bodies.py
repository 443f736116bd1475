"""What the page believes of the controller's answers, held against the answers themselves."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.kit.core.web_page import Page, open_page
from tests.kit.paths import ROOT
from web.machine import transition

TEXT = (ROOT / "web/static/core/bodies.d.ts").read_text("utf-8")
INTERFACES = re.findall(r"export interface (\w+)(?: extends (\w+))? \{\n(.*?)\n\}", TEXT, re.DOTALL)
ALIASES = dict(re.findall(r"export type (\w+) =\s*(.*?);\n", TEXT, re.DOTALL))
FIELD = re.compile(r"(\w+)(\??): ((?:[^;{}]|\{[^}]*\})+)(?:;|$)")
PLAIN = {"string": str, "number": int | float, "boolean": bool, "null": type(None)}

Fields = dict[str, tuple[bool, str]]


def fields_of(name: str) -> Fields:
    """The fields of an interface, with whether each may be left out, and its type."""
    base, text = next((base, text) for known, base, text in INTERFACES if known == name)
    return (fields_of(base) if base else {}) | parsed(text)


def parsed(text: str) -> Fields:
    return {name: (bool(mark), type_.strip()) for name, mark, type_ in FIELD.findall(text)}


def choices(type_: str) -> list[str]:
    """The parts of a union, with what stands in brackets left whole."""
    parts = re.findall(r"(?:[^|({]|\([^)]*\)|\{[^}]*\})+", ALIASES.get(type_, type_))
    return [part.strip() for part in parts if part.strip()]


def wrong(value: Any, type_: str, path: str) -> list[str]:
    """Where a value is not of a type: a line for each place, none where it is."""
    tries = [list(differences(value, one, path)) for one in choices(type_)]
    return min(tries, key=len)


def differences(value: Any, type_: str, path: str) -> Iterator[str]:
    """As `wrong`, for a type that is no union."""
    if type_.endswith("[]"):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for i, one in enumerate(value):
            yield from wrong(one, type_[:-2].strip("()"), f"{path}[{i}]")
    elif type_ in ALIASES:
        yield from wrong(value, type_, path)
    elif type_.startswith("{") or type_[0].isupper():
        fields = parsed(type_[1:-1]) if type_.startswith("{") else fields_of(type_)
        if not isinstance(value, dict):
            yield f"{path} is no object"
            return
        for name, (optional, inner) in fields.items():
            if name in value:
                yield from wrong(value[name], inner, f"{path}.{name}")
            elif not optional:
                yield f"{path}.{name} is not there"
    elif type_.startswith('"'):
        if value != type_.strip('"'):
            yield f"{path} is {value!r}, not {type_}"
    elif not isinstance(value, PLAIN[type_]) or (type_ == "number" and isinstance(value, bool)):
        yield f"{path} is {value!r}, no {type_}"


@pytest.fixture
async def api() -> AsyncIterator[Page]:
    async with open_page() as opened:
        yield opened


async def answers(api: Page) -> AsyncIterator[tuple[str, Any]]:
    """Everything that the page asks for, with the type it takes it for."""
    yield "State", await api.get("/api/v1/state")
    yield "Machine", await api.get("/api/v1/machine")
    yield "Shadow", await api.get("/api/v1/shadow")
    yield "Recent", await api.get("/api/v1/recent")
    yield "Preview", await api.get("/api/v1/preview?shed_kw=2&duration_s=300")
    if api.desk.memory.last is not None:
        yield "Transition", transition(api.desk.memory.last)


async def differing(api: Page) -> list[str]:
    return [line async for type_, body in answers(api) for line in wrong(body, type_, type_)]


async def test_the_answers_are_what_the_page_takes_them_for(api: Page) -> None:
    assert await differing(api) == []
    call = {"shed_kw": 2.0, "duration_s": 300}
    status, ack = await api.tell("POST", "/api/v1/events", call)
    assert status == 201 and wrong(ack, "Ack", "Ack") == []
    api.desk.advance(10_000)
    assert (await api.get("/api/v1/state"))["restore"] is not None
    assert await differing(api) == []
    await api.tell("POST", "/api/v1/restore", {})
    api.desk.advance(1_000)
    assert (await api.get("/api/v1/state"))["restoring"] is not None
    assert await differing(api) == []


async def test_a_refusal_is_what_the_page_takes_it_for(api: Page) -> None:
    status, problem = await api.tell("POST", "/api/v1/events", {"shed_kw": -1})
    assert status == 422 and wrong(problem, "Problem", "Problem") == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"power_kw": "10"}, "State.power_kw"),
        ({"circuits": {}}, "State.circuits"),
        ({"mode": "sleep"}, "State.mode"),
        ({"site": {}}, "State.site.id"),
        ({"shed_kw": True}, "State.shed_kw"),
    ],
)
async def test_an_answer_that_is_otherwise_is_noticed(
    api: Page, change: dict[str, Any], path: str
) -> None:
    body = await api.get("/api/v1/state")
    lines = wrong({**body, **change}, "State", "State")
    assert any(line.startswith(f"{path} is ") for line in lines)
