"""Strict JSON as RFC 8259 defines it, without the extensions of Python's reader."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
TOO_DEEP = "the payload is nested more than 8 levels deep"
MOST_DIGITS = 400  # longer numbers are slow to read; a float ends at 309 digits
MARK = "\ufeff"  # byte order mark; RFC 8259 lets a reader ignore it
FILL = "\0"  # some embedded clients send it after their text


class JsonError(ValueError):
    """Text that is not strict JSON, with the reason.

    `said` is what can be read of it anyway, None if nothing can.
    """

    def __init__(self, why: str, value: Any = None) -> None:
        super().__init__(why)
        self.said = value


class NotFiniteError(JsonError):
    """JSON except for NaN, Infinity or 1e999. `said` has these numbers as floats."""


def strict_json(raw: bytes | str) -> Any:
    """Strict JSON: UTF-8, finite numbers, at most 64 KB and 8 levels.

    A byte order mark before it and NULs after it are ignored. NaN, 1e309 and lone surrogates,
    which Python's reader accepts, are refused. Raises `JsonError`.
    """
    if len(raw) > MAX_BYTES:
        raise JsonError("the payload is over 64 KB")
    text = _text(raw)
    try:
        value = decode(text)
    except (ValueError, RecursionError) as error:
        raise _unread(text, error) from None
    if _depth(value) > MAX_DEPTH:
        raise JsonError(TOO_DEEP, _flat(value))
    return value


def json_text(value: Any) -> str:
    """A value as its sender may have written it, including NaN and lone surrogates."""
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()


def decode(text: str, once: bool = False) -> Any:
    """JSON of any size with finite numbers and whole characters. `once`: no duplicate names.

    Raises ValueError, RecursionError.
    """
    value = (_ONCE if once else _STRICT).decode(text)
    if "\\u" in text:  # an escape may be a lone surrogate
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def compact_text(value: Any) -> str:
    """JSON without spaces, as it is stored and sent. Raises ValueError for NaN and Infinity."""
    return _COMPACT.encode(value)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"the number {text[:20]}... is too large")
    return int(text)


def _any_whole(text: str) -> int | float:
    return int(text) if len(text) <= MOST_DIGITS else float(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has the same name twice")
    return members


_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_RULES: dict[str, Any] = {
    "parse_constant": _refuse,
    "parse_float": _finite,
    "parse_int": _whole,
}
_STRICT = json.JSONDecoder(**_RULES)
_ONCE = json.JSONDecoder(object_pairs_hook=_once, **_RULES)
_LOOSE = json.JSONDecoder(parse_int=_any_whole)


def _text(raw: bytes | str) -> str:
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        text.encode("utf-8")
    except UnicodeError:
        raise JsonError("the payload is not UTF-8") from None
    return text.removeprefix(MARK).rstrip(FILL)


def _unread(text: str, error: Exception) -> JsonError:
    """The reason for refusing a text, with what can be read of it."""
    try:
        value = _LOOSE.decode(text)
    except RecursionError:
        return JsonError(TOO_DEEP)
    except json.JSONDecodeError as fault:
        where = f"{fault.msg}, line {fault.lineno} column {fault.colno}"
        return JsonError(f"the payload is not JSON: {where}")
    if _depth(value) > MAX_DEPTH:
        return JsonError(TOO_DEEP, _flat(value))
    if isinstance(error, UnicodeError):
        return JsonError("the payload has a lone surrogate in a string", value)
    return NotFiniteError(f"the payload is not JSON: {error}", value)


def _flat(value: Any) -> Any:
    """The values at the levels where ids are: those of an object and of its `data`."""
    if not isinstance(value, Mapping):
        return None
    plain = {name: item for name, item in value.items() if not isinstance(item, Mapping | list)}
    data = value.get("data")
    return plain | ({"data": _flat({**data, "data": None})} if isinstance(data, Mapping) else {})


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth += 1
    return depth


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def compact(value: Any) -> bytes:
    """UTF-8 JSON without spaces, as it is sent. Raises ValueError for NaN and Infinity."""
    return compact_text(value).encode()
