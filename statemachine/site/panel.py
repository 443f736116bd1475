"""One breaker of the panel, as ven.yaml declares it, and what its type implies."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field

from ..kit.quantity import Millis, Watts
from .fields import NEVER, Count, Flag, Model, Name, OneOf, Share, Word

MINUTE_MS = 60_000
RUNS_PERCENT, IDLE_PERCENT = 5, 1
LEAST_AMPS = 6  # SAE J1772, IEC 61851: a charging car draws this or nothing

# type: (min_on, min_off, max_off). Makers of compressors print 2.5 to 3 min of rest; a fridge
# keeps its cold for half an hour.
DWELL_MS: dict[str, tuple[int, int, int | None]] = {
    "heater": (0, 0, None),
    "water_heater": (0, 0, None),
    "lights": (0, 0, None),
    "ev": (0, 0, None),
    "hvac": (5 * MINUTE_MS, 5 * MINUTE_MS, None),
    "fridge": (5 * MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS),
    "motor": (0, 0, None),
    "other": (0, 0, None),
}
BACK_ON_MS = 5 * MINUTE_MS
# What means nothing where a circuit is never shed.
SHEDDING = ("priority", "floor", "max_off", "min_release", "max_events_per_day", "max_shed_per_day")
Tier = tuple[bool, int]  # critical or not, then priority: the lower one gives first
Control = Annotated[str, OneOf("control", "modulating", "relay", "ev_pilot", "duty_cycle", "none")]


class Circuit(Model):
    """One breaker of the panel. `shed` is the most it gives, as a share of what it draws."""

    name: Name | None = Field(default=None, description="what people call it")
    type: Word = Field(
        default="other",
        description=f"what it is, in any word; known here: {', '.join(DWELL_MS)}",
    )
    rated: Watts = Field(description="what it draws at most")
    critical: Flag = Field(default=False, description="asked only when all others have given all")
    priority: Count | None = Field(
        default=None,
        description="lower gives first; equal ones take turns; default: the order in the file",
    )
    enabled: Flag = Field(default=True, description="on or off on the first day")
    control: Control = Field(default="modulating", description="how finely its power can be set")
    shed: Share = Field(
        default=0, description="the most it gives of what it draws; never: also no switch"
    )
    floor: Watts = Field(default=0, description="power it is never taken below")
    min_on: Millis | None = Field(
        default=None, description="once on, it is not taken off for so long"
    )
    min_off: Millis | None = Field(default=None, description="once off, it stays off for so long")
    max_off: Millis | None = Field(
        default=None, description="an event takes it off for so long at most"
    )
    min_release: Millis = Field(
        default=0, description="once given back, it gives nothing for so long"
    )
    max_events_per_day: Count | None = Field(
        default=None, description="how often a day it may give"
    )
    max_shed_per_day: Millis | None = Field(default=None, description="how long a day it may give")
    remote: Annotated[str, OneOf("remote", "yes", "no")] = Field(
        default="yes", description="no: the cloud may not switch it"
    )
    comes_back: Annotated[str, OneOf("way to come back", "alone", "by_hand")] = Field(
        default="alone", description="by_hand: once taken off, only a person switches it on again"
    )
    driver: Annotated[str, OneOf("driver", "sim")] = Field(
        default="sim", description="what switches it"
    )
    meter: Annotated[str, OneOf("meter", "own", "none")] = Field(
        default="own", description="none: planned on `typical`, and marked as estimated"
    )
    typical: Watts | None = Field(
        default=None,
        description="what it draws as a rule, where nothing reads it; default 70 % of rated",
    )
    stale_after: Millis = Field(default=60_000, description="a reading older than this is none")
    volts: Count = Field(
        default=240, description="what an ampere is worth, to a car's pilot and in `breaker_amps`"
    )
    phases: Count = Field(default=1, description="1 or 3")

    @cached_property
    def kind(self) -> str:
        """The type it behaves as: its own, where that is one of ours."""
        word = self.type.casefold()
        return word if word in DWELL_MS else "other"

    @cached_property
    def locked(self) -> bool:
        """Never shed and never switched from afar: `shed: never`."""
        return self.shed == NEVER

    @cached_property
    def shed_percent(self) -> int:
        """The most this circuit gives, as a share of what it draws; 0 where it gives nothing."""
        return max(0, self.shed) if self.control != "none" else 0

    @property
    def most_w(self) -> int:
        """The most it can give, drawing all that it may."""
        return max(0, min(self.rated * self.shed_percent // 100, self.rated - self.floor))

    @property
    def goes_off(self) -> bool:
        """An event may take it off altogether."""
        whole = self.control == "relay" or self.shed_percent == 100
        return bool(self.shed_percent) and whole and not self.floor

    @cached_property
    def min_on_ms(self) -> int:
        """Brought back by `max_off`, it would be taken off again at once, were there no time on."""
        if self.min_on is not None:
            return self.min_on
        return max(DWELL_MS[self.kind][0], 0 if self.max_off_ms is None else BACK_ON_MS)

    @cached_property
    def min_off_ms(self) -> int:
        return DWELL_MS[self.kind][1] if self.min_off is None else self.min_off

    @cached_property
    def max_off_ms(self) -> int | None:
        return DWELL_MS[self.kind][2] if self.max_off is None else self.max_off

    @property
    def typical_w(self) -> int:
        """What it is taken to draw where nothing measures it, and while no controller runs."""
        return self.rated * 7 // 10 if self.typical is None else self.typical

    @cached_property
    def amp_w(self) -> int:
        """What one ampere is worth, of a car's pilot and of its breaker, in watts."""
        return self.volts * self.phases

    @cached_property
    def running_w(self) -> int:
        """Drawing so much it runs."""
        return max(1, self.rated * RUNS_PERCENT // 100)

    @cached_property
    def idle_w(self) -> int:
        """Drawing no more than this it is off, but for its standby."""
        return self.rated * IDLE_PERCENT // 100

    @cached_property
    def least_running_w(self) -> int:
        """The least that a hold may leave it and it still runs."""
        return LEAST_AMPS * self.amp_w if self.control == "ev_pilot" else self.running_w

    @property
    def amps(self) -> int:
        """What its rated power is in whole amperes: its breaker carries no less."""
        return -(-self.rated // self.amp_w)

    @property
    def switchable_from_afar(self) -> bool:
        return not self.locked and self.remote == "yes"
