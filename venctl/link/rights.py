"""What the broker does not let us do, learned from what it refuses and where it cuts us off.

Pure: every moment is given, on the monotonic clock. What is not allowed is left alone and told, so
that one missing right never costs what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection

AGAIN_MS = 300_000  # a policy may have been mended meanwhile
LATER_MS = 1_800_000  # and where asking costs a connection, seldom
PATIENCE = 2

# The last will: who carries one, and what the broker's answer to a CONNECT says about it. One that
# is refused may be the will's fault or not; a CONNECT without it tells which.
CARRIED, DROPPED, DENIED, BARRED = "carried", "dropped", "denied", "barred"
WILL = {
    (CARRIED, "refused"): DROPPED,
    (DROPPED, "entered"): DENIED,
    (DROPPED, "refused"): BARRED,
    (BARRED, "entered"): CARRIED,
}


def after(will: str, answer: str) -> str:
    """What becomes of the last will after a CONNECT was `entered` or `refused`."""
    return WILL.get((will, answer), will)


class Rights:
    """Things that may be denied, by their names for people: a topic, `retained messages on ...`.

    `dispensable` are those not asked for again before a restart once they cost a connection twice.
    """

    def __init__(self, dispensable: Collection[str]) -> None:
        self._dispensable = frozenset(dispensable)
        self._again_ms: dict[str, float] = {}
        self._costly: set[str] = set()
        self._cuts: dict[str, int] = {}

    def denied(self) -> tuple[str, ...]:
        """What is not allowed, as far as is known, in the order in which it was found out."""
        return tuple(self._again_ms)

    def may(self, thing: str, mono_ms: int) -> bool:
        """Whether it is worth trying."""
        return mono_ms >= self._again_ms.get(thing, 0)

    def allowed(self, thing: str) -> None:
        """It worked."""
        self._again_ms.pop(thing, None)
        self._cuts.pop(thing, None)
        self._costly.discard(thing)

    def refused(self, thing: str, mono_ms: int) -> bool:
        """The broker said no. True when that is news."""
        return self._deny(thing, mono_ms + AGAIN_MS)

    def cut_off(self, thing: str, mono_ms: int) -> bool:
        """The connection ended instead of an answer. True when that is the second time in a row."""
        self._cuts[thing] = self._cuts.get(thing, 0) + 1
        if self._cuts[thing] < PATIENCE:
            return False
        self._costly.add(thing)
        never = thing in self._dispensable
        return self._deny(thing, float("inf") if never else mono_ms + LATER_MS)

    def connected(self) -> None:
        """A new connection, perhaps with a new policy: what was only refused may be tried again."""
        for thing in self._again_ms.keys() - self._costly:
            self._again_ms[thing] = 0

    def _deny(self, thing: str, again_ms: float) -> bool:
        news = thing not in self._again_ms
        self._again_ms[thing] = again_ms
        return news
