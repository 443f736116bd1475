"""What is read of any command, even an invalid one: fields, ids, digest and time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .terms import DURATION, END, EVENT_ID, SHED, START
from .values import Fields, first_given, moment_ms, readable_id, whole_number

LOAD = ("loadId", "id")
CORRELATION = ("correlationId", "corr_id")
FAMILIES = (SHED, DURATION, START, END, EVENT_ID, CORRELATION)
_SORTED = json.JSONEncoder(sort_keys=True)
_CALLS = ("event", "shedPanel")
_ABOUT_LOADS = ("setLoad", "setLock", "optOut")


def _data(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    data = payload.get("data")
    return data if isinstance(data, Mapping) else {}


def _top(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in payload.items() if value is not None and name != "data"}


def whole_body(payload: Mapping[str, Any]) -> Fields:
    """All fields, at the top and in `data`, as written."""
    return {**_data(payload), **_top(payload)}


def fields_of_command(payload: Mapping[str, Any]) -> Fields:
    """All fields, at the top and in `data`. The top wins, in any spelling."""
    data, top = _data(payload), _top(payload)
    beaten = {name for family in FAMILIES if not top.keys().isdisjoint(family) for name in family}
    rest = {k: value for k, value in data.items() if value is not None and k not in beaten}
    return {**rest, **top}


def ids_of(fields: Fields, ven_id: str) -> dict[str, Any]:
    """The ids that can be read, for the ack."""
    ids: dict[str, Any] = {"venId": ven_id}
    if event_id := readable_id(first_given(fields, *EVENT_ID)[1]):
        ids["event_id"] = event_id
    if fields.get("op") in _CALLS:
        with suppress(ValueError):
            ids["revision"] = whole_number("revision", fields.get("revision", 0))
    if fields.get("op") in _ABOUT_LOADS and (load := readable_id(first_given(fields, *LOAD)[1])):
        ids["loadId"] = load
    return ids


def digest_of(fields: Fields) -> str:
    """A hash that is the same for the same fields in any order."""
    return hashlib.sha256(_SORTED.encode(fields).encode()).hexdigest()


def issued_ms_of(fields: Fields) -> int | None:
    """When it was issued, in UTC ms; None also if that is not valid, which only events refuse."""
    try:
        return moment_ms("issued_at", fields.get("issued_at"))
    except ValueError:
        return None


def op_text(value: Any) -> str:
    """The op as an ack repeats it."""
    return value[:40] if isinstance(value, str) and value.isprintable() and value else "unknown"
