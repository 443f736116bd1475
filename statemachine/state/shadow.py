"""What is remembered of each device shadow of a site, frozen, and its way back from JSON."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kit.frozen import changed
from .desires import Interval, Wish

End = tuple[int, str]


@dataclass(frozen=True)
class Decision:
    """What became of a wish: a code, 202 until its driver has answered, and words for people."""

    enabled: bool
    stamp_s: int
    code: int
    words: str
    at_ms: int

    def about(self, wish: Wish) -> bool:
        """This was decided about that very wish, and is not to be decided again."""
        return (self.enabled, self.stamp_s) == (wish.enabled, wish.stamp_s)


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """Where a shadow's chart stands and what is known of the document.

    `version` is the newest one known and the one at which `wishes` were read; None: unknown.
    `heard` is the newest version of a delta that was not read. `clears` names what the settle
    takes out of desired, `refused` the entries that ended without a decision. `wants` is what
    the state has to say (get, settle, report), `doing` what is under way as `in_flight`.
    `newest` is the newest version read since the link is up, 0 for none, also while `version` is
    not known. `acked` are the ids that the cloud may still hold in its ack record; `answers` the
    monotonic times at which the cloud was answered of late, `answered` what about each time.
    `lean` is how much detail is left out, `fuller_ms` when more is tried again (0 while it is
    tried), `fuller_pause_ms` how long that waited.
    """

    state: str
    version: int | None = None
    heard: int = 0
    newest: int = 0
    wishes: tuple[Wish, ...] = ()
    doubled: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    refused: Mapping[str, End] = field(default_factory=dict)
    decided: Mapping[str, Decision] = field(default_factory=dict)
    interval: Interval | None = None
    wants: str = ""
    doing: str = ""
    token: int = 0
    in_flight: int | None = None
    asked_ms: int = 0
    updated_ms: int = 0
    look_ms: int | None = None
    sent: str = ""
    sent_w: int = 0
    ack: Mapping[str, Any] | None = None
    acked: tuple[str, ...] = ()
    answers: tuple[int, ...] = ()
    answered: tuple[str, ...] = ()
    refusals: int = 0
    refusal: End | None = None
    lean: int = 0
    fuller_ms: int = 0
    fuller_pause_ms: int = 0
    alarms: Mapping[str, int] = field(default_factory=dict)
    wakes: Mapping[str, int] = field(default_factory=dict)

    def ends(self) -> dict[str, End]:
        """What became of everything that was last asked, the open wishes as 202."""
        return {**self.refused, **{wish.circuit: self._end(wish) for wish in self.wishes}}

    def open_wishes(self) -> list[Wish]:
        """The wishes taken on that have no end yet."""
        return [wish for wish in self.wishes if self._end(wish)[0] == PENDING]

    def _end(self, wish: Wish) -> End:
        found = self.decided.get(wish.circuit)
        if wish.circuit in self.refused:
            return self.refused[wish.circuit]
        if found is None or not found.about(wish):
            return PENDING, "not decided"
        return found.code, found.words


PENDING = 202


def moved(shadow: Shadow, step_ms: int) -> Shadow:
    """This shadow after the wall clock was set: what it waits for takes as long as before."""
    return changed(
        shadow,
        wakes={name: due_ms + step_ms for name, due_ms in shadow.wakes.items()},
        look_ms=None if shadow.look_ms is None else shadow.look_ms + step_ms,
        asked_ms=shadow.asked_ms + step_ms,
        updated_ms=shadow.updated_ms + step_ms,
        fuller_ms=shadow.fuller_ms and shadow.fuller_ms + step_ms,
    )


def from_plain(kept: Mapping[str, Any], circuits: Container[str]) -> Shadow:
    """A shadow out of the JSON it was kept as; what was decided of circuits now gone is not."""
    decided = {id: Decision(**one) for id, one in kept["decided"].items() if id in circuits}
    interval, refusal = kept["interval"], kept["refusal"]
    return Shadow(
        **{
            **kept,
            "wishes": tuple(Wish(**wish) for wish in kept["wishes"]),
            "refused": {id: (code, words) for id, (code, words) in kept["refused"].items()},
            "decided": decided,
            "interval": None if interval is None else Interval(**interval),
            "refusal": None if refusal is None else tuple(refusal),
            **{name: tuple(kept[name]) for name in ("doubled", "clears", "acked", "answers")},
            "answered": tuple(kept.get("answered", ())),
        }
    )
