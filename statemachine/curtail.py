"""Which circuits give how much, and why: the one decision all the rest exists to carry out.

Strict tiers: a circuit gives only when all before it have given all. Circuits that can stop at
any watt make this exact; where relays meet the target, the least overshoot is found exactly, as
a subset sum over a big integer used as a set of bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from .memory import Memory
from .spec import Spec


@dataclass(frozen=True, slots=True)
class Load:
    """A circuit as the plan sees it: its tier, what it would draw, and the most it may give.

    `relay`: it gives nothing or all of `cap_w`. `why_not` says why `cap_w` is 0.
    """

    circuit: str
    tier: tuple[bool, int]
    load_w: int
    cap_w: int
    relay: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Watts taken from each circuit that gives, in shed order, and the reason for every one."""

    target_w: int
    cuts: Mapping[str, int]
    reasons: Mapping[str, str]

    @property
    def total_w(self) -> int:
        return sum(self.cuts.values())


def plan_shed(loads: Sequence[Load], target_w: int, in_force: Mapping[str, int]) -> Plan:
    """Who gives how much, and for every circuit why or why not.

    The sum is at least `target_w`, or all there is to give. With modulating circuits only it is
    exactly the smaller of the two. Among relays that do equally well, those in force stay.
    """
    cuts: dict[str, int] = {}
    left_w = target_w
    ordered = sorted(loads, key=lambda load: (load.tier, load.circuit))
    for _, group in groupby(ordered, key=lambda load: load.tier):
        if left_w <= 0:
            break
        tier = [load for load in group if load.cap_w > 0]
        if sum(load.cap_w for load in tier) <= left_w:
            given = {load.circuit: load.cap_w for load in tier}
        else:
            given = _marginal(tier, left_w, in_force)
        cuts |= given
        left_w -= sum(given.values())
    return Plan(target_w, cuts, {load.circuit: _reason(load, cuts) for load in ordered})


def loads(spec: Spec, memory: Memory) -> list[Load]:
    """Every circuit of a site in shed order, as the plan sees it now."""
    places = {id: place for place, id in enumerate(spec.circuits, start=1)}
    return [_load(spec, memory, id, places[id]) for id in spec.shed_order()]


def _load(spec: Spec, memory: Memory, id: str, place: int) -> Load:
    circuit, live = spec.circuits[id], memory.circuits[id]
    tier = (circuit.critical, place if circuit.priority is None else circuit.priority)
    load_w = live.free_w if live.enabled else 0
    why_not = (
        "never shed"
        if circuit.locked
        else "not declared to be shed"
        if not circuit.shed_percent
        else "locked by a person"
        if live.locked_by
        else "switched off"
        if not live.enabled
        else "no reading yet"
        if live.drawn_w is None
        else "draws nothing"
        if not load_w
        else ""
    )
    cap_w = 0 if why_not else min(load_w * circuit.shed_percent // 100, load_w - circuit.floor)
    if not why_not and cap_w <= 0:
        why_not = f"is at its floor of {circuit.floor / 1000:.2f} kW"
    return Load(id, tier, load_w, max(0, cap_w), circuit.control == "relay", why_not)


def _marginal(tier: Sequence[Load], ask_w: int, in_force: Mapping[str, int]) -> dict[str, int]:
    """The tier that has more than is asked: relays by the least overshoot, the rest in turn."""
    smooth = [load for load in tier if not load.relay]
    relays = sorted((load for load in tier if load.relay), key=lambda x: x.circuit not in in_force)
    chosen = _relays(relays, ask_w, sum(load.cap_w for load in smooth)) if relays else {}
    return chosen | in_turn(smooth, ask_w - sum(chosen.values()))


def in_turn(loads: Iterable[Load], ask_w: int) -> dict[str, int]:
    """Cuts, in the order given, until `ask_w` is met or no load has more to give."""
    cuts: dict[str, int] = {}
    for load in loads:
        if (cut_w := min(load.cap_w, ask_w)) > 0:
            cuts[load.circuit] = cut_w
            ask_w -= cut_w
    return cuts


def _relays(relays: Sequence[Load], ask_w: int, smooth_w: int) -> dict[str, int]:
    """Relays whose sum, filled up by `smooth_w`, overshoots `ask_w` least; early ones stay."""
    most_w = ask_w + max(load.cap_w for load in relays)
    within = (1 << (most_w + 1)) - 1
    sums = [1]
    for load in reversed(relays):
        sums.append((sums[-1] | sums[-1] << load.cap_w) & within)
    sums.reverse()
    wanted_w = _best(sums[0], ask_w, smooth_w)
    chosen: dict[str, int] = {}
    for load, rest in zip(relays, sums[1:], strict=True):
        after_w = wanted_w - load.cap_w
        if after_w >= 0 and rest >> after_w & 1:
            chosen[load.circuit] = load.cap_w
            wanted_w = after_w
    return chosen


def _best(reachable: int, ask_w: int, smooth_w: int) -> int:
    least_w = max(0, ask_w - smooth_w)
    window = (reachable >> least_w) & ((1 << (ask_w - least_w + 1)) - 1)
    if window:
        return least_w + window.bit_length() - 1
    above = reachable >> ask_w
    return ask_w + (above & -above).bit_length() - 1


def _reason(load: Load, cuts: Mapping[str, int]) -> str:
    cut_w = cuts.get(load.circuit, 0)
    if not cut_w:
        return load.why_not or "not needed"
    kw = f"gives {cut_w / 1000:.2f} kW"
    return f"{kw}, all it may" if cut_w == load.cap_w else f"{kw}, the rest of what is asked"
