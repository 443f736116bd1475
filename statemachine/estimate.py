"""What each circuit would draw if it were let be: the counterfactual every plan is made on.

While a circuit is held nothing new can be learned, so its estimate stays as it was: planning on
what a shed circuit draws makes relays chatter (domain.md: 5,431 switchings in two hours against 5).
"""

from __future__ import annotations

from statistics import median_low

from .frozen import changed
from .live import Live
from .memory import Memory, blank
from .panel import Circuit
from .spec import Spec

SPACING_MS = 10_000
KEPT = 30  # five minutes of readings, one each ten seconds


def read(live: Live, drawn_w: int, mono_ms: int) -> Live:
    """A circuit after one reading, in watts."""
    known = live.read_mono_ms is not None
    if not live.enabled or live.held_w is not None or (known and not live.sure):
        return changed(live, drawn_w=drawn_w, read_mono_ms=mono_ms)
    fresh = live.samples_w and mono_ms - live.sampled_mono_ms < SPACING_MS
    older = live.samples_w[:-1] if fresh else live.samples_w[-KEPT + 1 :]
    samples_w = (*older, drawn_w)
    return changed(
        live,
        drawn_w=drawn_w,
        read_mono_ms=mono_ms,
        samples_w=samples_w,
        sampled_mono_ms=live.sampled_mono_ms if fresh else mono_ms,
        free_w=median_low(samples_w) if drawn_w else 0,
    )


def taken_w(live: Live) -> int:
    """What a circuit, just read, does not draw because it is held, in watts, never below zero.

    One that was given back counts until its driver says that it is free.
    """
    short_w = max(0, live.free_w - (live.drawn_w or 0)) if live.enabled else 0
    if live.held_w is not None or not short_w:
        return short_w
    return 0 if live.sure else min(live.taken_w, short_w)


def assume(circuit: Circuit, live: Live, mono_ms: int) -> Live:
    """A circuit without a meter: it is taken to draw what it does as a rule, unless held."""
    free_w = circuit.typical_w if live.enabled else 0
    held_w = live.held_w if live.hold_fault is None else None  # nobody can say that it obeys
    drawn_w = free_w if held_w is None else min(free_w, held_w)
    return changed(live, drawn_w=drawn_w, read_mono_ms=mono_ms, free_w=circuit.typical_w)


def typical(spec: Spec) -> Memory:
    """A site as its file alone describes it: what is on draws what it does as a rule."""
    first = blank(spec)
    circuits = {id: assume(spec.circuits[id], live, 0) for id, live in first.circuits.items()}
    return changed(first, circuits=circuits, unmetered_w=spec.site.unmetered, read_ms=0)
