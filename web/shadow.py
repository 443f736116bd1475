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
    documents = [_document(spec, memory, key) for key in memory.shadows]
    rows = [_interval_row(spec, memory), *(_circuit_row(spec, memory, id) for id in spec.circuits)]
    return {**summary(spec, memory, now_ms), "shadows": documents, "rows": rows}


def summary(spec: Spec, memory: Memory, now_ms: int) -> ShadowSummaryBody:
    """What the page always shows: whether all is in sync, pending and recently refused values."""
    shadows = memory.shadows
    settled = {"in_sync", spec.shadow.initial}
    state = next((shadow.state for shadow in shadows.values() if shadow.state not in settled), None)
    state = (state or memory.shadow.state) if spec.cloud.has_shadow else OFF
    alarms = {name: at for shadow in shadows.values() for name, at in shadow.alarms.items()}
    return {
        "state": state,
        "label": label(state),
        "open": sum(len(shadow.open_wishes()) for shadow in shadows.values()),
        "refused": _newest([r for key in shadows for r in _refused(spec, memory, key)], now_ms),
        "alarms": [
            {"name": name, "text": f"{OF_SHADOWS[name]}.", "since": at / 1000}
            for name, at in alarms.items()
        ],
    }


def label(name: str) -> str:
    """A state's name for people to read."""
    return name.replace("_", " ").capitalize()


def _document(spec: Spec, memory: Memory, key: str) -> ShadowDocumentBody:
    shadow = memory.shadows[key]
    return {
        "name": key,
        "title": key or "classic",
        "circuits": len(circuits_by_shadow(spec)[key]),
        "state": shadow.state,
        "label": label(shadow.state),
        "version": shadow.version,
        "reported_at": shadow.updated_ms / 1000 or None,
        "wishes": [
            {
                "id": w.circuit,
                "name": _name(spec, w.circuit),
                "enabled": w.enabled,
                "asked_at": w.stamp_s or None,
            }
            for w in shadow.open_wishes()
        ],
        "ack": None if shadow.ack is None else cast(AckRecordBody, dict(shadow.ack)),
        "refusals": shadow.refusals,
        "last_refusal": _last(shadow),
    }


def _last(shadow: ShadowState) -> ShadowRefusalBody | None:
    if shadow.refusal is None:
        return None
    code, message = shadow.refusal
    return {"code": code, "message": message}


def _newest(refused: list[RefusedWishBody], now_ms: int) -> list[RefusedWishBody]:
    """The refusals of the last day, newest first, one for each circuit."""
    ordered = sorted(refused, key=lambda refusal: -refusal["at"])
    fresh = [refusal for refusal in ordered if refusal["at"] * 1000 > now_ms - SHOWN_MS]
    first = {refusal["id"]: refusal for refusal in reversed(fresh)}
    return [refusal for refusal in fresh if first[refusal["id"]] is refusal]


def _refused(spec: Spec, memory: Memory, key: str) -> Iterator[RefusedWishBody]:
    """The refusals of one shadow: its last decision on each circuit, and its ack record."""
    shadow, lives = memory.shadows[key], memory.circuits
    for id, outcome in shadow.decided.items():
        if _stands(outcome, lives[id].switched_ms if id in lives else None):
            yield _refusal(
                spec, id, outcome.enabled, outcome.code, outcome.words, outcome.at_ms / 1000
            )
    ack = shadow.ack or {}
    for id, (code, words) in (ack.get("r") or {}).items():
        decided = id in shadow.decided and shadow.decided[id].code == code
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
    for shadow in memory.shadows.values():
        outcome = shadow.decided.get(id)
        waits = [w for w in shadow.open_wishes() if w.circuit == id]
        if waits:
            since = waits[0].stamp_s or None
            row |= {"desired": waits[0].enabled, "state": "pending", "since": since}
        elif outcome is not None and _stands(outcome, memory.circuits[id].switched_ms):
            row |= {"desired": outcome.enabled, "state": "rejected", "since": outcome.at_ms / 1000}
            row |= {
                "code": outcome.code,
                "reason": outcome.words or MEANING.get(outcome.code, "refused"),
            }
    return row


def _interval_row(spec: Spec, memory: Memory) -> ShadowRowBody:
    shadow = memory.shadow
    row: ShadowRowBody = {
        "key": INTERVAL,
        "name": "Report interval",
        "reported": interval_s(memory.every_ms),
        "desired": None,
        "state": _agreed(spec, shadow),
    }
    wish = shadow.interval
    if wish is not None and wish.every_ms is not None and wish.every_ms == memory.every_ms:
        row["desired"] = interval_s(wish.every_ms)
    refused = (shadow.ack or {}).get("r", {}).get(INTERVAL)
    if refused and not _chosen_since(memory, (shadow.ack or {})["at"]):
        row |= {"state": "rejected", "code": refused[0], "reason": refused[1]}
    return row


def _agreed(spec: Spec, shadow: ShadowState) -> str:
    """The state of a key with nothing pending and nothing refused."""
    if not spec.cloud.has_shadow:
        return OFF
    return "in_sync" if shadow.newest else "unknown"


def _stands(outcome: WishOutcome, switched_ms: int | None) -> bool:
    """Whether it was refused, and the circuit has not been switched since."""
    return outcome.code not in (APPLIED, PENDING) and (switched_ms or 0) <= outcome.at_ms


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
