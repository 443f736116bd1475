"""Generates situations for the rules: random panels, and the panel of a ven.yaml at any moment.

The result depends only on the dice, as in `generate_days.py`.
"""

from __future__ import annotations

from dataclasses import replace

from ...curtail.plan import Load
from ...decide.ven import Ven
from ...site.panel import LEAST_AMPS
from ...site.spec import Spec
from ...state.circuit import CircuitState
from ...state.memory import Memory, initial_memory
from ...state.triggers import Readings
from ..rules.properties import Trial, capacity_w
from .generate_days import RandomSource

AMP_W = 24


def generate_loads(dice: RandomSource, most: int) -> tuple[Load, ...]:
    """Up to `most` loads in four tiers, relays and charging cars among them, some idle."""
    return tuple(_invent_load(dice, f"c{index}") for index in range(dice.randint(0, most)))


def generate_trial(dice: RandomSource, loads: tuple[Load, ...]) -> Trial:
    """A trial over `loads`, with a target from nothing to more than there is."""
    most_w = capacity_w(loads) * 5 // 4 + 10
    places = {load.circuit: dice.randint(0, 99) for load in loads}
    in_force = {load.circuit: load.cap_w for load in loads if load.cap_w and dice.randint(0, 1)}
    return Trial(
        loads,
        tuple(sorted(loads, key=lambda load: places[load.circuit])),
        dice.randint(0, most_w),
        dice.randint(0, most_w),
        in_force,
        dice.choice(("at_least", "at_least", "closest", "at_most")),
    )


def generate_memory(dice: RandomSource, spec: Spec) -> Memory:
    """A site without an event: every circuit on or off, drawing up to its rating."""
    lives, drawn_w = {}, {}
    for id, circuit in spec.circuits.items():
        lives[id] = CircuitState(enabled=bool(dice.randint(0, 3)))
        if dice.randint(0, 9):
            drawn_w[id] = dice.randint(0, circuit.rated) if lives[id].enabled else 0
    start = replace(initial_memory(spec), circuits=lives)
    readings = Readings(at_ms=0, mono_ms=0, drawn_w=drawn_w, unmetered_w=spec.site.unmetered)
    return Ven(spec).decide(start, readings)[0]


def _invent_load(dice: RandomSource, id: str) -> Load:
    load_w = dice.randint(0, 400)
    cap_w = dice.randint(0, load_w)
    tier = (bool(dice.randint(0, 1)), dice.randint(0, 1))
    kind, rank = dice.choice(("any", "any", "relay", "pilot")), dice.randint(0, 3)
    if kind == "any":
        return Load(id, tier, load_w, cap_w, rank=rank)
    amps = range(LEAST_AMPS, load_w // AMP_W + 1) if kind == "pilot" else ()
    cuts = {load_w - amp * AMP_W for amp in amps} | {cap_w if kind == "relay" else load_w}
    steps = tuple(sorted(cut_w for cut_w in cuts if 0 < cut_w <= cap_w))
    return Load(id, tier, load_w, max(steps, default=0), steps, rank)
