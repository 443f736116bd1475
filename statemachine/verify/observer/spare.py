"""Which circuits could shed more, by their meters: an observer's record of the shed order.

A circuit that was read for longer than the lag and is free to shed must shed before any later tier,
and before anything of the required load is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...curtail.replan import OVER_MS, OVER_PERCENT, OVER_W, SHORT_MS, SHORT_PERCENT, SHORT_W
from ...site.panel import LEAST_AMPS, Circuit
from ...site.spec import Spec
from ...state.triggers import Readings, Restarted
from ..world.play import Moment
from .meters import Meter, noise_w
from .observed_events import ALL_OUT

if TYPE_CHECKING:
    from .observer import Observer


class SpareCapacity:
    """`wrong`: circuits that shed, or load that is missing, although an earlier circuit could shed
    more; `vain`: circuits that shed although the others and what people switched off are enough.
    """

    def __init__(self, spec: Spec) -> None:
        givers = [(id, circuit) for id, circuit in spec.circuits.items() if circuit.metered]
        self._givers = {
            id: circuit for id, circuit in givers if circuit.shed_percent and not circuit.locked
        }
        self.wrong: list[str] = []
        self.vain: list[str] = []
        self._since_ms: dict[str, int] = {}
        self._short_ms: int | None = None
        self._over_ms: int | None = None
        self._need_w = 0

    def note(self, book: Observer, now: Moment) -> None:
        """Record a reading, before its effects are recorded."""
        self.wrong, self.vain = [], []
        if isinstance(now.trigger, Restarted):
            self._since_ms, self._short_ms, self._over_ms = {}, None, None
        if not isinstance(now.trigger, Readings) or book.spec.observes:
            return
        out = _kept_out(book)
        rooms_w = {id: self._room_w(book, id, now.ms) for id in self._givers if id not in out}
        self._since_ms = {
            id: self._since_ms.get(id, now.ms) for id, room_w in rooms_w.items() if room_w
        }
        lag_ms = book.meters.lag_ms
        ready = [id for id, ms in self._since_ms.items() if now.ms - ms > lag_ms]
        if not book.meters.began_ms:
            self._short_ms = self._over_ms = None
            self._need_w = 0
            return
        self._note_order(book, now, ready, rooms_w)
        if book.is_plain:
            self._note_short(book, now, ready, rooms_w)
            self._note_over(book, now)

    def _note_order(
        self, book: Observer, now: Moment, ready: list[str], rooms_w: dict[str, int]
    ) -> None:
        tiers, meters = book.spec.tiers, book.meters.all
        for late in now.before.cuts if ready else ():
            given_w, since_ms = meters[late].missing_w()[0], book.seen[late].gives_ms
            just_now = since_ms is None or now.ms - since_ms <= book.meters.lag_ms
            if just_now or given_w <= noise_w(meters[late].high_w):
                continue
            for early in ready:
                gives = early in now.before.cuts  # it can shed more: noticed when that is missing
                lasts_ms = now.ms - self._since_ms[early] - (SHORT_MS if gives else 0)
                if tiers[early] < tiers[late] and lasts_ms > book.meters.lag_ms:
                    self.wrong.append(f"{late} sheds {given_w} W although {_can(early, rooms_w)}")

    def _note_short(
        self, book: Observer, now: Moment, ready: list[str], rooms_w: dict[str, int]
    ) -> None:
        """Missing load must be shed within the dead band, or at once by a circuit that has started
        to draw. One that was released meanwhile does not count: its replacement is at fault.
        """
        asked_w, most_w = self._need_w, needed_w(book, least=True)
        self._need_w = most_w
        missing_w = min(asked_w, most_w) - _given_w(book, now, most=True)
        short = missing_w > noise_w(0) + max(SHORT_W, most_w * SHORT_PERCENT // 100)
        if not short or most_w > asked_w:
            self._short_ms = None
            return
        self._short_ms = now.ms if self._short_ms is None else self._short_ms
        for id in ready if book.spec.curtail.policy == "at_least" else ():
            back_ms = book.seen[id].back_ms
            let_go = back_ms is not None and back_ms >= self._short_ms
            fresh = self._since_ms[id] > self._short_ms and id not in now.before.cuts and not let_go
            lasts_ms = now.ms - max(self._short_ms, self._since_ms[id])
            if lasts_ms > book.meters.lag_ms + (0 if fresh else SHORT_MS):
                self.wrong.append(f"{missing_w} W are missing although {_can(id, rooms_w)}")

    def _note_over(self, book: Observer, now: Moment) -> None:
        """The last circuit in the order sheds for nothing, for longer than the dead band."""
        need_w, given_w = needed_w(book, least=False), _given_w(book, now, most=False)
        tiers, by_person_w = book.spec.tiers, book.meters.by_person_w()[0]
        last = max(now.before.cuts, key=lambda id: tiers[id], default=None)
        if last is None or not by_person_w or book.rests(last, now.ms):
            self._over_ms = None
            return
        less_w = given_w - book.meters.all[last].missing_w()[0]
        over = less_w - need_w > max(OVER_W, need_w * OVER_PERCENT // 100)
        self._over_ms = (self._over_ms or now.ms) if over else None
        if self._over_ms is not None and now.ms - self._over_ms > OVER_MS + book.meters.lag_ms:
            enough = f"people switched off {by_person_w} W and others shed {less_w} W"
            self.vain.append(f"{last} sheds although {enough}")

    def _room_w(self, book: Observer, id: str, ms: int) -> int:
        """What a circuit could shed beyond what it sheds, in watts; 0 if it is not free to."""
        meter, circuit = book.meters.all[id], self._givers[id]
        if not meter.drawn_w or not _is_free_to_give(book, circuit, id, ms):
            return 0
        room_w = meter.drawn_w - _least_w(circuit, meter, _must_run(book, id, ms))
        return room_w if room_w > noise_w(max(meter.high_w, meter.drawn_w)) else 0


def needed_w(book: Observer, least: bool) -> int:
    """What all events require now, less the most, or the least, that people switched off."""
    return max(0, book.most_w - book.meters.by_person_w()[least])


def _given_w(book: Observer, now: Moment, most: bool) -> int:
    """The most, or the least, that circuits shed; one without a meter may shed anything."""
    given_w, circuits = 0, book.spec.circuits
    for id, state in book.seen.items():
        if not state.on or not (id in now.before.cuts or (most and state.held_w is not None)):
            continue
        low_w, high_w = book.meters.all[id].missing_w()
        if not circuits[id].metered:
            low_w, high_w = 0, circuits[id].rated
        given_w += high_w if most else low_w
    return given_w


def _kept_out(book: Observer) -> set[str]:
    """The circuits that occupants opted out of a running event."""
    outs = [book.calls.all[id].out for id in book.meters.began_ms]
    ids = {id for out in outs for id in out}
    return set(book.seen) if ALL_OUT in ids else ids


def _is_free_to_give(book: Observer, circuit: Circuit, id: str, ms: int) -> bool:
    state = book.seen[id]
    if state.off or state.locked or book.meters.all[id].troubled or book.rests(id, ms):
        return False
    gives, back_ms = state.gives_ms is not None, state.back_ms
    recovers = not gives and back_ms is not None and ms - back_ms < circuit.min_release
    counted = circuit.max_events_per_day is not None or circuit.max_shed_per_day is not None
    begun = book.today(id, ms)[0] if counted else 0
    return not (recovers or begun) and book.play.breakers.all[id].on


def _must_run(book: Observer, id: str, ms: int) -> bool:
    """It came on a short while ago and must not be switched off yet."""
    since_ms = max(
        (at_ms for at_ms in (book.seen[id].on_ms, book.meters.all[id].ran_ms) if at_ms is not None),
        default=None,
    )
    return since_ms is not None and ms - since_ms < book.spec.circuits[id].min_on_ms


def _least_w(circuit: Circuit, meter: Meter, must_run: bool) -> int:
    """The lowest hold of a circuit, in watts; if it must run, one that surely leaves it running."""
    would_w = max(meter.high_w, meter.drawn_w or 0)
    left_w = would_w - min(would_w * circuit.shed_percent // 100, would_w - circuit.floor)
    match circuit.control:
        case "relay":
            return would_w if must_run or left_w else 0
        case "ev_pilot":
            least_w = LEAST_AMPS * circuit.amp_w
            if not left_w and not must_run:
                return 0
            amps = -(-max(left_w, least_w) // circuit.amp_w)
            return min(would_w, amps * circuit.amp_w)
    return max(left_w, circuit.rated // 10) if must_run else max(0, left_w)


def _can(id: str, rooms_w: dict[str, int]) -> str:
    return f"{id} could shed {rooms_w[id]} W more"
