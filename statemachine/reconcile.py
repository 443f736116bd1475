"""Desired against reported: which wishes are new, what became of them, and what to report.

Wishes are consumed: decided, carried out, and taken out of the shadow by one settle update that
is guarded by the version at which they were read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .memory import Memory, Shadow
from .spec import Spec
from .triggers import Delta, Document, Trigger, Wish

APPLIED, UNKNOWN_CIRCUIT, NOT_REMOTE, FAILED, TIMED_OUT = 200, 404, 403, 502, 504


def asked_of(trigger: Trigger) -> tuple[Wish, ...] | None:
    """The wishes a document or delta brings; None where no circuits are desired."""
    return trigger.wishes if isinstance(trigger, Document | Delta) else None


def verdicts(spec: Spec, memory: Memory, trigger: Trigger) -> dict[str, tuple[int, str]]:
    """What is decided at once about the wishes of `trigger`; those left out are open."""
    if not isinstance(trigger, Document | Delta):
        return {}
    out = dict(trigger.refusals)
    for wish in trigger.wishes or ():
        if verdict := _verdict(spec, memory, wish):
            out[wish.circuit] = verdict
    return out


def _verdict(spec: Spec, memory: Memory, wish: Wish) -> tuple[int, str] | None:
    circuit = spec.circuits.get(wish.circuit)
    if circuit is None:
        return UNKNOWN_CIRCUIT, "unknown"
    if circuit.locked or circuit.remote == "no":
        return NOT_REMOTE, "not remote"
    shadow, live = memory.shadow, memory.circuits[wish.circuit]
    if shadow.decided.get(wish.circuit) == wish:
        still_open = wish in shadow.wishes and wish.circuit not in shadow.results
        return None if still_open else shadow.results.get(wish.circuit, (APPLIED, ""))
    if live.enabled == wish.enabled and live.fault is None:
        return APPLIED, ""
    return None


def open_wishes(shadow: Shadow) -> list[Wish]:
    """The wishes taken on that have no end yet."""
    return [wish for wish in shadow.wishes if wish.circuit not in shadow.results]


def ack_record(shadow: Shadow, now_ms: int) -> dict[str, Any]:
    """What became of the wishes, in at most 512 bytes: only what was not simply applied."""
    bad = {id: list(end) for id, end in shadow.results.items() if end[0] != APPLIED}
    few = dict(list(bad.items())[:8])
    whole = APPLIED if not bad else 207 if len(bad) < len(shadow.results) else 400
    record: dict[str, Any] = {"av": shadow.wish_version, "at": now_ms // 1000, "ac": whole}
    if few:
        record["r"] = few
    if len(bad) > len(few):
        record["more"] = len(bad) - len(few)
    return record


def jitter_ms(spec: Spec, shadow: Shadow) -> int:
    """How long to wait after a refusal: 50 to 500 ms, from the sixth on 30 to 120 s.

    Pure in the site and the request, so that a decision can be repeated.
    """
    dice = hashlib.sha256(f"{spec.site.id}:{shadow.token}:{shadow.refusals}".encode()).digest()
    share = int.from_bytes(dice[:4], "big") / 2**32
    low, high = (50, 500) if shadow.refusals <= 5 else (30_000, 120_000)
    return round(low + share * (high - low))


def fingerprint(reported: Mapping[str, Any]) -> str:
    """Reports with the same fingerprint tell an operator the same, but for the power drawn."""
    said = {
        "circuits": [(c["id"], c["enabled"]) for c in reported["circuits"]],
        "event": reported["active_event"],
        "shed": round(reported["shed_kw"], 1),
        "ack": reported.get("ack"),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def wishes_of(
    desired: Mapping[str, Any], metadata: Mapping[str, Any]
) -> tuple[tuple[Wish, ...] | None, dict[str, tuple[int, str]]]:
    """The wishes in a desired section, and the entries that say nothing sensible.

    Reads the array `[{id, enabled}]` and the map `{id: {enabled}}`; `{id: null}` is no wish. Of
    two entries for one circuit the last counts. None: no circuits are desired at all.
    """
    if "circuits" not in desired or desired["circuits"] is None:
        return None, {}
    circuits, stamps = desired["circuits"], metadata.get("circuits")
    if isinstance(circuits, Mapping):
        entries = [(id, entry, _of(stamps, id)) for id, entry in circuits.items()]
    elif isinstance(circuits, list):
        entries = [(_of(entry, "id"), entry, _at(stamps, n)) for n, entry in enumerate(circuits)]
    else:
        return (), {"?": (400, "circuits is neither a list nor a map")}
    wishes: dict[str, Wish] = {}
    bad: dict[str, tuple[int, str]] = {}
    for id, entry, stamp in entries:
        if entry is None:
            continue
        enabled = _of(entry, "enabled")
        if not isinstance(id, str) or not isinstance(enabled, bool):
            bad[str(id)[:32]] = (400, "enabled must be true or false")
            continue
        found = _of(_of(stamp, "enabled"), "timestamp")
        wishes[id] = Wish(id, enabled, found if isinstance(found, int) else 0)
    return tuple(wishes.values()), bad


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _at(value: Any, place: int) -> Any:
    return value[place] if isinstance(value, list) and place < len(value) else None
