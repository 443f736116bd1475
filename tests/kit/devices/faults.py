"""What can be wrong with a device, and what a device notes about those who call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Dead:
    """It takes connections, and never answers."""


@dataclass(frozen=True, slots=True)
class Refusing:
    """Nothing listens at its address."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Everything takes so long: the deed, then the answer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Late:
    """It does at once what it is told, and answers so much later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Deaf:
    """It says OK and does nothing."""


@dataclass(frozen=True, slots=True)
class Flapping:
    """Well for a while, dead for a while, in turns; connections break with each fall."""

    well_s: float
    dead_s: float


@dataclass(frozen=True, slots=True)
class Reset:
    """It breaks the connection instead of answering."""


@dataclass(frozen=True, slots=True)
class Status:
    """HTTP: every n-th request gets this status."""

    code: int
    each: int = 1
    headers: tuple[tuple[str, str], ...] = ()


Spoiled = Literal[
    "huge", "deep", "nan", "infinite", "null", "words", "html", "cut", "empty", "list"
]


@dataclass(frozen=True, slots=True)
class Garbage:
    """What it answers makes no sense, in this way."""

    how: Spoiled


@dataclass(frozen=True, slots=True)
class Impostor:
    """Another device has its address."""

    other: Any


Fault = Dead | Refusing | Slow | Late | Deaf | Flapping | Reset | Status | Garbage | Impostor


@dataclass(slots=True)
class Counts:
    """How those who call it behave."""

    connections: int = 0
    """All that were ever opened."""
    open: int = 0
    most_open: int = 0
    requests: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    retained: list[str] = field(default_factory=list)
    """MQTT: topics that came retained."""
    commands: list[tuple[float, str]] = field(default_factory=list)
    """When, by the device's clock, it was told what."""

    def opened(self) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)

    def closed(self) -> None:
        self.open = max(0, self.open - 1)

    def begun(self) -> None:
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def ended(self) -> None:
        self.in_flight -= 1


HUGE = 8 * 1024 * 1024
DEEP = 100_000


def spoil(how: Spoiled, text: str) -> str:
    """A good answer, JSON or a plain number, made bad."""
    match how:
        case "huge":
            return " " * HUGE + text
        case "deep":
            return "[" * DEEP + text + "]" * DEEP
        case "nan":
            return _numbers(text, lambda _: "NaN")
        case "infinite":
            return _numbers(text, lambda _: "1e400")
        case "null":
            return _numbers(text, lambda _: "null")
        case "words":
            return _numbers(text, lambda _: '"a lot"')
        case "html":
            return "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
        case "cut":
            return text[: len(text) // 2]
        case "empty":
            return ""
        case "list":
            return f"[{text}]"


def _numbers(text: str, other: Callable[[float], str]) -> str:
    """The JSON text with other words for its numbers."""
    marks: list[str] = []

    def marked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: marked(each) for key, each in value.items()}
        if isinstance(value, list):
            return [marked(each) for each in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            marks.append(other(value))
            return f"\0{len(marks) - 1}\0"
        return value

    try:
        said = json.dumps(marked(json.loads(text)))
    except ValueError:
        return text
    for number, mark in enumerate(marks):
        said = said.replace(f'"\\u0000{number}\\u0000"', mark)
    return said
