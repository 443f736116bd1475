"""Requests for one circuit and what its driver has done: what to do and report next.

Only the newest hold and the newest switch count; older requests are dropped. What fails is retried
without end, after 1, 2, 4 ... 60 s. Times are milliseconds of any clock that only runs forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..state.effects import Hold, Switch

FIRST_MS, LONGEST_MS = 1_000, 60_000
Deed = Hold | Switch


def retry_pause_ms(failures: int) -> int:
    """The wait after `failures` in a row, at least one: 1, 2, 4 ... 60 s, in ms."""
    return min(LONGEST_MS, FIRST_MS << min(failures - 1, 6))


def wants_same(deed: Deed | None, other: Deed) -> bool:
    """Whether both request the same state, also with another end of the lease."""
    match deed, other:
        case Hold(watts=was), Hold(watts=now):
            return was == now
        case Switch(enabled=was), Switch(enabled=now):
            return was == now
    return False


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """The result of a request. `fault` None: it is done, or works again after a fault."""

    deed: Deed
    fault: str | None


@dataclass(slots=True)
class _WantedDeed:
    """The newest request of one kind.

    `stands`: the driver has done it. `open`: it is to be done or repeated. `owes`: its result is
    not reported yet. `fault`: the last one reported.
    """

    deed: Deed | None = None
    stands: bool = False
    open: bool = False
    owes: bool = False
    fault: str | None = None
    failures: int = 0
    due_ms: int = 0

    def want(self, deed: Deed, now_ms: int, owes: bool) -> None:
        """A newer request. A mere renewal of a lease does not restart the pauses."""
        if not wants_same(self.deed, deed):
            self.stands, self.fault, self.failures, self.owes = False, None, 0, True
        lease = isinstance(deed, Hold) and deed.watts is not None
        if isinstance(deed, Switch) or not self.failures:
            self.due_ms = now_ms
        self.owes |= owes or not lease
        self.deed, self.open = deed, True

    def done(self, deed: Deed) -> list[DeviceAnswer]:
        news = self.owes or self.fault is not None
        self.open = self.deed != deed  # its lease was renewed meanwhile
        self.stands, self.owes, self.fault, self.failures = True, False, None, 0
        return [DeviceAnswer(deed, None)] if news else []

    def failed(self, deed: Deed, fault: str, now_ms: int) -> list[DeviceAnswer]:
        self.stands, self.failures = False, self.failures + 1
        self.due_ms = now_ms + retry_pause_ms(self.failures)
        return self.told(deed, fault)

    def told(self, deed: Deed, fault: str) -> list[DeviceAnswer]:
        news = self.owes or self.fault != fault
        self.owes, self.fault = False, fault
        return [DeviceAnswer(deed, fault)] if news else []


@dataclass(slots=True)
class WantedState:
    """One circuit: switched off before it is released, and held before it is switched on."""

    _hold: _WantedDeed = field(default_factory=_WantedDeed)
    _switch: _WantedDeed = field(default_factory=_WantedDeed)

    @property
    def free(self) -> bool:
        """Whether nothing holds it: its driver confirmed that, or never got a hold."""
        hold = self._hold.deed
        return hold is None or (isinstance(hold, Hold) and hold.watts is None and self._hold.stands)

    def put(self, deed: Deed, now_ms: int, owes: bool = False) -> list[DeviceAnswer]:
        """Request this from now on; returns results that are known at once.

        `owes`: report the result even of a mere renewal.
        """
        self._of(deed).want(deed, now_ms, owes)
        return list(self._kept_waiting())

    def next(self, now_ms: int) -> Deed | None:
        """What is to be done now; None: nothing."""
        due = [wish.deed for wish in self._ready() if wish.due_ms <= now_ms]
        return due[0] if due else None

    def due_ms(self) -> int | None:
        """When the next request is to be done; None: all are done."""
        return min((wish.due_ms for wish in self._ready()), default=None)

    def ended(self, deed: Deed, fault: str | None, now_ms: int) -> list[DeviceAnswer]:
        """The driver has done it (`fault` None) or failed; returns the results to report."""
        wish = self._of(deed)
        if not wants_same(wish.deed, deed):
            return []
        if fault is None:
            return wish.done(deed)
        return [*wish.failed(deed, fault, now_ms), *self._kept_waiting()]

    def doubt(self, now_ms: int) -> None:
        """The state of the circuit is not known any more: do all requests again."""
        for wish in (self._hold, self._switch):
            if wish.deed is not None:
                wish.open, wish.due_ms = True, max(wish.due_ms, now_ms)

    def _of(self, deed: Deed) -> _WantedDeed:
        return self._hold if isinstance(deed, Hold) else self._switch

    def _ready(self) -> Iterator[_WantedDeed]:
        """The requests to be done that need not wait for the other, in order."""
        off = isinstance(self._switch.deed, Switch) and not self._switch.deed.enabled
        for wish in (self._switch, self._hold) if off else (self._hold, self._switch):
            if wish.open and not self._waits(wish):
                yield wish

    def _waits(self, wish: _WantedDeed) -> bool:
        hold, switch = self._hold.deed, self._switch.deed
        if not isinstance(hold, Hold) or not isinstance(switch, Switch):
            return False
        if wish is self._hold:
            return hold.watts is None and not switch.enabled and not self._switch.stands
        comes_on = switch.enabled and not self._switch.stands
        return comes_on and hold.watts is not None and not self._hold.stands

    def _kept_waiting(self) -> Iterator[DeviceAnswer]:
        """A request that waits for a failing one gets its fault too."""
        for wish, other, why in (
            (self._hold, self._switch, "not released before it is off"),
            (self._switch, self._hold, "not switched on before it is held"),
        ):
            if wish.deed and wish.open and other.fault and self._waits(wish):
                yield from wish.told(wish.deed, f"{why}: {other.fault}")
