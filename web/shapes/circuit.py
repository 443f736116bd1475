"""A circuit, as the API answers it."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypeAliasType, TypedDict

from statemachine.returns.forecast import WAYS

from .base import shape, words
from .device import DeviceBody

Back = TypeAliasType("Back", Annotated[str, words(*WAYS)])
ComesBack = TypeAliasType("ComesBack", Annotated[str, words("alone", "by_hand")])
Control = TypeAliasType(
    "Control",
    Annotated[str, words("modulating", "relay", "ev_pilot", "duty_cycle", "none")],
)


@shape
class ReturnBody(TypedDict):
    """How a curtailed circuit returns."""

    back_how: Back | None
    """What its return waits for; null if it is not curtailed."""
    back_at: float | None
    """When it has returned completely; null if unknown."""


@shape
class ProtectionBody(TypedDict):
    """Limits on how often and how long a circuit is curtailed, and today's use of them."""

    rests_until: float | None
    """Until when it must stay off."""
    runs_until: float | None
    """Until when it must stay on."""
    dwell_left_s: float
    """Seconds until it may be switched again."""
    sheds_today: int
    """How many times it was curtailed today."""
    max_sheds_per_day: int | None
    """How many times a day it may be curtailed; null: no limit."""
    shed_today_s: float
    """Seconds it was curtailed today."""
    max_shed_per_day_s: float | None
    """Seconds a day it may be curtailed; null: no limit."""


@shape
class CircuitBody(ReturnBody, ProtectionBody):
    """One circuit of the panel: what it is, what it draws, what it sheds and why."""

    id: str
    """Its id in ven.yaml."""
    name: str
    """Its name for people."""
    type: str
    """The kind of load, as ven.yaml says it."""
    critical: bool
    """It is curtailed only after every circuit that is not critical."""
    enabled: bool
    """It is switched on."""
    rated_kw: float
    """The most it draws."""
    power_kw: float | None
    """What it draws now."""
    free_kw: float | None
    """What it would draw without curtailment."""
    shed_kw: float
    """How much less than that it draws."""
    held_kw: float | None
    """The power it is held at or below; null: it is not held."""
    planned_kw: float
    """What it sheds by the plan in force."""
    order: int | None
    """Its place in the shed order, 1 first; null: it is never shed."""
    limit_percent: int | None
    """The most it sheds, in percent of what it draws; null: it is never shed."""
    control: Control
    """How finely its power can be set."""
    driver: str
    """What switches it: the kind of its device, or sim."""
    device: DeviceBody | None
    """The device that switches or measures it; null: it is simulated."""
    simulated: bool
    """It is not real: no device switches or measures it."""
    metered: bool
    """A meter shows what it draws."""
    remote: bool
    """The cloud may switch it."""
    locked: bool
    """ven.yaml says `shed: never`: it cannot be switched from here."""
    reason: str
    """Why it sheds what it sheds, in words."""
    fault: str | None
    """What is wrong with its device, in words."""
    ails: str | None
    """What is wrong with it or with its readings, in words."""
    read_at: float | None
    """When it was last read."""
    switched_by: str | None
    """Who last switched it: page, cli, operator, cloud or event."""
    switched_at: float | None
    """When that was."""
    locked_by: str | None
    """Who at the site locked it out; null: nobody."""
    locked_at: float | None
    """When that was."""
    comes_back: ComesBack
    """by_hand: once taken off, only a person switches it on again."""
    opted_out: bool
    """The occupant keeps it out of a live event."""


@shape
class CircuitDoneBody(CircuitBody):
    """A circuit after it was switched or locked."""

    stored: NotRequired[bool]
    """false: done, but not stored on disk, so a crash may forget it."""


@shape
class CircuitsBody(TypedDict):
    """All circuits."""

    circuits: list[CircuitBody]
    """In shed order."""
