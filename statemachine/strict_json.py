"""JSON as RFC 8259 has it, and nothing that Python reads besides."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8


class Unreadable(ValueError):
    """Text that is not the strict JSON we read; says why."""


def strict_json(raw: bytes | str) -> Any:
    """JSON as RFC 8259 has it: UTF-8, finite numbers, at most 64 KB and 8 levels.

    Python's own reader also takes NaN, 1e309 and lone surrogates. Raises `Unreadable`.
    """
    if len(raw) > MAX_BYTES:
        raise Unreadable("the payload is over 64 KB")
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        value = decoded(text)
        text.encode("utf-8")
    except UnicodeError:
        raise Unreadable("the payload is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the payload is not JSON: {error}") from None
    if _depth(value) > MAX_DEPTH:
        raise Unreadable("the payload is nested more than 8 levels deep")
    return value


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


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_ONCE = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth += 1
    return depth


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
