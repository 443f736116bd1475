"""How a value is put into a path, a topic or a pointer, without changing where it leads."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias

from .parts import PLACEHOLDER

Amount: TypeAlias = int | float | str
TextOf: TypeAlias = Callable[[str], str]
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_UPWARDS = frozenset((".", ".."))
MOST_TOPIC_BYTES = 65_535


class FillError(ValueError):
    """A template that cannot be filled in: the parameter it is about, "" for none, and why."""

    def __init__(self, param: str, why: str) -> None:
        super().__init__(f"{param}: {why}" if param else why)
        self.param = param
        self.why = why


def amount_text(amount: Amount, name: str = "") -> str:
    """A number as devices take it, 6 for 6.0 and never 1e3; a text as it is.

    Raises `FillError` about `name` if it is no number, or a text that cannot be printed.
    """
    if isinstance(amount, str):
        if not amount.isprintable() or "{" in amount or "}" in amount:
            raise FillError(name, f"{amount!r} cannot be sent")
        return amount
    if isinstance(amount, bool) or not math.isfinite(amount):
        raise FillError(name, f"{amount!r} is no number")
    return f"{whole(amount):f}" if isinstance(amount, float) else str(amount)


def whole(amount: float) -> Decimal:
    """A float as an exact number, without a fraction if it has none."""
    return Decimal(int(amount)) if amount.is_integer() else Decimal(repr(amount))


def whole_amps(ordered: Mapping[str, Amount]) -> dict[str, Amount]:
    """`whole_amps` beside `amps`, rounded down: for devices that take no fraction."""
    amps = ordered.get("amps")
    if isinstance(amps, bool) or not isinstance(amps, int | float) or not math.isfinite(amps):
        return {}
    return {"whole_amps": math.floor(amps)}


def path_with(path: str, text_of: TextOf) -> str:
    """A path filled in; each value is percent-encoded. Raises `FillError`."""

    def encoded(match: re.Match[str]) -> str:
        text = text_of(match[1])
        if _UPWARDS & {*re.split(r"[/\\]", text)}:
            raise FillError(match[1], f"{text!r} would lead out of its folder")
        return "".join(c if c in _SAFE else _escaped(c) for c in text)

    filled = PLACEHOLDER.sub(encoded, path)
    if filled.startswith("//") or _UPWARDS & {*filled.partition("?")[0].split("/")}:
        raise FillError("", f"{filled!r} would lead elsewhere")
    return filled


def topic_with(topic: str, text_of: TextOf) -> str:
    """A topic filled in; a value adds no wildcard. Raises `FillError`."""

    def plain(match: re.Match[str]) -> str:
        text = text_of(match[1])
        if re.search(r"[+#]", text) or text.startswith("$"):
            raise FillError(match[1], f"{text!r} cannot stand in a topic: + # and $ mean more")
        return text

    filled = PLACEHOLDER.sub(plain, topic)
    if filled == "" or len(filled.encode("utf-8", "replace")) > MOST_TOPIC_BYTES:
        raise FillError("", f"{filled[:40]!r} is no topic")
    return filled


def pointer_with(pointer: str, params: Mapping[str, str]) -> str:
    """A JSON pointer filled in; a value is one step of it, whatever it has in it."""

    def step(match: re.Match[str]) -> str:
        return params.get(match[1], "").replace("~", "~0").replace("/", "~1")

    return PLACEHOLDER.sub(step, pointer)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
