"""Which circuits give how much, and why: the one decision all the rest exists to carry out.

Strict tiers: a circuit gives only when all before it have given all. Circuits that can stop at
any watt make this exact; where circuits that give in steps (relays, charging cars) meet the
target, the best sum is found exactly, as a subset sum over a big integer used as a set of bits.
Nobody is asked for less than the tolerance: no lamp goes out for the last 40 of 2,000 W.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

TOLERANCE_PERCENT, TOLERANCE_W = 2, 50


@dataclass(frozen=True, slots=True)
class Load:
    """A circuit as the plan sees it: its tier, what it would draw, and the most it may give.

    `steps`: the watts it can give, rising to `cap_w` (a relay has one); empty: any from 0 to
    `cap_w`. Of one tier the circuit with the lowest `rank` gives first: when it last began to.
    `why_not` says why `cap_w` is 0; `firm` is false where only an average is promised; `stays_on`:
    it may be reduced, and not taken off.
    """

    circuit: str
    tier: tuple[bool, int]
    load_w: int
    cap_w: int
    steps: tuple[int, ...] = ()
    rank: int = 0
    why_not: str = ""
    firm: bool = True
    estimated: bool = False
    stays_on: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Watts taken from each circuit that gives, in shed order, and the reason for every one."""

    target_w: int
    cuts: Mapping[str, int]
    reasons: Mapping[str, str]

    @property
    def total_w(self) -> int:
        return sum(self.cuts.values())


def tolerance_w(target_w: int, policy: str = "at_least") -> int:
    """By how much a plan may miss its target so as to ask nobody for so little (domain.md, P5).

    The other policies say themselves how near they come.
    """
    if policy != "at_least":
        return 0
    return min(max(0, target_w) * TOLERANCE_PERCENT // 100, TOLERANCE_W)


def relay(load: Load) -> Load:
    """The same load behind a contactor: it gives nothing or all of `cap_w`."""
    return replace(load, steps=(load.cap_w,) if load.cap_w else ())


def plan_shed(
    loads: Sequence[Load],
    target_w: int,
    in_force: Mapping[str, int],
    policy: str = "at_least",
) -> Plan:
    """Who gives how much, and for every circuit why or why not.

    `at_least`: the sum is at least `target_w` less its tolerance, or all there is to give, and
    overshoots least; what can stop at any watt fills up to the target. `at_most`: it stays below
    and comes closest; `closest`: whichever is nearer, in doubt the greater. With circuits that
    stop at any watt all three meet the target. Of choices that do equally well the one in force
    stays; in its order, so that planning again changes nothing.
    """
    places = {id: place for place, id in enumerate(in_force)}
    ordered = sorted(
        loads,
        key=lambda x: (x.tier, places.get(x.circuit, len(places)), x.rank, x.circuit),
    )
    cuts: dict[str, int] = {}
    left_w, slack_w = target_w, tolerance_w(target_w, policy)
    for _, group in groupby(ordered, key=lambda load: load.tier):
        if left_w <= slack_w:
            break
        tier = [load for load in group if load.cap_w > 0]
        if sum(load.cap_w for load in tier) > left_w - slack_w:
            cuts |= _marginal(tier, left_w, slack_w, in_force, policy)
            break
        cuts |= {load.circuit: load.cap_w for load in tier}
        left_w -= sum(load.cap_w for load in tier)
    return Plan(target_w, cuts, reasons(ordered, cuts))


def reasons(loads: Iterable[Load], cuts: Mapping[str, int]) -> dict[str, str]:
    """For every circuit, in words, why it gives what it gives."""
    return {load.circuit: _reason(load, cuts.get(load.circuit, 0)) for load in loads}


def in_turn(loads: Iterable[Load], ask_w: int) -> dict[str, int]:
    """Cuts, in the order given, until `ask_w` is met or no load has more to give."""
    cuts: dict[str, int] = {}
    for load in loads:
        if (cut_w := min(load.cap_w, ask_w)) > 0:
            cuts[load.circuit] = cut_w
            ask_w -= cut_w
    return cuts


def _marginal(
    tier: Sequence[Load], ask_w: int, slack_w: int, in_force: Mapping[str, int], policy: str
) -> dict[str, int]:
    """The tier that has more than is asked: steps by the best sum, the rest in turn.

    Steps may miss it by `slack_w`; what can stop at any watt fills up.
    """
    smooth = [load for load in tier if not load.steps]
    stepped = [load for load in tier if load.steps]
    smooth_w = sum(load.cap_w for load in smooth)
    chosen = _stepped(stepped, ask_w - slack_w, smooth_w, in_force, policy) if stepped else {}
    given = chosen | in_turn(smooth, ask_w - sum(chosen.values()))
    return {load.circuit: given[load.circuit] for load in tier if load.circuit in given}


def _stepped(
    loads: Sequence[Load], ask_w: int, smooth_w: int, in_force: Mapping[str, int], policy: str
) -> dict[str, int]:
    """The cuts whose sum, filled up by `smooth_w`, serves `policy` best; early loads give first."""
    within = (1 << (ask_w + max(load.cap_w for load in loads) + 1)) - 1
    sums = [1]  # bit n of sums[-k]: the last k loads can give n watts together
    for load in reversed(loads):
        reach = sums[-1]
        for step_w in load.steps:
            reach |= sums[-1] << step_w
        sums.append(reach & within)
    wanted_w = _best(sums.pop(), ask_w, smooth_w, policy)
    chosen: dict[str, int] = {}
    for load in loads:
        rest = sums.pop()
        step_w = next(
            step_w for step_w in _wished(load, in_force) if _fits(rest, wanted_w - step_w)
        )
        if step_w:
            chosen[load.circuit] = step_w
            wanted_w -= step_w
    return chosen


def _wished(load: Load, in_force: Mapping[str, int]) -> Iterator[int]:
    """The cuts to try for a load: the one in force, then the largest, last none at all."""
    if in_force.get(load.circuit) in load.steps:
        yield in_force[load.circuit]
    yield from reversed(load.steps)
    yield 0


def _fits(reachable: int, watts: int) -> bool:
    return watts >= 0 and bool(reachable >> watts & 1)


def _best(reachable: int, ask_w: int, smooth_w: int, policy: str) -> int:
    """Which reachable sum of steps to take, where `smooth_w` more can be had watt by watt.

    The least that does: what can stop at any watt moves before a contactor.
    """
    least_w = max(0, ask_w - smooth_w)
    window = (reachable >> least_w) & ((1 << (ask_w - least_w + 1)) - 1)
    if window:
        return least_w + (window & -window).bit_length() - 1
    below_w = (reachable & ((1 << least_w) - 1)).bit_length() - 1
    above = reachable >> ask_w
    above_w = ask_w + (above & -above).bit_length() - 1
    nearer_below = ask_w - (below_w + smooth_w) < above_w - ask_w
    if policy == "at_most" or (policy == "closest" and nearer_below):
        return below_w
    return above_w


def _reason(load: Load, cut_w: int) -> str:
    if not cut_w:
        return load.why_not or "not needed"
    said = f"sheds {cut_w / 1000:.2f} kW"
    said += ", all it can" if cut_w == load.cap_w else ", the rest of the target"
    said += "" if load.firm else "; an average over its duty cycle"
    return said + ("; estimated, because it has no meter" if load.estimated else "")
