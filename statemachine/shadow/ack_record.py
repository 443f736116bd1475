"""What became of the cloud's wishes, said in the shadow itself: codes and a few words, bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kit.strict_json import compact
from ..state.shadow import End, Shadow

APPLIED, PENDING, MIXED = 200, 202, 207
INVALID, NOT_REMOTE, UNKNOWN, SUPERSEDED, EXPIRED, LOCKED = 400, 403, 404, 409, 410, 423
FAILED, SILENT, UNSTORED = 502, 504, 507

MEANING = {
    APPLIED: "applied",
    PENDING: "waits for the circuit to answer",
    INVALID: "makes no sense",
    NOT_REMOTE: "it is not switched from afar",
    UNKNOWN: "there is no such circuit",
    SUPERSEDED: "something newer was chosen",
    EXPIRED: "the wish was too old",
    LOCKED: "the circuit is locked by a person at the site",
    FAILED: "the circuit did not do it",
    SILENT: "the circuit did not answer",
    UNSTORED: "the disk refuses; ask again once it is well",
}

MOST_BYTES = 512
MOST_ENTRIES = 8
MOST_WORDS = 48
MOST_ID = 32


def ack_record(shadow: Shadow, at_s: int) -> dict[str, Any]:
    """What became of everything asked at the shadow's version, in at most 512 bytes.

    `av` is the version that is answered, `at` epoch seconds, `ac` 200 (all applied), 202 (some
    still open), 207 (some refused) or 400 (all refused); `r` has up to eight of those that were
    not simply applied, `more` the number of the others.
    """
    ends = shadow.ends()
    codes = [code for code, _ in ends.values()]
    said = {"av": shadow.version, "at": at_s, "ac": _whole(codes)}
    notable = {id: end for id, end in ends.items() if end[0] != APPLIED}
    notable |= {id: (ends[id][0], "duplicate") for id in shadow.doubled if ends.get(id) == FINE}
    return said | _entries(notable, MOST_BYTES - len(compact(said)))


FINE: End = (APPLIED, "")


def _whole(codes: list[int]) -> int:
    bad = [code for code in codes if code not in (APPLIED, PENDING)]
    if PENDING in codes:
        return PENDING
    return APPLIED if not bad else MIXED if len(bad) < len(codes) else INVALID


def _entries(ends: Mapping[str, End], room: int) -> dict[str, Any]:
    """As many entries as there is room for, and how many more there are."""
    few = {id[:MOST_ID]: [code, words[:MOST_WORDS]] for id, (code, words) in ends.items()}
    for count in range(min(MOST_ENTRIES, len(few)), -1, -1):
        said: dict[str, Any] = {"r": dict(list(few.items())[:count])} if count else {}
        if len(ends) > count:
            said["more"] = len(ends) - count
        if len(compact(said)) <= room:
            return said
    return {}
