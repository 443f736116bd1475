"""What is known of one circuit."""

from __future__ import annotations

from dataclasses import dataclass

ANSWER_MS = 6_000  # a panel says after 4 s that a driver is silent


@dataclass(frozen=True, kw_only=True)
class CircuitState:
    """One circuit as last known.

    Watts are whole. Times that end in `_mono_ms` are on the monotonic clock, those that end in
    `_ms` alone are UTC or, where it says so, a length. None: never, or not known.
    """

    # its switch
    enabled: bool
    """It is switched on, whatever it is held at."""
    switched_by: str | None = None
    """The door of whoever switched it last."""
    switched_ms: int | None = None
    """When that was, in UTC."""
    changed_mono_ms: int | None = None
    """When it was last switched by anything but a wish of the cloud."""
    locked_by: str | None = None
    """The door of the person who locked it."""
    locked_ms: int | None = None
    """When that was, in UTC."""
    last_command: str = ""
    """The key of the last command about it."""
    driver: str = "sim"
    """The driver that switches it, also after it has gone from the file."""

    # its meter
    drawn_w: int | None = None
    """What it drew at its last reading."""
    read_mono_ms: int | None = None
    """When it was last read."""
    read_ms: int | None = None
    """The same in UTC."""
    free_w: int = 0
    """What it would draw if it was not held."""
    taken_w: int = 0
    """What it did not draw at its last reading because it gave: so power, shed and base agree."""
    started_mono_ms: int | None = None
    """When its meter saw it start by itself."""
    stopped_mono_ms: int | None = None
    """When its meter saw it stop by itself."""

    # its hold
    held_w: int | None = None
    """The most it may draw; None: it is free."""
    asked_mono_ms: int | None = None
    """Since when its driver owes an answer to that; None: it has confirmed it."""
    obeyed_w: int | None = None
    """What its driver last said that it keeps it at; None: it is free."""
    settled_mono_ms: int = 0
    """From when on it draws what its newest hold allows."""
    deaf_w: int | None = None
    """All that it really gives, because it obeys no hold; None: it obeys."""

    # its faults
    fault: str | None = None
    """What its driver says about its switch."""
    fault_mono_ms: int | None = None
    """Since when."""
    hold_fault: str | None = None
    """What its driver says about its hold."""
    hold_fault_mono_ms: int | None = None
    """Since when."""
    read_fault: str | None = None
    """What is wrong with its meter."""
    read_fault_mono_ms: int | None = None
    """Since when."""

    # how long it has rested, run and given
    off_mono_ms: int | None = None
    """Since when nothing may flow."""
    on_mono_ms: int | None = None
    """When it last came on."""
    giving_mono_ms: int | None = None
    """Since when it gives, today."""
    back_mono_ms: int | None = None
    """When it was last given back."""
    gave_ms: int = 0
    """When it last began to give, in UTC: whose turn it is."""
    day: int = 0
    """The local day that the next two count, as a day number."""
    sheds_today: int = 0
    """How often it has begun to give on that day."""
    shed_today_ms: int = 0
    """How long it has given on that day, without the time that still runs."""

    # people and events
    by_person_w: int = 0
    """What it drew when somebody switched it off during events."""
    by_person_in: tuple[str, ...] = ()
    """The ids of those events."""
    joined: tuple[str, ...] = ()
    """The events that ran when somebody switched it on, and for which it had not been off."""

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
    def well(self) -> bool:
        """No fault of it is known, neither of its switch, its hold nor its meter."""
        return self.hold_fault is None and self.fault is None and self.read_fault is None

    @property
    def trouble(self) -> str | None:
        """The newest of its faults; None: its driver does what it is told, and reads it."""
        faults = self._faults()
        return max(faults, key=lambda fault: fault[0])[1] if faults else None

    @property
    def trouble_mono_ms(self) -> int | None:
        """Since when something is wrong with it without a break; None: nothing is."""
        faults = self._faults()
        return min(faults)[0] if faults else None

    def _faults(self) -> list[tuple[int, str]]:
        faults = (
            (self.hold_fault_mono_ms, self.hold_fault),
            (self.fault_mono_ms, self.fault),
            (self.read_fault_mono_ms, self.read_fault),
        )
        return [(since_ms or 0, fault) for since_ms, fault in faults if fault is not None]
