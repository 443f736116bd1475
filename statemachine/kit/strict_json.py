"""JSON as RFC 8259 has it, and nothing that Python reads besides."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
TOO_DEEP = "the payload is nested more than 8 levels deep"
MOST_DIGITS = 400  # no number that counts anything has more; a float ends at 309
MARK = "\ufeff"  # of byte order: RFC 8259 lets a reader ignore it
FILL = "\0"  # what embedded clients send after a text of theirs


class Unreadable(ValueError):
    """Text that is not the strict JSON we read; says why.

    `said` is what can be read of it all the same, None where nothing can.
    """

    def __init__(self, why: str, said: Any = None) -> None:
        super().__init__(why)
        self.said = said


class NotFinite(Unreadable):
    """JSON but for its numbers: NaN, Infinity or 1e999. `said` has them as the floats they are."""


def strict_json(raw: bytes | str) -> Any:
    """JSON as RFC 8259 has it: UTF-8, finite numbers, at most 64 KB and 8 levels.

    A mark of byte order before it and NULs after it are let be. Python's own reader also takes NaN,
    1e309 and lone surrogates. Raises `Unreadable`.
    """
    if len(raw) > MAX_BYTES:
        raise Unreadable("the payload is over 64 KB")
    text = _text(raw)
    try:
        value = decoded(text)
    except (ValueError, RecursionError) as error:
        raise _unread(text, error) from None
    if _depth(value) > MAX_DEPTH:
        raise Unreadable(TOO_DEEP, _flat(value))
    return value


def json_text(value: Any) -> str:
    """A value as its sender may have written it, NaN and halves of characters included."""
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()


def decoded(text: str, once: bool = False) -> Any:
    """JSON of any size: finite numbers, whole characters; `once`: no name twice in an object.

    Raises ValueError, RecursionError.
    """
    value = (_ONCE if once else _STRICT).decode(text)
    if "\\u" in text:  # what is escaped may be half of a character
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def compact_text(value: Any) -> str:
    """A value as it is stored and sent: no blanks. Raises ValueError for what is no number."""
    return _COMPACT.encode(value)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"{text[:20]}... is too large a number")
    return int(text)


def _any_whole(text: str) -> int | float:
    return int(text) if len(text) <= MOST_DIGITS else float(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


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
        raise Unreadable("the payload is not UTF-8") from None
    return text.removeprefix(MARK).rstrip(FILL)


def _unread(text: str, error: Exception) -> Unreadable:
    """Why a text is refused, with what can be read of it."""
    try:
        value = _LOOSE.decode(text)
    except RecursionError:
        return Unreadable(TOO_DEEP)
    except json.JSONDecodeError as fault:
        where = f"{fault.msg}, line {fault.lineno} column {fault.colno}"
        return Unreadable(f"the payload is not JSON: {where}")
    if _depth(value) > MAX_DEPTH:
        return Unreadable(TOO_DEEP, _flat(value))
    if isinstance(error, UnicodeError):
        return Unreadable("the payload has half a character in a text", value)
    return NotFinite(f"the payload is not JSON: {error}", value)


def _flat(value: Any) -> Any:
    """What stands no deeper than ids do: plain values of an object, and of its `data`."""
    if not isinstance(value, Mapping):
        return None
    plain = {name: one for name, one in value.items() if not isinstance(one, Mapping | list)}
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
    """JSON as it is counted and sent: no blanks, UTF-8. Raises ValueError for what is no number."""
    return compact_text(value).encode()
