"""Reads single values of a command, or refuses them under the name that the sender used.

A message shows the value as JSON, shortened if it is long. Every refusal is a ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kit.localtime import rfc_3339_s
from ..kit.strict_json import json_text

Fields = Mapping[str, Any]
_KINDS = {str: "text", bool: "a flag", int: "a number", float: "a number", list: "a list"}


def first_given(fields: Fields, *names: str) -> tuple[str, Any]:
    """The first of `names` that is given, and its value; None if none is."""
    key = next((name for name in names if fields.get(name) is not None), names[0])
    return key, fields.get(key)


def quoted(value: Any) -> str:
    """A value as shown in a message."""
    return json_text(value)[:40]


def number(name: str, value: Any) -> float:
    """A finite number above 0. True and "2" are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e15:
        raise ValueError(f"{name} must be a finite number above 0, got {quoted(value)}")
    return float(value)


def flag(name: str, value: Any) -> bool:
    """True or False only."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {quoted(value)}")
    return value


def whole_number(name: str, value: Any) -> int:
    """A whole number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise ValueError(f"{name} must be a whole number of 0 or more, got {quoted(value)}")
    return value


def id_of(name: str, value: Any) -> str:
    """Text of 1 to 128 printable characters."""
    if value is None:
        raise ValueError(f"`{name}` is missing")
    if not isinstance(value, str):
        kind = _KINDS.get(type(value), "an object")
        raise ValueError(f"{name} must be text in quotes, got {kind}: {quoted(value)}")
    if not 1 <= len(value) <= 128 or not value.isprintable():
        raise ValueError(f"{name} must be 1 to 128 printable characters, got {quoted(value)}")
    return value


def readable_id(value: Any) -> str | None:
    """The id; None if it is not valid."""
    try:
        return id_of("", value)
    except ValueError:
        return None


def milliseconds_hint(ms: int, most_ms: int) -> str:
    """A hint for a duration that is too long in seconds but fits in milliseconds."""
    return "; is it in milliseconds?" if most_ms < ms <= 1000 * most_ms else ""


def moment_ms(name: str, value: Any) -> int | None:
    """Epoch seconds or RFC 3339 text as UTC milliseconds; None if not given."""
    if value is None:
        return None
    if not isinstance(value, str):
        return round(number(name, value) * 1000)
    said_s = rfc_3339_s(value)
    if said_s is None or said_s <= 0:
        raise ValueError(
            f"{name} must be epoch seconds, or a time with an offset like "
            f"2026-11-24T17:00:00Z, got {quoted(value)}"
        )
    return round(said_s * 1000)
