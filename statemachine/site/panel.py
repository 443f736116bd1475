"""One circuit of the panel, as ven.yaml declares it, and the defaults of its type."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Annotated

from pydantic import Field

from ..device.declaration import SIM, DeviceDeclaration, device_of
from ..kit.quantity import Millis, Watts
from .devices import DriverText, MeterText
from .fields import NEVER, Count, Flag, Model, Name, OneOf, Share, Word

MINUTE_MS = 60_000
RUNS_PERCENT, IDLE_PERCENT = 5, 1
LEAST_AMPS = 6  # SAE J1772, IEC 61851: a charging car draws at least this

# type: (min_on, min_off, max_off). Compressor makers ask for 2.5 to 3 min of rest; a fridge stays
# cold for half an hour.
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
_KNOWN = ", ".join(DWELL_MS)
# Settings without effect if a circuit is never shed.
SHEDDING = ("priority", "floor", "max_off", "min_release", "max_events_per_day", "max_shed_per_day")
Tier = tuple[bool, int]  # critical or not, then priority: the lower one gives first
Control = Annotated[str, OneOf("control", "modulating", "relay", "ev_pilot", "duty_cycle", "none")]


class Circuit(Model):
    """One circuit of the panel. `shed` is the most it sheds, as a share of what it draws."""

    name: Name | None = Field(default=None, description="name shown to people; default: the id")
    type: Word = Field(
        default="other",
        description=f"kind of load, any word; these have default dwell times: {_KNOWN}",
    )
    rated: Watts = Field(description="the most it can draw")
    critical: Flag = Field(
        default=False, description="shed only after all other circuits have shed all they can"
    )
    priority: Count | None = Field(
        default=None,
        description="lower sheds first; equal ones take turns; default: the position in the file",
    )
    enabled: Flag = Field(
        default=True, description="switched on or off when the site starts for the first time"
    )
    control: Control = Field(default="modulating", description="how its power can be set")
    shed: Share = Field(
        default=0,
        description="the most it sheds of what it draws; never: it cannot be switched either",
    )
    floor: Watts = Field(default=0, description="an event leaves it at least this power")
    min_on: Millis | None = Field(
        default=None,
        description="minimum time on, before an event can switch it off; default by type",
    )
    min_off: Millis | None = Field(default=None, description="minimum time off; default by type")
    max_off: Millis | None = Field(
        default=None, description="maximum time that an event keeps it off; default by type"
    )
    min_release: Millis = Field(default=0, description="minimum time between two times it sheds")
    max_events_per_day: Count | None = Field(
        default=None, description="how often it can shed in a day"
    )
    max_shed_per_day: Millis | None = Field(
        default=None, description="how long it can shed in a day, in all"
    )
    remote: Annotated[str, OneOf("remote", "yes", "no")] = Field(
        default="yes", description="no: the cloud cannot switch it"
    )
    comes_back: Annotated[str, OneOf("comes_back", "alone", "by_hand")] = Field(
        default="alone",
        description="by_hand: once an event switched it off, only a person switches it on again",
    )
    driver: DriverText = Field(
        default="sim",
        description="what switches and reads it: a device, by its name, or the simulation",
    )
    meter: MeterText = Field(
        default="own",
        description="own: that of its device; another device; none: it is planned with `typical` "
        "and marked as estimated",
    )
    typical: Watts | None = Field(
        default=None,
        description="what it usually draws, used without a reading; default: 70 % of rated",
    )
    stale_after: Millis = Field(default=60_000, description="readings older than this are ignored")
    volts: Count = Field(
        default=240, description="converts amperes to watts, for ev_pilot and `breaker_amps`"
    )
    phases: Count = Field(default=1, description="1 or 3; converts amperes to watts, with `volts`")

    @cached_property
    def kind(self) -> str:
        """The known type it is treated as: its own, or `other`."""
        word = self.type.casefold()
        return word if word in DWELL_MS else "other"

    @cached_property
    def device(self) -> DeviceDeclaration | None:
        """What switches it; None: the simulation."""
        return device_of(self.driver)

    @cached_property
    def measured_by(self) -> DeviceDeclaration | None:
        """The device that measures it; None: the simulation, or nothing."""
        return self.device if self.meter == "own" else device_of(self.meter)

    @property
    def metered(self) -> bool:
        """Whether anything measures it."""
        return self.meter != "none"

    @property
    def simulated(self) -> bool:
        """Whether it is not real: no device switches or measures it."""
        return self.driver == SIM and self.measured_by is None

    @property
    def kept_driver(self) -> str:
        """What its driver is remembered as, to give it back once it has left the file."""
        device = device_of(self.driver)
        if device is None:
            return self.driver
        return replace(device, load=(self.control, self.amp_w, self.rated)).text

    @cached_property
    def locked(self) -> bool:
        """`shed: never`: it is never shed and cannot be switched remotely."""
        return self.shed == NEVER

    @cached_property
    def shed_percent(self) -> int:
        """The most this circuit sheds, in percent of what it draws; 0 if it sheds nothing."""
        return max(0, self.shed) if self.control != "none" else 0

    @property
    def most_w(self) -> int:
        """The most it can shed while it draws its rated power, in watts."""
        return max(0, min(self.rated * self.shed_percent // 100, self.rated - self.floor))

    @property
    def goes_off(self) -> bool:
        """Whether an event can switch it off."""
        whole = self.control == "relay" or self.shed_percent == 100
        return bool(self.shed_percent) and whole and not self.floor

    @cached_property
    def min_on_ms(self) -> int:
        """With a `max_off` there is a minimum, or the event would switch it off again at once."""
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
        """What it is assumed to draw without a reading, in watts."""
        return self.rated * 7 // 10 if self.typical is None else self.typical

    @cached_property
    def amp_w(self) -> int:
        """One ampere of this circuit in watts."""
        return self.volts * self.phases

    @cached_property
    def running_w(self) -> int:
        """It counts as running from this power, in watts."""
        return max(1, self.rated * RUNS_PERCENT // 100)

    @cached_property
    def idle_w(self) -> int:
        """It counts as off up to this power, in watts: its standby."""
        return self.rated * IDLE_PERCENT // 100

    @cached_property
    def least_running_w(self) -> int:
        """The lowest hold with which it still runs, in watts."""
        return LEAST_AMPS * self.amp_w if self.control == "ev_pilot" else self.running_w

    @property
    def amps(self) -> int:
        """Its rated power in amperes, rounded up."""
        return -(-self.rated // self.amp_w)

    @property
    def switchable_from_afar(self) -> bool:
        return not self.locked and self.remote == "yes"
