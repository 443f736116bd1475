"""The answer to the cloud's wishes in the shadow: codes and a few words, of limited size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kit.strict_json import compact
from ..state.shadow import End, ShadowState

APPLIED, PENDING, MIXED = 200, 202, 207
INVALID, NOT_REMOTE, UNKNOWN, SUPERSEDED, EXPIRED, LOCKED = 400, 403, 404, 409, 410, 423
FAILED, SILENT, UNSTORED = 502, 504, 507

MEANING = {
    APPLIED: "applied",
    PENDING: "waiting for the circuit",
    INVALID: "the entry is not valid",
    NOT_REMOTE: "this circuit may not be switched remotely",
    UNKNOWN: "this site has no such circuit",
    SUPERSEDED: "replaced by a newer choice",
    EXPIRED: "the request was too old",
    LOCKED: "a person at the site locked the circuit",
    FAILED: "the device failed",
    SILENT: "the device did not answer",
    UNSTORED: "the disk cannot be written; try again when it works",
}

MOST_BYTES = 512
MOST_ENTRIES = 8
MOST_WORDS = 48
MOST_ID = 32


def ack_record(shadow: ShadowState, at_s: int) -> dict[str, Any]:
    """The result of every wish at the shadow's version, in at most 512 bytes.

    `av` is the answered version, `at` epoch seconds, `ac` 200 (all applied), 202 (some still
    open), 207 (some refused) or 400 (all refused). `r` has up to eight results that are not
    simply applied, `more` the number of further ones.
    """
    ends = shadow.ends()
    codes = [code for code, _ in ends.values()]
    ack = {"av": shadow.version, "at": at_s, "ac": _whole(codes)}
    notable = {id: end for id, end in ends.items() if end[0] != APPLIED}
    notable |= {id: (ends[id][0], "duplicate") for id in shadow.doubled if ends.get(id) == FINE}
    return ack | _entries(notable, MOST_BYTES - len(compact(ack)))


FINE: End = (APPLIED, "")


def _whole(codes: list[int]) -> int:
    bad = [code for code in codes if code not in (APPLIED, PENDING)]
    if PENDING in codes:
        return PENDING
    return APPLIED if not bad else MIXED if len(bad) < len(codes) else INVALID


def _entries(ends: Mapping[str, End], room: int) -> dict[str, Any]:
    """As many entries as fit, and the number of further ones."""
    few = {id[:MOST_ID]: [code, words[:MOST_WORDS]] for id, (code, words) in ends.items()}
    for count in range(min(MOST_ENTRIES, len(few)), -1, -1):
        fields: dict[str, Any] = {"r": dict(list(few.items())[:count])} if count else {}
        if len(ends) > count:
            fields["more"] = len(ends) - count
        if len(compact(fields)) <= room:
            return fields
    return {}
