"""What is remembered of each device shadow of a site, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..kit.frozen import changed
from .desires import Interval, Wish

End = tuple[int, str]


@dataclass(frozen=True)
class WishOutcome:
    """What became of a wish."""

    enabled: bool
    """What was wished."""
    stamp_s: int
    """When, in epoch seconds of the service; 0: not known."""
    code: int
    """The code of its end; 202 until the driver has answered."""
    words: str
    """The same for people."""
    at_ms: int
    """When it was decided, in UTC."""

    def about(self, wish: Wish) -> bool:
        """This was decided about that very wish, and is not to be decided again."""
        return (self.enabled, self.stamp_s) == (wish.enabled, wish.stamp_s)


@dataclass(frozen=True, kw_only=True)
class ShadowState:
    """Where the chart of one shadow stands, and what is known of its document."""

    # its chart
    state: str
    """The state of the chart."""
    wants: str = ""
    """What that state has to say: get, settle or report; "": nothing."""
    wakes: Mapping[str, int] = field(default_factory=dict)
    """The triggers that come by themselves, and when, in UTC milliseconds."""
    look_ms: int | None = None
    """When it next has something to say, or gives up an answer, in UTC."""

    # the document
    version: int | None = None
    """The newest version known, at which `wishes` were read; None: not known."""
    heard: int = 0
    """The newest version of a delta that was not read; 0: none."""
    newest: int = 0
    """The newest version read since the link is up, also where `version` is not known; 0: none."""
    wishes: tuple[Wish, ...] = ()
    """What is desired of circuits."""
    doubled: tuple[str, ...] = ()
    """The circuits that were named twice."""
    interval: Interval | None = None
    """The telemetry interval that was last desired."""

    # what became of it
    clears: tuple[str, ...] = ()
    """What the next settle takes out of desired."""
    refused: Mapping[str, End] = field(default_factory=dict)
    """The entries that ended without a decision, by circuit or key."""
    decided: Mapping[str, WishOutcome] = field(default_factory=dict)
    """The last decision about each circuit."""
    ack: Mapping[str, Any] | None = None
    """The ack record that is reported."""
    acked: tuple[str, ...] = ()
    """The ids that the service may still hold in an ack record."""
    answers: tuple[int, ...] = ()
    """When the cloud was answered of late, in monotonic milliseconds."""
    answered: tuple[str, ...] = ()
    """What each of these answers was about."""

    # the request under way
    token: int = 0
    """The number of the last request."""
    in_flight: int | None = None
    """The number of the request that waits for its answer."""
    doing: str = ""
    """What that request is: get, settle or report."""
    asked_ms: int = 0
    """When it was sent, in UTC."""
    refusals: int = 0
    """How many requests in a row were refused."""
    refusal: End | None = None
    """The last refusal: its code and its words."""

    # what was reported
    updated_ms: int = 0
    """When an update was last sent, in UTC."""
    sent: str = ""
    """The fingerprint of what was reported."""
    sent_w: int = 0
    """The watts commanded and shed at that time, together."""
    lean: int = 0
    """How much detail is left out, because the document would be too large; 0: nothing."""
    fuller_ms: int = 0
    """When more detail is tried again, in UTC; 0: not waiting."""
    fuller_pause_ms: int = 0
    """How long that waits, as a length."""
    alarms: Mapping[str, int] = field(default_factory=dict)
    """The alarms of this shadow, each since when, in UTC milliseconds."""

    def ends(self) -> dict[str, End]:
        """What became of everything that was last asked, the open wishes as 202."""
        return {**self.refused, **{wish.circuit: self._end(wish) for wish in self.wishes}}

    def open_wishes(self) -> list[Wish]:
        """The wishes taken on that have no end yet."""
        return [wish for wish in self.wishes if self._end(wish)[0] == PENDING]

    def _end(self, wish: Wish) -> End:
        decision = self.decided.get(wish.circuit)
        if wish.circuit in self.refused:
            return self.refused[wish.circuit]
        if decision is None or not decision.about(wish):
            return PENDING, "not decided"
        return decision.code, decision.words


PENDING = 202


def shift_times(shadow: ShadowState, step_ms: int) -> ShadowState:
    """This shadow after the wall clock was set: what it waits for takes as long as before."""
    return changed(
        shadow,
        wakes={name: due_ms + step_ms for name, due_ms in shadow.wakes.items()},
        look_ms=None if shadow.look_ms is None else shadow.look_ms + step_ms,
        asked_ms=shadow.asked_ms + step_ms,
        updated_ms=shadow.updated_ms + step_ms,
        fuller_ms=shadow.fuller_ms and shadow.fuller_ms + step_ms,
    )
