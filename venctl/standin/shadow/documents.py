"""Shadow documents as values: merge, delta, metadata, size and depth. Pure.

Sources: the AWS IoT developer guide (device-shadow-document), and RFC 7396 for what it leaves out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

Json = Any


class NotJsonError(ValueError):
    """Not JSON as in RFC 8259."""


class NotUtf8Error(ValueError):
    """Not UTF-8."""


def strict_loads(raw: bytes) -> Json:
    """Parse JSON without NaN and infinities. Raises `NotJsonError` or `NotUtf8Error`."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise NotUtf8Error from None
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise NotJsonError from None
    return value


def dumps(value: Json) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def size(section: Json) -> int:
    """The size of a section in bytes; metadata does not count."""
    return 0 if section is None else len(dumps(section))


def json_equal(a: Json, b: Json) -> bool:
    """JSON equality: 1 equals 1.0, and true is not a number."""
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool) and a == b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(json_equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(json_equal, a, b))
    return bool(a == b)


def depth(value: Json) -> int:
    """Levels of nesting; a scalar and an empty container have none."""
    inner = _inside(value)
    return 1 + max(map(depth, inner)) if inner else 0


def null_in_array(value: Json, inside: bool) -> bool:
    """Whether an array contains a null, which the service refuses."""
    if value is None:
        return inside
    return any(null_in_array(item, isinstance(value, list)) for item in _inside(value))


def merged(old: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    """`old` with `patch` merged in: objects recurse, null deletes, arrays are values.

    `{}` merged into an object changes nothing; a new object with only nulls is not created.
    """
    out = dict(old)
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        elif isinstance(value, dict):
            kept = without_nulls(value)
            if kept or not value:
                out[key] = kept
        else:
            out[key] = value
    return out


def without_nulls(value: Mapping[str, Json]) -> dict[str, Json]:
    """A copy without nulls, and without objects that had nothing else."""
    out: dict[str, Json] = {}
    for key, item in value.items():
        if isinstance(item, dict) and item:
            if kept := without_nulls(item):
                out[key] = kept
        elif item is not None:
            out[key] = item
    return out


def delta(desired: Mapping[str, Json], reported: Mapping[str, Json]) -> dict[str, Json]:
    """The desired values that differ from reported. Keys that are only reported never appear."""
    out: dict[str, Json] = {}
    for key, value in desired.items():
        if key not in reported:
            out[key] = value
        elif isinstance(value, dict) and isinstance(reported[key], dict):
            if inner := delta(value, reported[key]):
                out[key] = inner
        elif not json_equal(value, reported[key]):
            out[key] = value
    return out


def stamped(value: Json, at_s: int) -> Json:
    """A mirror of `value` with a timestamp for every leaf."""
    if isinstance(value, dict):
        return {key: stamped(item, at_s) for key, item in value.items()}
    if isinstance(value, list):
        return [stamped(item, at_s) for item in value]
    return {"timestamp": at_s}


def restamped(
    old: Mapping[str, Json], state: Mapping[str, Json], patch: Mapping[str, Json], at_s: int
) -> dict[str, Json]:
    """Metadata after a merge: leaves in `patch` get a new timestamp, the others keep theirs."""
    out = dict(old)
    for key, value in patch.items():
        if key not in state:
            out.pop(key, None)
        elif (
            isinstance(value, dict)
            and isinstance(state[key], dict)
            and isinstance(out.get(key), dict)
            and "timestamp" not in out[key]
        ):
            out[key] = restamped(out[key], state[key], value, at_s)
        else:
            out[key] = stamped(state[key], at_s)
    return out


def metadata_of(part: Json, metadata: Json) -> Json:
    """The metadata of the leaves that are in `part`."""
    if isinstance(part, dict):
        return {key: metadata_of(value, metadata[key]) for key, value in part.items()}
    return metadata


def _inside(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _refuse(constant: str) -> Json:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number
