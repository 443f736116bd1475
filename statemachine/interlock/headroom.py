"""The headroom below the main breaker, by readings, for loads that an interlock releases."""

from __future__ import annotations

from collections.abc import Mapping

COUNTS_MS = 10_000  # by then a reading shows the released load


class Headroom:
    """One site. It rather allows too little than too much: a missing reading counts as the last
    one, and a released circuit counts with its rated power.
    """

    def __init__(self, service_w: int) -> None:
        self.service_w = service_w
        self._drawn_w: dict[str, int] = {}
        self._beside_w = 0
        self._returned: dict[str, tuple[int, int]] = {}

    def seen(self, drawn_w: Mapping[str, int], beside_w: int) -> None:
        """What circuits draw now, and the unmetered load, in watts."""
        self._drawn_w |= drawn_w
        self._beside_w = beside_w

    def take(self, circuit: str, watts: int, now_ms: int) -> bool:
        """Whether a circuit that draws up to `watts` fits; if it does, it counts from now on."""
        self._returned = {
            id: entry for id, entry in self._returned.items() if now_ms - entry[1] < COUNTS_MS
        }
        counted_w = self._drawn_w | {id: max_w for id, (max_w, _) in self._returned.items()}
        others_w = sum(drawn_w for id, drawn_w in counted_w.items() if id != circuit)
        if others_w + self._beside_w + watts > self.service_w:
            return False
        self._returned[circuit] = watts, now_ms
        return True
