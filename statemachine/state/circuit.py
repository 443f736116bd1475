"""What is known of one circuit."""

from __future__ import annotations

from dataclasses import dataclass

ANSWER_MS = 6_000  # a panel says after 4 s that a driver is silent


@dataclass(frozen=True, kw_only=True)
class Live:
    """One circuit as last known. `free_w` is what it would draw if it were let be.

    Times ending in `_mono_ms` are on the monotonic clock: since when it is off, when it last came
    on, since when it gives, when it was last given back, when it was last switched otherwise than
    by a wish; when its meter saw it start by itself, or stop; `settled_mono_ms`: from when on it
    draws what its newest hold lets it. `gave_ms` is when it last began to give; `day` the local
    day that `sheds_today` and `shed_today_ms` count.
    `taken_w`: what it did not draw at its last reading because it gave, so that power, shed and
    base are of one moment. `deaf_w`: all it really gives, for it obeys no hold. `locked_by`: who
    locked it out. `driver` switches it, also on the day it is no longer in the file. `read_ms` is
    the time of its reading.
    `asked_mono_ms`: since when its driver owes an answer to `held_w`; None: it confirmed it.
    `obeyed_w` is what its driver last said that it keeps it at; None: it lets it be. `fault` is of
    its switch, `hold_fault` of its hold, `read_fault` of its meter, each with the time since when.
    `by_person_w` is what it drew when somebody switched it off while the events `by_person_in` ran.
    `joined` are the events that ran when somebody switched it on, which had not been off for them.
    `last_command` is the key of the last command about it.
    """

    enabled: bool
    drawn_w: int | None = None
    read_mono_ms: int | None = None
    free_w: int = 0
    held_w: int | None = None
    switched_by: str | None = None
    switched_ms: int | None = None
    changed_mono_ms: int | None = None
    locked_by: str | None = None
    locked_ms: int | None = None
    fault: str | None = None
    off_mono_ms: int | None = None
    on_mono_ms: int | None = None
    giving_mono_ms: int | None = None
    back_mono_ms: int | None = None
    gave_ms: int = 0
    day: int = 0
    sheds_today: int = 0
    shed_today_ms: int = 0
    deaf_w: int | None = None
    driver: str = "sim"
    read_ms: int | None = None
    asked_mono_ms: int | None = None
    hold_fault: str | None = None
    hold_fault_mono_ms: int | None = None
    fault_mono_ms: int | None = None
    read_fault: str | None = None
    read_fault_mono_ms: int | None = None
    started_mono_ms: int | None = None
    stopped_mono_ms: int | None = None
    settled_mono_ms: int = 0
    obeyed_w: int | None = None
    by_person_w: int = 0
    by_person_in: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    last_command: str = ""
    taken_w: int = 0

    @property
    def off(self) -> bool:
        """Nothing may flow: it is switched off, or held at nothing."""
        return not self.enabled or self.held_w == 0

    @property
    def giving(self) -> bool:
        """It gives for an event."""
        return self.giving_mono_ms is not None

    def awaits_ms(self, mono_ms: int) -> int:
        """How much longer its driver may take to answer to the last hold; 0: it owes none."""
        if self.asked_mono_ms is None:
            return 0
        return max(0, self.asked_mono_ms + ANSWER_MS - mono_ms)

    @property
    def sure(self) -> bool:
        """Its driver has confirmed what it is held at, and no fault is known."""
        return self.asked_mono_ms is None and self.hold_fault is None

    @property
    def trouble(self) -> str | None:
        """The newest of its faults; None: its driver does what it is told, and reads it."""
        known = self._faults()
        return max(known, key=lambda one: one[0])[1] if known else None

    @property
    def trouble_mono_ms(self) -> int | None:
        """Since when something is wrong with it without a break; None: nothing is."""
        return min((since_ms for since_ms, _ in self._faults()), default=None)

    def _faults(self) -> list[tuple[int, str]]:
        faults = (
            (self.hold_fault_mono_ms, self.hold_fault),
            (self.fault_mono_ms, self.fault),
            (self.read_fault_mono_ms, self.read_fault),
        )
        return [(since_ms or 0, fault) for since_ms, fault in faults if fault is not None]
