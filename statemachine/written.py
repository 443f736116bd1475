"""A value of ven.yaml as a person would write it: 1500 as `1.5 kW`, 300000 as `5 min`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from .fields import NEVER

_TIMES = (("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1))


def written(field: FieldInfo, value: Any) -> str:
    """The value of a setting, with its unit; `none` where it is left out."""
    if value is None:
        return "none"
    if not field.repr:
        return "hidden"
    kinds = {*_readers(field.annotation), *_named(field.metadata)}
    if isinstance(value, list):
        return ", ".join(_scalar(kinds, item) for item in value) or "none"
    return _scalar(kinds, value)


def power(watts: int) -> str:
    """`1.5 kW`; what is no round ten watts stays in watts."""
    return f"{watts} W" if watts % 10 else f"{f'{watts / 1000:.2f}'.rstrip('0').rstrip('.')} kW"


def length(ms: int) -> str:
    """`5 min`, in the largest unit that leaves a whole number."""
    unit, size = next((unit, size) for unit, size in _TIMES if ms % size == 0 and ms)
    return f"{ms // size} {unit}"


def _scalar(kinds: set[str], value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if "watts" in kinds:
        return power(value)
    if "millis" in kinds:
        return length(value) if value else "0 s"
    if kinds & {"percent", "_share"}:
        return "never" if value == NEVER else f"{value} %"
    if "_hours" in kinds:
        return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in value)
    return str(value)


def _readers(annotation: Any) -> Iterator[str]:
    """The names of the functions that read a scalar of this kind out of the file."""
    yield from _named(getattr(annotation, "__metadata__", ()))
    for part in get_args(annotation):
        yield from _readers(part)


def _named(metadata: Any) -> Iterator[str]:
    for one in metadata:
        if isinstance(one, BeforeValidator):
            yield getattr(one.func, "__name__", "")
