"""Reads commands in every spelling that existing backends use.

An invalid value is never replaced by a valid one: the command becomes `Invalid`, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any

from ..kit.strict_json import JsonError, NotFiniteError, strict_json
from ..site.spec import EVERY_MS
from ..state.reasons import Reason
from ..state.triggers import (
    Acknowledge,
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
from .envelope import (
    CORRELATION,
    LOAD,
    digest_of,
    fields_of_command,
    ids_of,
    issued_ms_of,
    op_text,
    whole_body,
)
from .terms import EVENT_ID, terms_of
from .values import Fields, first_given, flag, id_of, milliseconds_hint, number, quoted, readable_id

WHATS = ("status", "config", "loads", "events")
STORED = (
    "this is a retained message, so it may be old; publish commands without retain, and clear this "
    "one with an empty retained message"
)
MAX_REASON = 200
# These fields are not terms: a command that is sent again can have others.
_ENVELOPE = ("correlationId", "corr_id", "issued_at", "confirm_operator")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a command came in, whom to answer, and when it came on both clocks.

    `who`: the sender, as far as the door knows. `stored`: a retained message, which the broker
    sends on subscribing and which may be old.
    """

    source: str
    reply: str
    at_ms: int
    mono_ms: int
    stored: bool = False
    who: str = ""


def parse_command(raw: bytes | str, ven_id: str, door: Origin) -> Command:
    """The command in a payload; `Invalid` if it is not valid."""
    try:
        payload = strict_json(raw)
    except JsonError as error:
        return _unreadable(error, ven_id, door)
    if not isinstance(payload, Mapping):
        return _invalid({}, ven_id, door, "invalid", "a command must be a JSON object")
    command = command_from(payload, ven_id, door)
    if door.stored and not isinstance(command, Invalid):
        return _refused(command, "expired", STORED)
    return command


def command_from(payload: Mapping[str, Any], ven_id: str, door: Origin) -> Command:
    """The command in an object that was already read as JSON."""
    fields = fields_of_command(payload)
    op = fields.get("op")
    if not isinstance(op, str) or not op:
        return _invalid(fields, ven_id, door, "invalid", "`op` is missing")
    if op not in OPS:
        detail = f"no op is called {quoted(op)}; use one of: {', '.join(OPS)}"
        return _invalid(fields, ven_id, door, "unknown_op", detail)
    try:
        return OPS[op](fields, _common(payload, fields, ven_id, door))
    except ValueError as error:
        return _invalid(fields, ven_id, door, "invalid", str(error))


def _common(
    payload: Mapping[str, Any], fields: Fields, ven_id: str, door: Origin
) -> dict[str, Any]:
    """The fields of all commands. Raises ValueError."""
    name, given = first_given(fields, *CORRELATION)
    correlation = None if given is None else id_of(name, given)
    if (named := fields.get("venId", ven_id)) != ven_id:
        raise ValueError(f"this VEN is {ven_id}, not {quoted(named)}")
    op, body = fields["op"], whole_body(payload)
    terms = {name: body[name] for name in body if name not in _ENVELOPE}
    return {
        "at_ms": door.at_ms,
        "issued_ms": issued_ms_of(fields),
        "mono_ms": door.mono_ms,
        "source": door.source,
        "who": door.who,
        "reply": door.reply,
        "op": op,
        "correlation": correlation,
        "key": f"{op}:{correlation}" if correlation else f"body:{digest_of(body)}",
        "digest": digest_of(terms),
        "ids": ids_of(fields, ven_id),
    }


def _event(fields: Fields, common: dict[str, Any]) -> Command:
    terms = terms_of(fields, common["at_ms"])
    name, given = first_given(fields, *EVENT_ID)
    if given is not None:
        event_id, key = id_of(name, given), f"event:{given}"
    elif common["correlation"]:
        event_id, key = f"evt-{common['correlation']}"[:128], f"made:{common['correlation']}"
    else:
        event_id, key = f"evt-{common['at_ms'] // 1000}-{common['digest'][:6]}", common["key"]
    return DrEvent(
        **{**common, "key": key, "ids": {**common["ids"], "event_id": event_id}},
        event_id=event_id,
        shed_w=terms.shed_w,
        start_ms=terms.start_ms,
        duration_ms=terms.duration_ms,
        revision=terms.revision,
        randomize_ms=terms.randomize_ms,
        made=given is None,
        confirmed=_confirmed(fields, common, "confirm_operator"),
    )


def _ping(fields: Fields, common: dict[str, Any]) -> Command:
    return Ping(**{**common, "key": ""})


def _restore(fields: Fields, common: dict[str, Any]) -> Command:
    name, given = first_given(fields, *EVENT_ID)
    return Restore(**_early(fields, common), event_id=None if given is None else id_of(name, given))


def _all_back(fields: Fields, common: dict[str, Any]) -> Command:
    return Restore(**_early(fields, common), event_id=None, shuts=True)


def _cancel(fields: Fields, common: dict[str, Any]) -> Command:
    return Cancel(**_early(fields, common), event_id=id_of(*first_given(fields, *EVENT_ID)))


def _opt_out(fields: Fields, common: dict[str, Any]) -> Command:
    if common["source"] == "operator":
        raise ValueError("only the occupant can opt out, at the site")
    load, out = fields.get("loadId"), flag("out", fields.get("out", True))
    if load is None and not out:
        raise ValueError("an opt-out of a whole event cannot be undone; name a circuit in loadId")
    return OptOut(
        **_early(fields, common),
        event_id=id_of(*first_given(fields, *EVENT_ID)),
        circuit=None if load is None else id_of("loadId", load),
        out=out,
    )


def _early(fields: Fields, common: dict[str, Any]) -> dict[str, Any]:
    """The fields of commands that end an event early."""
    why = fields.get("reason", "")
    if not isinstance(why, str) or len(why) > MAX_REASON or not (why.isprintable() or not why):
        raise ValueError(
            f"reason must be at most {MAX_REASON} printable characters, got {quoted(why)}"
        )
    return {**common, "confirmed": _confirmed(fields, common, "confirm_operator"), "why": why}


def _get(fields: Fields, common: dict[str, Any]) -> Command:
    what = fields.get("what", "status")
    if what not in WHATS:
        choices = f"{', '.join(WHATS[:-1])} or {WHATS[-1]}"
        raise ValueError(f"`what` must be {choices}, got {quoted(what)}")
    return Get(**{**common, "key": ""}, what=what)


def _set_load(fields: Fields, common: dict[str, Any]) -> Command:
    _not_set(fields, "capacityKw", "priority")
    enabled = flag("enabled", fields.get("enabled"))
    circuit = id_of(*first_given(fields, *LOAD))
    confirmed = _confirmed(fields, common, "confirm_critical")
    return Toggle(**common, circuit=circuit, enabled=enabled, confirmed=confirmed)


def _set_lock(fields: Fields, common: dict[str, Any]) -> Command:
    locked = flag("locked", fields.get("locked"))
    return Lock(**common, circuit=id_of(*first_given(fields, *LOAD)), locked=locked)


def _confirmed(fields: Fields, common: dict[str, Any], name: str) -> bool:
    """A command over MQTT counts as confirmed; at the site a person confirms."""
    return common["source"] == "operator" or fields.get(name) is True


def _acknowledge(fields: Fields, common: dict[str, Any]) -> Command:
    if common["source"] == "operator":
        raise ValueError("alarms can only be acknowledged at the site")
    return Acknowledge(**{**common, "key": ""}, alarm=id_of("alarm", fields.get("alarm")))


def _set_config(fields: Fields, common: dict[str, Any]) -> Command:
    every_s = fields.get("report_interval_seconds")
    if every_s is None:
        _not_set(fields, "target_power_kw")
        raise ValueError("`report_interval_seconds` is missing")
    every_ms = round(number("report_interval_seconds", every_s) * 1000)
    if not EVERY_MS[0] <= every_ms <= EVERY_MS[1]:
        hint = milliseconds_hint(every_ms, EVERY_MS[1])
        raise ValueError(f"report_interval_seconds must be 1 to 900, got {quoted(every_s)}{hint}")
    return SetConfig(**common, every_ms=every_ms)


def _not_set(fields: Fields, *names: str) -> None:
    """Refuse fields that cannot be set, instead of ignoring them."""
    for name in names:
        if fields.get(name) is not None:
            raise ValueError(
                f"`{name}` cannot be set remotely; it is set in the ven.yaml of the site"
            )


OPS = {
    "event": _event,
    "shedPanel": _event,
    "restore": _restore,
    "all_back": _all_back,
    "cancel": _cancel,
    "optOut": _opt_out,
    "ping": _ping,
    "get": _get,
    "setLoad": _set_load,
    "setLock": _set_lock,
    "setConfig": _set_config,
    "acknowledge": _acknowledge,
}


def _unreadable(error: JsonError, ven_id: str, door: Origin) -> Invalid:
    """`Invalid` for a payload that is not valid JSON, with op and ids if they can be read."""
    if not isinstance(error.said, Mapping):
        return _invalid({}, ven_id, door, "invalid", str(error))
    if isinstance(error, NotFiniteError):
        command = command_from(error.said, ven_id, door)
        if isinstance(command, Invalid):  # its reason names the field
            return command
    return _invalid(fields_of_command(error.said), ven_id, door, "invalid", str(error))


def _refused(command: Command, reason: Reason, detail: str) -> Invalid:
    names = [field.name for field in fields_of(Invalid) if hasattr(command, field.name)]
    own = {name: getattr(command, name) for name in names}
    return Invalid(**{**own, "key": "", "digest": "", "reason": reason, "detail": detail})


def _invalid(fields: Fields, ven_id: str, door: Origin, reason: Reason, detail: str) -> Invalid:
    return Invalid(
        at_ms=door.at_ms,
        mono_ms=door.mono_ms,
        source=door.source,
        who=door.who,
        reply=door.reply,
        op=op_text(fields.get("op")),
        correlation=readable_id(first_given(fields, *CORRELATION)[1]),
        key="",
        digest="",
        reason=reason,
        detail=detail,
        ids=ids_of(fields, ven_id),
    )
