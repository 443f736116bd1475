"""Situations to try the rules in: invented panels, and the panel of a ven.yaml at any moment."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from .curtail import Load
from .memory import Live, Memory, blank
from .panel import LEAST_AMPS
from .properties import Trial, capacity_w
from .spec import Spec
from .triggers import Readings
from .ven import Ven

AMP_W = 24


@st.composite
def any_loads(draw: st.DrawFn, most: int) -> tuple[Load, ...]:
    """Up to `most` loads in four tiers, relays and charging cars among them, some idle."""
    out = []
    for place in range(draw(st.integers(0, most))):
        load_w = draw(st.integers(0, 400))
        cap_w = draw(st.integers(0, load_w))
        tier = (draw(st.booleans()), draw(st.integers(0, 1)))
        steps = draw(st.sampled_from(["any", "any", "relay", "pilot"]))
        out.append(_load(f"c{place}", tier, load_w, cap_w, steps, draw(st.integers(0, 3))))
    return tuple(out)


@st.composite
def trials_of(draw: st.DrawFn, loads: st.SearchStrategy[tuple[Load, ...]]) -> Trial:
    """A trial over `loads`, with a target from nothing to more than there is."""
    every = draw(loads)
    most_w = capacity_w(every) * 5 // 4 + 10
    in_force = {x.circuit: x.cap_w for x in every if x.cap_w and draw(st.booleans())}
    return Trial(
        every,
        tuple(draw(st.permutations(every))),
        draw(st.integers(0, most_w)),
        draw(st.integers(0, most_w)),
        in_force,
        draw(st.sampled_from(["at_least", "at_least", "closest", "at_most"])),
    )


def _load(id: str, tier: tuple[bool, int], load_w: int, cap_w: int, kind: str, rank: int) -> Load:
    if kind == "any":
        return Load(id, tier, load_w, cap_w, rank=rank)
    amps = range(LEAST_AMPS, load_w // AMP_W + 1) if kind == "pilot" else ()
    cuts = {load_w - amp * AMP_W for amp in amps} | {cap_w if kind == "relay" else load_w}
    steps = tuple(sorted(cut_w for cut_w in cuts if 0 < cut_w <= cap_w))
    return Load(id, tier, load_w, max(steps, default=0), steps, rank)


@st.composite
def memories(draw: st.DrawFn, spec: Spec) -> Memory:
    """A site at a moment without an event: every circuit on or off, drawing up to its rating."""
    lives, drawn_w = {}, {}
    for id, circuit in spec.circuits.items():
        lives[id] = Live(enabled=draw(st.booleans()) or draw(st.booleans()))
        if draw(st.integers(0, 9)):
            drawn_w[id] = draw(st.integers(0, circuit.rated)) if lives[id].enabled else 0
    start = replace(blank(spec), circuits=lives)
    said = Readings(at_ms=0, mono_ms=0, drawn_w=drawn_w, unmetered_w=spec.site.unmetered)
    return Ven(spec).decide(start, said)[0]
