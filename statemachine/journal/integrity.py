"""Checks that a stored journal is valid memory: every value has the type of its field.

A flipped bit in a file can turn a number into text, or one name into another. Memory made of that
would raise in the middle of some later decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..state.circuit import CircuitState
from ..state.memory import Event, Memory
from ..state.parts import SHELVES
from ..state.past import PastEvent
from ..state.shadow import ShadowState

Check = Callable[[Any], bool]
_KINDS: dict[str, Any] = {
    "shadows": ShadowState,
    "circuits": CircuitState,
    "events": Event,
    "past": PastEvent,
}
_FROM_OUTSIDE = {"server_mono_ms"}  # a service can send any time
EARLIEST_MS, LATEST_MS = -(10**13), 25 * 10**13  # every possible date, with some room
MOST_W = 10**12


def check_parts(parts: Mapping[str, Any]) -> None:
    """Raises ValueError, with the place, unless these are parts as memory writes them."""
    if "site" not in parts:
        raise ValueError("the part `site` is missing")
    for name, value in parts.items():
        if fault := part_fault(name, value):
            raise ValueError(f"{name[:40]}: {fault}")


def part_fault(name: str, value: Any) -> str | None:
    """The fault of one part of memory; None: it is valid."""
    shelf, _, key = name.partition("/")
    if name != "site" and (not _ or shelf not in _KINDS):
        return "it is not a known part of memory"
    if fault := _fault(Memory if name == "site" else _KINDS[shelf], value):
        return fault
    if shelf in ("events", "past") and _id(value) != key:
        return "it has another id than its name"
    return None


def _id(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) else value[0]


def _fault(kind: Any, value: Any) -> str | None:
    """The fault of a value that should be a `kind`; None: it is valid."""
    if kind is PastEvent:
        return None if _row(kind)(value) else "it is not a valid past event"
    if not isinstance(value, dict):
        return "it is not an object"
    checks, needed = _checks(kind)
    if unknown := value.keys() - checks.keys():
        return f"it has an unknown field {min(unknown)[:40]!r}"
    if missing := needed - value.keys():
        return f"its field {min(missing)!r} is missing"
    wrong = (name for name, item in value.items() if not checks[name](item))
    return next((f"{name} has an invalid value, {str(value[name])[:40]!r}" for name in wrong), None)


@cache
def _checks(kind: Any) -> tuple[dict[str, Check], set[str]]:
    """A check for each field of a dataclass, and the names of fields without a default."""
    hints = get_type_hints(kind)
    own = [field for field in fields(kind) if not (kind is Memory and field.name in SHELVES)]
    needed = {
        field.name for field in own if field.default is MISSING and field.default_factory is MISSING
    }
    return {field.name: _of_field(field.name, hints[field.name]) for field in own}, needed


def _of_field(name: str, hint: Any) -> Check:
    """The check of one field. Dates and watts must be in a possible range."""
    typed = _check(hint)
    if name in _FROM_OUTSIDE or not name.endswith(("_ms", "_w", "wakes", "draining", "cuts")):
        return typed
    low, high = (-MOST_W, MOST_W) if name.endswith(("_w", "cuts")) else (EARLIEST_MS, LATEST_MS)
    low = 1 if name == "every_ms" else low

    def within(value: Any) -> bool:
        if type(value) is int:
            return low <= value <= high
        return all(map(within, value.values() if isinstance(value, dict) else value or ()))

    return lambda value: typed(value) and within(value)


@cache
def _check(hint: Any) -> Check:
    """A check for the JSON of a value of this type."""
    args = get_args(hint)
    match get_origin(hint):
        case origin if origin in (Union, UnionType):
            [inner] = [_check(arg) for arg in args if arg is not NoneType]
            return lambda value: value is None or inner(value)
        case origin if origin is tuple:
            many = args[-1] is Ellipsis
            return _list(_check(args[0])) if many else _exactly([_check(arg) for arg in args])
        case origin if origin is Mapping:
            return _map(_check(args[1]))
    if hint is Any:
        return lambda value: True
    if hint in (int, str, bool):  # True is not a number
        return lambda value: type(value) is hint
    if not is_dataclass(hint):
        raise TypeError(f"no rule tells how a {hint} is stored")
    return lambda value: _fault(hint, value) is None


def _list(check: Check) -> Check:
    return lambda value: type(value) is list and all(map(check, value))


def _map(check: Check) -> Check:
    return lambda value: type(value) is dict and all(map(check, value.values()))


def _exactly(checks: list[Check]) -> Check:
    def fits(value: Any) -> bool:
        if type(value) is not list or len(value) != len(checks):
            return False
        return all(check(item) for check, item in zip(checks, value, strict=True))

    return fits


@cache
def _row(kind: Any) -> Check:
    """The check of a named tuple stored as a list; earlier versions lack the last fields."""
    hints, fewest = get_type_hints(kind), len(kind._fields) - len(kind._field_defaults)
    each = [_of_field(name, hints[name]) for name in kind._fields]
    return lambda value: any(_exactly(each[:n])(value) for n in range(fewest, len(each) + 1))
