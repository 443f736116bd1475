"""Commands as they come over the wire, in every spelling the existing backends use.

What cannot be is never replaced by something that can: it becomes `Invalid`, with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .strict_json import Unreadable, strict_json
from .triggers import (
    Cancel,
    Command,
    DrEvent,
    Get,
    Invalid,
    Lock,
    OptOut,
    Ping,
    Restore,
    SetConfig,
    Toggle,
)

MAX_SHED_W = 1_000_000
MAX_DURATION_MS = 31 * 86_400_000
MAX_AHEAD_MS = 366 * 86_400_000
MAX_RANDOM_MS = 3_600_000
DEFAULT_DURATION_S = 3600
EVERY_MS = (1_000, 900_000)
WHATS = ("status", "config", "loads", "events")
_ENVELOPE = ("correlationId", "corr_id", "issued_at")  # who asks again, and when, changes no terms
_SORTED = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a command came in, whom to answer, and when it was heard on both clocks."""

    source: str
    reply: str
    at_ms: int
    mono_ms: int


def parse_command(raw: bytes | str, ven_id: str, door: Door) -> Command:
    """The command in a payload; `Invalid` where it says what cannot be."""
    try:
        said = strict_json(raw)
    except Unreadable as error:
        return _invalid(door, "unknown", None, "invalid", str(error))
    if not isinstance(said, Mapping):
        return _invalid(door, "unknown", None, "invalid", "a command is a JSON object")
    return command_from(said, ven_id, door)


def command_from(said: Mapping[str, Any], ven_id: str, door: Door) -> Command:
    """The command in an object that was already read as JSON."""
    data = said.get("data") if isinstance(said.get("data"), Mapping) else {}
    fields = {**(data or {}), **{k: v for k, v in said.items() if v is not None and k != "data"}}
    op, correlation = fields.get("op"), fields.get("correlationId", fields.get("corr_id"))
    try:
        correlation = None if correlation is None else _id("correlationId", correlation)
    except ValueError as error:
        return _invalid(door, _word(op), None, "invalid", str(error))
    if not isinstance(op, str) or not op:
        return _invalid(door, "unknown", correlation, "invalid", "`op` is missing")
    if op not in OPS:
        known = ", ".join(OPS)
        detail = f"no op is called {op[:40]!r}; there are: {known}"
        return _invalid(door, _word(op), correlation, "unknown_op", detail)
    if (named := fields.get("venId", ven_id)) != ven_id:
        detail = f"this is {ven_id}, not {str(named)[:128]!r}"
        return _invalid(door, op, correlation, "invalid", detail)
    digest = _digest({name: fields[name] for name in fields if name not in _ENVELOPE})
    key = f"{op}:{correlation}" if correlation else f"body:{_digest(fields)}"
    common = {
        "at_ms": door.at_ms,
        "mono_ms": door.mono_ms,
        "source": door.source,
        "reply": door.reply,
        "op": op,
        "correlation": correlation,
        "key": key,
        "digest": digest,
    }
    try:
        return OPS[op](fields, common)
    except ValueError as error:
        return _invalid(door, op, correlation, "invalid", str(error))


def _event(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    shed = _first(fields, "shed_kw", "requestedReductionKw")
    if shed is None:
        raise ValueError("`shed_kw` is missing")
    shed_w = round(_number("shed_kw", shed) * 1000)
    if not 1 <= shed_w <= MAX_SHED_W:
        hint = "; watts?" if shed_w > MAX_SHED_W else ""
        raise ValueError(f"shed_kw must be 0.001 to 1000, got {shed}{hint}")
    length = _first(fields, "duration_sec", "duration_s")
    length = DEFAULT_DURATION_S if length is None else length
    duration_ms = round(_number("duration_sec", length) * 1000)
    if not 1_000 <= duration_ms <= MAX_DURATION_MS:
        hint = _thousandfold(duration_ms, MAX_DURATION_MS)
        raise ValueError(f"duration_sec must be 1 to 2678400, got {length}{hint}")
    start_ms = _time(fields, "start_ts")
    if start_ms is not None and start_ms > common["at_ms"] + MAX_AHEAD_MS:
        raise ValueError("start_ts is more than 366 days ahead; milliseconds?")
    revision = fields.get("revision", 0)
    if isinstance(revision, bool) or not isinstance(revision, int) or not 0 <= revision < 2**31:
        raise ValueError(f"revision must be a whole number from 0 up, got {revision!r}")
    given = fields.get("event_id")
    if given is not None:
        event_id, key = _id("event_id", given), f"event:{given}"
    elif common["correlation"]:
        event_id = f"evt-{common['correlation']}"[:128]
        key = f"event:{event_id}"
    else:
        event_id, key = f"evt-{common['at_ms'] // 1000}-{common['digest'][:6]}", common["key"]
    return DrEvent(
        **{**common, "key": key},
        event_id=event_id,
        shed_w=shed_w,
        start_ms=start_ms,
        duration_ms=duration_ms,
        revision=revision,
        issued_ms=_time(fields, "issued_at"),
        randomize_ms=_randomize_ms(fields),
    )


def _randomize_ms(fields: Mapping[str, Any]) -> int:
    within = _first(fields, "randomize_sec")
    within_ms = 0 if within in (None, 0) else round(_number("randomize_sec", within) * 1000)
    if within_ms > MAX_RANDOM_MS:
        hint = _thousandfold(within_ms, MAX_RANDOM_MS)
        raise ValueError(f"randomize_sec must be 0 to 3600, got {within}{hint}")
    return within_ms


def _ping(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    return Ping(**{**common, "key": ""})


def _restore(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    given = fields.get("event_id")
    return Restore(**common, event_id=None if given is None else _id("event_id", given))


def _cancel(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    return Cancel(**common, event_id=_id("event_id", fields.get("event_id")))


def _opt_out(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    if common["source"] == "operator":
        raise ValueError("an opt-out is the occupant's, made at the site")
    named = _first(fields, "loadId")
    return OptOut(
        **common,
        event_id=_id("event_id", fields.get("event_id")),
        circuit=None if named is None else _id("loadId", named),
    )


def _get(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    what = fields.get("what", "status")
    if what not in WHATS:
        known = f"{', '.join(WHATS[:-1])} or {WHATS[-1]}"
        raise ValueError(f"`what` must be {known}, got {str(what)[:40]!r}")
    return Get(**{**common, "key": ""}, what=what)


def _set_load(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    enabled = fields.get("enabled")
    if not isinstance(enabled, bool):
        raise ValueError(f"enabled must be true or false, got {str(enabled)[:40]!r}")
    circuit = _id("loadId", _first(fields, "loadId", "id"))
    return Toggle(**common, circuit=circuit, enabled=enabled, confirmed=_confirmed(fields, common))


def _set_lock(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    locked = fields.get("locked")
    if not isinstance(locked, bool):
        raise ValueError(f"locked must be true or false, got {str(locked)[:40]!r}")
    return Lock(**common, circuit=_id("loadId", _first(fields, "loadId", "id")), locked=locked)


def _confirmed(fields: Mapping[str, Any], common: dict[str, Any]) -> bool:
    """Over MQTT the wish is the confirmation; at the site a person confirms."""
    return common["source"] == "operator" or fields.get("confirm_critical") is True


def _set_config(fields: Mapping[str, Any], common: dict[str, Any]) -> Command:
    every = _first(fields, "report_interval_seconds")
    if every is None:
        raise ValueError("`report_interval_seconds` is missing")
    every_ms = round(_number("report_interval_seconds", every) * 1000)
    if not EVERY_MS[0] <= every_ms <= EVERY_MS[1]:
        hint = _thousandfold(every_ms, EVERY_MS[1])
        raise ValueError(f"report_interval_seconds must be 1 to 900, got {every}{hint}")
    return SetConfig(**common, every_ms=every_ms)


OPS = {
    "event": _event,
    "shedPanel": _event,
    "restore": _restore,
    "cancel": _cancel,
    "optOut": _opt_out,
    "ping": _ping,
    "get": _get,
    "setLoad": _set_load,
    "setLock": _set_lock,
    "setConfig": _set_config,
}


def _invalid(door: Door, op: str, correlation: str | None, reason: str, detail: str) -> Invalid:
    return Invalid(
        at_ms=door.at_ms,
        mono_ms=door.mono_ms,
        source=door.source,
        reply=door.reply,
        op=op,
        correlation=correlation,
        key="",
        digest="",
        reason=reason,
        detail=detail,
    )


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(_SORTED.encode(fields).encode()).hexdigest()


def _first(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _number(name: str, value: Any) -> float:
    """A finite number above zero. True is no number, and neither is "2"."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a finite number > 0, got {str(value)[:40]!r}")
    if not 0 < value <= 1e15:
        raise ValueError(f"{name} must be a finite number > 0, got {str(value)[:40]}")
    return float(value)


def _thousandfold(ms: int, most_ms: int) -> str:
    """A question, where a length of time is too great and would do as milliseconds."""
    return "; milliseconds?" if most_ms < ms <= 1000 * most_ms else ""


def _time(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return None if value is None else round(_number(name, value) * 1000)


def _id(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 128 or not value.isprintable():
        raise ValueError(f"{name} must be 1 to 128 printable characters, got {str(value)[:40]!r}")
    return value


def _word(value: Any) -> str:
    return value[:40] if isinstance(value, str) and value.isprintable() and value else "unknown"
