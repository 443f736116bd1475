"""One circuit as its driver and meter show it: since when it is off or on, what it would draw.

Only what was really done counts, not what was planned. After a start the past is unknown, and what
is unknown forbids nothing. Times are milliseconds of a clock that only runs forward.
"""

from __future__ import annotations

from ..curtail.estimate import GAP_MS, SETTLES_MS, WAKES_MS, clearly_less
from ..site.panel import LEAST_AMPS, Circuit
from ..state.effects import Hold
from .wanted_state import Deed

LAG_MS = 5_000  # the core counts from its decision; a device follows one call later


def allows_running(circuit: Circuit | None, watts: int | None) -> bool:
    """Whether a hold at `watts` lets it run: a car needs at least 6 A."""
    if watts is None:
        return True
    pilot = circuit is not None and circuit.control == "ev_pilot"
    return watts >= (LEAST_AMPS * circuit.amp_w if circuit and pilot else 1)


class DeviceState:
    """What is known. `off_ms`: since when it is off, or was told to be; `rests_ms`: since when it
    rests, None: not known; `on_ms`: since when it runs after it was off. `free_w`: what it would
    draw without a hold, at least; None: not known yet.
    """

    def __init__(self, circuit: Circuit | None) -> None:
        self.off_ms: int | None = None
        self.rests_ms: int | None = None
        self.on_ms: int | None = None
        self.free_w: int | None = None
        self._on, self._hold_w, self._known = True, None, False  # type: bool, int | None, bool
        self._level_w: int | None = None
        self._settled_ms = self._began_ms = 0
        self._read_ms: int | None = None
        self._drawn_w = 0
        self._idle_ms: int | None = None
        self._circuit: Circuit | None = None
        self.use(circuit)

    @property
    def off(self) -> bool:
        """Whether its driver has it off."""
        return not self._on or not allows_running(self._circuit, self._hold_w)

    def use(self, circuit: Circuit | None) -> None:
        """Use other settings; None: it is no longer in ven.yaml."""
        self._circuit = circuit
        if circuit is not None and not circuit.metered:
            self.free_w = circuit.typical_w

    def wanted(self, watts: int | None, now_ms: int) -> None:
        """It is to be held at `watts` from now on; its power settles after a while."""
        if watts == self._level_w:
            return
        eased = self._level_w is not None and (watts is None or watts > self._level_w)
        self._settled_ms = now_ms + (WAKES_MS if eased else SETTLES_MS)
        self._level_w = watts

    def began(self, deed: Deed, put_ms: int, now_ms: int) -> None:
        """Its driver gets the request of `put_ms`, which counts from then, up to `LAG_MS` ago."""
        self._began_ms = max(put_ms, now_ms - LAG_MS)
        if self._would_be_off(deed) and self.off_ms is None:
            self.off_ms = self._began_ms

    def done(self, deed: Deed) -> None:
        """Its driver has done the last request."""
        was_off = self.off
        if isinstance(deed, Hold):
            self._hold_w = deed.watts
        else:
            self._on = deed.enabled
        if self.off and not was_off:
            self.rests_ms = self._stopped_ms() if self._known else None
        elif was_off and not self.off:
            self.on_ms = self._began_ms
        if self.off:
            self.on_ms = None
        elif was_off or isinstance(deed, Hold):
            self.off_ms = self.rests_ms = None
        self._known |= isinstance(deed, Hold)

    def seen(self, drawn_w: int, at_ms: int, enabled: bool, free: bool) -> None:
        """A meter reading at `at_ms`. `enabled`: it is to be on; `free`: nothing holds it."""
        circuit = self._circuit
        if circuit is None or not circuit.metered:
            return
        self._note_idle(circuit, drawn_w, at_ms)
        if enabled:
            self._note_free(circuit, drawn_w, at_ms, free)
        self._drawn_w, self._read_ms = drawn_w, at_ms

    def _would_be_off(self, deed: Deed) -> bool:
        if isinstance(deed, Hold):
            return not self._on or not allows_running(self._circuit, deed.watts)
        return not deed.enabled or not allows_running(self._circuit, self._hold_w)

    def _stopped_ms(self) -> int:
        """Since when it rests: now, or when its meter saw it stop by itself."""
        unseen = self._read_ms is None or self._began_ms - self._read_ms > GAP_MS
        if self._idle_ms is None or unseen:
            return self._began_ms
        return min(self._idle_ms, self._began_ms)

    def _note_idle(self, circuit: Circuit, drawn_w: int, at_ms: int) -> None:
        if drawn_w > circuit.idle_w:
            self._idle_ms = None
        elif self._read_ms is None:
            self._idle_ms = at_ms - circuit.min_off_ms  # since an unknown time
        elif self._idle_ms is None or at_ms - self._read_ms > GAP_MS:
            self._idle_ms = at_ms

    def _note_free(self, circuit: Circuit, drawn_w: int, at_ms: int, free: bool) -> None:
        """Keep the reading before a hold while it is held; lower it if the hold takes less."""
        level_w, known_w = self._level_w, self.free_w
        if level_w is None:
            self.free_w = drawn_w if free or known_w is None else min(known_w, drawn_w)
        elif known_w is None:
            if not clearly_less(level_w, drawn_w):
                self.free_w = min(drawn_w, level_w)
        elif clearly_less(level_w, drawn_w):  # it ignores the hold, so that is what it draws
            self.free_w = min(known_w, drawn_w)
        elif circuit.control != "duty_cycle" and at_ms >= self._settled_ms:
            least_w = max(drawn_w, self._drawn_w)
            self.free_w = min(known_w, least_w) if clearly_less(least_w, level_w) else known_w
