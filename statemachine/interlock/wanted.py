"""One circuit as it is wanted and as its driver has it: what is to be done next, and told.

Of holds, and of switches, only the newest wish counts: what was wanted before is never played. What
fails is tried again for ever, after 1, 2, 4 ... 60 s. Times are milliseconds of any clock that
only runs forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..state.effects import Hold, Switch

FIRST_MS, LONGEST_MS = 1_000, 60_000
Deed = Hold | Switch


def pause_ms(failures: int) -> int:
    """How long to wait after so many failures in a row, at least one: 1, 2, 4 ... 60 s."""
    return min(LONGEST_MS, FIRST_MS << min(failures - 1, 6))


def same(one: Deed | None, other: Deed) -> bool:
    """Both want the same, be it for another time."""
    match one, other:
        case Hold(watts=was), Hold(watts=now):
            return was == now
        case Switch(enabled=was), Switch(enabled=now):
            return was == now
    return False


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a wish. `fault` None: it is done, or done again after a fault."""

    deed: Deed
    fault: str | None


@dataclass(slots=True)
class _Wish:
    """The newest wish of one kind.

    `stands`: the driver has done it. `open`: it is to be done, or done again. `owes`: nobody was
    told yet what became of it. `fault` is what was told last.
    """

    deed: Deed | None = None
    stands: bool = False
    open: bool = False
    owes: bool = False
    fault: str | None = None
    failures: int = 0
    due_ms: int = 0

    def want(self, deed: Deed, now_ms: int, owes: bool) -> None:
        """A newer wish. One that only renews a lease does not begin the pauses anew."""
        if not same(self.deed, deed):
            self.stands, self.fault, self.failures, self.owes = False, None, 0, True
        lease = isinstance(deed, Hold) and deed.watts is not None
        if isinstance(deed, Switch) or not self.failures:
            self.due_ms = now_ms
        self.owes |= owes or not lease
        self.deed, self.open = deed, True

    def done(self, deed: Deed) -> list[Told]:
        news = self.owes or self.fault is not None
        self.open = self.deed != deed  # its lease was renewed meanwhile
        self.stands, self.owes, self.fault, self.failures = True, False, None, 0
        return [Told(deed, None)] if news else []

    def failed(self, deed: Deed, fault: str, now_ms: int) -> list[Told]:
        self.stands, self.failures = False, self.failures + 1
        self.due_ms = now_ms + pause_ms(self.failures)
        return self.told(deed, fault)

    def told(self, deed: Deed, fault: str) -> list[Told]:
        news = self.owes or self.fault != fault
        self.owes, self.fault = False, fault
        return [Told(deed, fault)] if news else []


@dataclass(slots=True)
class Wanted:
    """One circuit. What goes off is off before it is let go, what comes on is held first."""

    _hold: _Wish = field(default_factory=_Wish)
    _switch: _Wish = field(default_factory=_Wish)

    @property
    def free(self) -> bool:
        """Nothing holds it: its driver has said so, or never was told to."""
        hold = self._hold.deed
        return hold is None or (isinstance(hold, Hold) and hold.watts is None and self._hold.stands)

    def put(self, deed: Deed, now_ms: int, owes: bool = False) -> list[Told]:
        """Want this from now on; answers what can be told of it at once.

        `owes`: what becomes of it is told also where it is only a renewal.
        """
        self._of(deed).want(deed, now_ms, owes)
        return list(self._kept_waiting())

    def next(self, now_ms: int) -> Deed | None:
        """What is to be done now; None: nothing."""
        due = [wish.deed for wish in self._ready() if wish.due_ms <= now_ms]
        return due[0] if due else None

    def due_ms(self) -> int | None:
        """When the next thing is to be done; None: all that is wanted stands."""
        return min((wish.due_ms for wish in self._ready()), default=None)

    def ended(self, deed: Deed, fault: str | None, now_ms: int) -> list[Told]:
        """The driver has done it, or not and why; answers what is to be told of that."""
        wish = self._of(deed)
        if not same(wish.deed, deed):
            return []
        if fault is None:
            return wish.done(deed)
        return [*wish.failed(deed, fault, now_ms), *self._kept_waiting()]

    def doubt(self, now_ms: int) -> None:
        """Nobody knows any more how the circuit stands: do all that is wanted once more."""
        for wish in (self._hold, self._switch):
            if wish.deed is not None:
                wish.open, wish.due_ms = True, max(wish.due_ms, now_ms)

    def _of(self, deed: Deed) -> _Wish:
        return self._hold if isinstance(deed, Hold) else self._switch

    def _ready(self) -> Iterator[_Wish]:
        """The wishes that are to be done and need not wait for the other, in order."""
        off = isinstance(self._switch.deed, Switch) and not self._switch.deed.enabled
        for wish in (self._switch, self._hold) if off else (self._hold, self._switch):
            if wish.open and not self._waits(wish):
                yield wish

    def _waits(self, wish: _Wish) -> bool:
        hold, switch = self._hold.deed, self._switch.deed
        if not isinstance(hold, Hold) or not isinstance(switch, Switch):
            return False
        if wish is self._hold:
            return hold.watts is None and not switch.enabled and not self._switch.stands
        comes_on = switch.enabled and not self._switch.stands
        return comes_on and hold.watts is not None and not self._hold.stands

    def _kept_waiting(self) -> Iterator[Told]:
        """What waits for a wish that fails has that fault too."""
        for wish, other, why in (
            (self._hold, self._switch, "not released before it is off"),
            (self._switch, self._hold, "not switched on before it is held"),
        ):
            if wish.deed and wish.open and other.fault and self._waits(wish):
                yield from wish.told(wish.deed, f"{why}: {other.fault}")
