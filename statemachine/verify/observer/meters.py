"""What the meters of a played site show, and what each circuit would really draw at that moment.

The modelled world knows what nobody at a site can know: what a held circuit would draw. Rules use
it only as far as a controller can know it: of a free circuit what it draws, of a held one anything
between its last reading before the hold and what it would have drawn since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...state.cloud_triggers import Delta, Document
from ...state.triggers import Readings, Restarted, Toggle
from ..world.loads import CYCLES_S
from ..world.play import Moment, Play

if TYPE_CHECKING:
    from .observer import Observer

NOISE_W, NOISE_PERCENT = 50, 5
SETTLE_MS = 5_000  # a silent driver is known after 4 s
WAKES_MS = 120_000  # a car that is told to draw more may take this long
STARTS_PERCENT = 20  # of its rating, after 0 W, is a start and not standby


@dataclass(slots=True)
class Meter:
    """One circuit. `low_w` to `high_w`: what it would draw, as far as a controller can know.

    `drawn_w` is its last reading, of `read_ms`; `slack`: it drew clearly less than its hold.
    `started_ms`: when a reading showed it start, if none showed it stop; `ran_ms`: since when it is
    known to run. `stopped_ms`: since when it draws nothing. `left_ms`: when a person switched it
    off; `joined`: the events that ran when it was switched on, but not when it was switched off
    before. `settled_ms`: until then its power may still change to its hold. `troubled`: its device
    had a fault during the present events.
    """

    drawn_w: int | None = None
    read_ms: int = 0
    low_w: int = 0
    high_w: int = 0
    slack: bool = False
    started_ms: int | None = None
    ran_ms: int | None = None
    stopped_ms: int | None = None
    left_ms: int | None = None
    joined: frozenset[str] = frozenset()
    settled_ms: int = 0
    troubled: bool = False

    def missing_w(self) -> tuple[int, int]:
        """The least and the most that it sheds because it is held, in watts."""
        drawn_w = self.drawn_w or 0
        high_w = 0 if self.slack else max(0, self.high_w - drawn_w)
        return min(high_w, max(0, self.low_w - drawn_w)), high_w


class Meters:
    """All circuits of a play. `note` adds a moment before its effects are recorded."""

    def __init__(self, play: Play) -> None:
        self._play, self._spec = play, play.spec
        self.all = {id: Meter() for id in play.spec.circuits}
        self.lag_ms = 2 * play.scenario.look + SETTLE_MS
        self.began_ms: dict[str, int] = {}
        self._leases: dict[str, tuple[int | None, int]] = {}

    def note(self, book: Observer, now: Moment) -> None:
        """Add readings, and drop what is not known any more after a restart."""
        if isinstance(now.trigger, Restarted):
            for meter in self.all.values():
                meter.started_ms, meter.ran_ms, meter.drawn_w = None, now.ms, None
        if isinstance(now.trigger, Readings):
            for id in self.all:
                self._look(book, id, now)

    def note_deeds(self, book: Observer, now: Moment) -> None:
        """Add started events, switches, and the lease of each device after this moment."""
        self._note_events(book, now)
        for id, breaker in self._play.breakers.all.items():
            meter, state = self.all[id], book.seen[id]
            self._note_lease(id, breaker.hold_w, now.ms)
            self._leases[id] = breaker.hold_w, breaker.until_ms
            if state.on and not book.was_on[id]:
                meter.joined = self._joined(meter)
            if state.on and not book.rests(id, now.ms):
                meter.left_ms = None
            elif book.was_on[id] and not state.on and _is_wished(id, now):
                meter.left_ms = now.ms
            if breaker.fault != "none":
                meter.troubled = True

    def leased_w(self, id: str, ms: int) -> int | None:
        """The hold of the device of a circuit, in watts; None: it is free."""
        hold_w, until_ms = self._leases.get(id, (None, 0))
        return hold_w if ms < until_ms else None

    def in_doubt(self, id: str) -> bool:
        """Whether single readings do not tell what it draws on average, or there are none."""
        breakers, circuit = self._play.breakers, self._spec.circuits[id]
        loads = breakers.loads
        cycles = loads.cycles and circuit.type in CYCLES_S and id not in loads.set_w
        return cycles or not circuit.metered

    @property
    def left(self) -> bool:
        """Whether a circuit is off because somebody switched it off."""
        return any(meter.left_ms is not None for meter in self.all.values())

    def by_person_w(self) -> tuple[int, int]:
        """The least and the most that people switched off during the running events, in watts."""
        least_w = most_w = 0
        if not self.began_ms:
            return 0, 0
        for id, meter in self.all.items():
            if (left_ms := meter.left_ms) is None:
                continue
            began_ms = {
                event: ms for event, ms in self.began_ms.items() if event not in meter.joined
            }
            if any(ms <= left_ms for ms in began_ms.values()):
                circuit = self._spec.circuits[id]
                most_w += circuit.rated if not circuit.metered else meter.high_w
            sure = not self._play.breakers.all[id].on and not meter.troubled  # it is really off
            if sure and all(began_ms.get(event, left_ms) < left_ms for event in self.began_ms):
                least_w += 0 if self.in_doubt(id) else meter.low_w
        return least_w, most_w

    # -- readings -----------------------------------------------------------------------------

    def _note_events(self, book: Observer, now: Moment) -> None:
        running = book.calls.running(self._play.at_ms)
        if running or self.began_ms:
            self.began_ms = {id: self.began_ms.get(id, now.ms) for id in running}
        elif not now.before.cuts and isinstance(now.trigger, Readings):
            for id, breaker in self._play.breakers.all.items():
                self.all[id].troubled = breaker.fault != "none"

    def _joined(self, meter: Meter) -> frozenset[str]:
        """The running events during which it was off before it came on."""
        saved = {event for event, ms in self.began_ms.items() if ms < (meter.left_ms or 0)}
        return (meter.joined | self.began_ms.keys()) - (saved - meter.joined)

    def _note_lease(self, id: str, hold_w: int | None, ms: int) -> None:
        was_w, _ = self._leases.get(id, (None, 0))
        if hold_w is not None and hold_w != was_w:
            eased = was_w is not None and hold_w > was_w
            self.all[id].settled_ms = ms + (WAKES_MS if eased else SETTLE_MS)

    def _look(self, book: Observer, id: str, now: Moment) -> None:
        meter, breaker = self.all[id], self._play.breakers.all[id]
        assert isinstance(now.trigger, Readings)
        drawn_w, hold_w = now.trigger.drawn_w.get(id), self.leased_w(id, now.ms)
        if drawn_w is None:
            meter.started_ms, meter.ran_ms, meter.drawn_w = None, now.ms, None
            return
        self._note_start(id, meter, drawn_w, book.seen[id].on_ms, now.ms)
        meter.drawn_w = drawn_w
        meter.slack = False
        if hold_w is not None and self._spec.circuits[id].control != "duty_cycle":
            meter.slack = hold_w - drawn_w > noise_w(hold_w) and now.ms >= meter.settled_ms
        on = book.seen[id].on and breaker.on
        if on and book.seen[id].held_w is None and hold_w is None:
            meter.low_w = meter.high_w = drawn_w
        elif on:
            would_w = self._play.breakers.loads.free_w(id, now.ms)
            meter.low_w, meter.high_w = min(meter.low_w, would_w), max(meter.high_w, would_w)

    def _note_start(self, id: str, meter: Meter, drawn_w: int, on_ms: int | None, ms: int) -> None:
        was_w, let_go = meter.drawn_w, on_ms is not None and on_ms >= meter.read_ms
        meter.read_ms = ms
        idle = drawn_w <= self._spec.circuits[id].idle_w
        if not idle:
            meter.stopped_ms = None
        elif meter.stopped_ms is None:
            meter.stopped_ms = ms
        if was_w == 0 and drawn_w:
            clear = drawn_w * 100 >= self._spec.circuits[id].rated * STARTS_PERCENT
            start_ms = on_ms if let_go else ms
            meter.started_ms, meter.ran_ms = start_ms if clear else None, ms
        elif not drawn_w or (was_w is not None and drawn_w * 2 < was_w):
            meter.started_ms = None
        elif was_w is None or drawn_w > 2 * was_w:
            meter.started_ms, meter.ran_ms = None, ms  # it may have been in standby until now


def noise_w(watts: int) -> int:
    """The difference, in watts, up to which two readings count as equal."""
    return max(NOISE_W, watts * NOISE_PERCENT // 100)


def _is_wished(id: str, now: Moment) -> bool:
    """Whether a person or the cloud switched it, not an event one that comes back by hand."""
    asked = isinstance(now.trigger, Toggle) and now.trigger.circuit == id
    return asked or isinstance(now.trigger, Document | Delta)
