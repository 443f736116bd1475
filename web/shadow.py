"""The device shadows for the page and `venctl shadow`: desired and reported values, and why a
value was refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from statemachine.decide.conditions import OF_SHADOWS
from statemachine.shadow.ack_record import APPLIED, MEANING, PENDING
from statemachine.shadow.reconcile import server_ms
from statemachine.shadow.report import seconds as interval_s
from statemachine.shadow.wishes import INTERVAL
from statemachine.site.named_shadows import circuits_by_shadow
from statemachine.site.spec import Spec
from statemachine.state.memory import Memory
from statemachine.state.shadow import ShadowState, WishOutcome

from .shapes.shadow import (
    AckRecordBody,
    RefusedWishBody,
    ShadowBody,
    ShadowDocumentBody,
    ShadowRefusalBody,
    ShadowRowBody,
    ShadowSummaryBody,
)

SHOWN_MS = 86_400_000
OFF = "off"  # this site has no device shadow


def shadow(spec: Spec, memory: Memory, now_ms: int) -> ShadowBody:
    """The answer of GET /api/v1/shadow: each shadow, and desired and reported values by row."""
    every = [_document(spec, memory, key) for key in memory.shadows]
    rows = [_interval_row(spec, memory), *(_circuit_row(spec, memory, id) for id in spec.circuits)]
    return {**summary(spec, memory, now_ms), "shadows": every, "rows": rows}


def summary(spec: Spec, memory: Memory, now_ms: int) -> ShadowSummaryBody:
    """What the page always shows: whether all is in sync, pending and recently refused values."""
    every = memory.shadows
    settled = {"in_sync", spec.shadow.initial}
    state = next((one.state for one in every.values() if one.state not in settled), None)
    state = (state or memory.shadow.state) if spec.cloud.has_shadow else OFF
    alarms = {name: at for one in every.values() for name, at in one.alarms.items()}
    return {
        "state": state,
        "label": label(state),
        "open": sum(len(one.open_wishes()) for one in every.values()),
        "refused": _newest([r for key in every for r in _refused(spec, memory, key)], now_ms),
        "alarms": [
            {"name": name, "text": f"{OF_SHADOWS[name]}.", "since": at / 1000}
            for name, at in alarms.items()
        ],
    }


def label(name: str) -> str:
    """A state's name for people to read."""
    return name.replace("_", " ").capitalize()


def _document(spec: Spec, memory: Memory, key: str) -> ShadowDocumentBody:
    one = memory.shadows[key]
    return {
        "name": key,
        "title": key or "classic",
        "circuits": len(circuits_by_shadow(spec)[key]),
        "state": one.state,
        "label": label(one.state),
        "version": one.version,
        "reported_at": one.updated_ms / 1000 or None,
        "wishes": [
            {
                "id": w.circuit,
                "name": _name(spec, w.circuit),
                "enabled": w.enabled,
                "asked_at": w.stamp_s or None,
            }
            for w in one.open_wishes()
        ],
        "ack": None if one.ack is None else cast(AckRecordBody, dict(one.ack)),
        "refusals": one.refusals,
        "last_refusal": _last(one),
    }


def _last(one: ShadowState) -> ShadowRefusalBody | None:
    if one.refusal is None:
        return None
    code, message = one.refusal
    return {"code": code, "message": message}


def _newest(refused: list[RefusedWishBody], now_ms: int) -> list[RefusedWishBody]:
    """The refusals of the last day, newest first, one for each circuit."""
    every = sorted(refused, key=lambda one: -one["at"])
    fresh = [one for one in every if one["at"] * 1000 > now_ms - SHOWN_MS]
    first = {one["id"]: one for one in reversed(fresh)}
    return [one for one in fresh if first[one["id"]] is one]


def _refused(spec: Spec, memory: Memory, key: str) -> Iterator[RefusedWishBody]:
    """The refusals of one shadow: its last decision on each circuit, and its ack record."""
    one, lives = memory.shadows[key], memory.circuits
    for id, found in one.decided.items():
        if _stands(found, lives[id].switched_ms if id in lives else None):
            yield _refusal(spec, id, found.enabled, found.code, found.words, found.at_ms / 1000)
    ack = one.ack or {}
    for id, (code, words) in (ack.get("r") or {}).items():
        decided = id in one.decided and one.decided[id].code == code
        if code not in (APPLIED, PENDING) and not decided and not _overruled(memory, id, ack["at"]):
            yield _refusal(spec, id, None, code, words, ack["at"])


def _refusal(
    spec: Spec, id: str, wanted: bool | None, code: int, words: str, at_s: float
) -> RefusedWishBody:
    return {
        "id": id,
        "name": _name(spec, id),
        "wanted": wanted,
        "code": code,
        "meaning": MEANING.get(code, "refused"),
        "reason": words,
        "at": at_s,
    }


def _circuit_row(spec: Spec, memory: Memory, id: str) -> ShadowRowBody:
    """A circuit's desired and reported value; `desired` is null if nothing is pending."""
    whose = next(key for key, ids in circuits_by_shadow(spec).items() if id in ids)
    row: ShadowRowBody = {
        "key": f"circuits.{id}.enabled",
        "name": _name(spec, id),
        "reported": memory.circuits[id].enabled,
        "desired": None,
        "state": _agreed(spec, memory.shadows[whose]),
    }
    for one in memory.shadows.values():
        found, waits = one.decided.get(id), [w for w in one.open_wishes() if w.circuit == id]
        if waits:
            since = waits[0].stamp_s or None
            row |= {"desired": waits[0].enabled, "state": "pending", "since": since}
        elif found is not None and _stands(found, memory.circuits[id].switched_ms):
            row |= {"desired": found.enabled, "state": "rejected", "since": found.at_ms / 1000}
            row |= {"code": found.code, "reason": found.words or MEANING.get(found.code, "refused")}
    return row


def _interval_row(spec: Spec, memory: Memory) -> ShadowRowBody:
    one = memory.shadow
    row: ShadowRowBody = {
        "key": INTERVAL,
        "name": "Report interval",
        "reported": interval_s(memory.every_ms),
        "desired": None,
        "state": _agreed(spec, one),
    }
    asked = one.interval
    if asked is not None and asked.every_ms is not None and asked.every_ms == memory.every_ms:
        row["desired"] = interval_s(asked.every_ms)
    refused = (one.ack or {}).get("r", {}).get(INTERVAL)
    if refused and not _chosen_since(memory, (one.ack or {})["at"]):
        row |= {"state": "rejected", "code": refused[0], "reason": refused[1]}
    return row


def _agreed(spec: Spec, one: ShadowState) -> str:
    """The state of a key with nothing pending and nothing refused."""
    if not spec.cloud.has_shadow:
        return OFF
    return "in_sync" if one.newest else "unknown"


def _stands(found: WishOutcome, switched_ms: int | None) -> bool:
    """Whether it was refused, and the circuit has not been switched since."""
    return found.code not in (APPLIED, PENDING) and (switched_ms or 0) <= found.at_ms


def _overruled(memory: Memory, id: str, refused_s: int) -> bool:
    """Whether somebody has changed the value since the refusal, in any way."""
    if id == INTERVAL:
        return _chosen_since(memory, refused_s)
    live = memory.circuits.get(id)
    return live is not None and (live.switched_ms or 0) // 1000 > refused_s


def _chosen_since(memory: Memory, refused_s: int) -> bool:
    """Whether somebody at the site or over MQTT has changed the interval since the refusal."""
    if memory.every_mono_ms is None:
        return False
    chosen_ms = server_ms(memory, memory.every_mono_ms)
    return chosen_ms is not None and chosen_ms // 1000 > refused_s


def _name(spec: Spec, id: str) -> str:
    return spec.name_of(id) if id in spec.circuits else id
