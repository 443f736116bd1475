"""What the broker does not allow, learned from its refusals and disconnects.

Pure: every time is passed in, from the monotonic clock. What is not allowed is skipped and
reported, so that one missing permission never affects the rest.
"""

from __future__ import annotations

from collections.abc import Collection

AGAIN_MS = 300_000  # the policy may have been corrected meanwhile
LATER_MS = 1_800_000  # and rarely, if an attempt costs a connection
PATIENCE = 2

# The last will, and what the broker's answer to a CONNECT says about it. The will may be the reason
# for a refusal or not; a CONNECT without it shows which.
CARRIED, DROPPED, DENIED, BARRED = "carried", "dropped", "denied", "barred"
WILL = {
    (CARRIED, "refused"): DROPPED,
    (DROPPED, "entered"): DENIED,
    (DROPPED, "refused"): BARRED,
    (BARRED, "entered"): CARRIED,
}


def will_after(will: str, answer: str) -> str:
    """The state of the last will after a CONNECT was `entered` or `refused`."""
    return WILL.get((will, answer), will)


class Permissions:
    """Things that may be denied, by readable names: a topic, `retained messages on ...`.

    `dispensable` things are not tried again before a restart once they cost a connection twice.
    """

    def __init__(self, dispensable: Collection[str]) -> None:
        self._dispensable = frozenset(dispensable)
        self._again_ms: dict[str, float] = {}
        self._costly: set[str] = set()
        self._cuts: dict[str, int] = {}

    def denied(self) -> tuple[str, ...]:
        """What is known not to be allowed, oldest first."""
        return tuple(self._again_ms)

    def may(self, thing: str, mono_ms: int) -> bool:
        """Whether to try it."""
        return mono_ms >= self._again_ms.get(thing, 0)

    def allowed(self, thing: str) -> None:
        """The broker accepted it."""
        self._again_ms.pop(thing, None)
        self._cuts.pop(thing, None)
        self._costly.discard(thing)

    def refused(self, thing: str, mono_ms: int) -> bool:
        """The broker refused. Returns True if that is new."""
        return self._deny(thing, mono_ms + AGAIN_MS)

    def cut_off(self, thing: str, mono_ms: int) -> bool:
        """The connection ended without an answer. Returns True at the second time in a row."""
        self._cuts[thing] = self._cuts.get(thing, 0) + 1
        if self._cuts[thing] < PATIENCE:
            return False
        self._costly.add(thing)
        never = thing in self._dispensable
        return self._deny(thing, float("inf") if never else mono_ms + LATER_MS)

    def connected(self) -> None:
        """A new connection, perhaps with a new policy: try again what was only refused."""
        for thing in self._again_ms.keys() - self._costly:
            self._again_ms[thing] = 0

    def _deny(self, thing: str, again_ms: float) -> bool:
        news = thing not in self._again_ms
        self._again_ms[thing] = again_ms
        return news
