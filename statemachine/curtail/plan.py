"""The plan: which circuits shed how much, and why. Everything else serves to carry it out.

Tiers are strict: a circuit sheds only when all before it shed all they can. Circuits that can stop
at any watt meet the target exactly. Of circuits with steps (relays, charging cars) the best sum is
found exactly, as a subset sum with a big integer as a set of bits. No circuit sheds for less than
the tolerance: no lamp goes out for the last 40 W of 2,000 W.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

TOLERANCE_PERCENT, TOLERANCE_W = 2, 50


class Load(NamedTuple):
    """A circuit as the plan sees it: its tier, what it would draw, and the most it can shed.

    `steps`: the watts it can shed, rising to `cap_w` (a relay has one); empty: any from 0 to
    `cap_w`. In a tier the circuit with the lowest `rank`, the time it last started to shed, sheds
    first. `why_not`: why `cap_w` is 0. `firm` false: the cut is only an average. `stays_on`: it can
    be reduced, but not switched off.
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
    """The watts that each circuit sheds, in shed order, and the reason for every circuit."""

    target_w: int
    cuts: Mapping[str, int]
    reasons: Mapping[str, str]

    @property
    def total_w(self) -> int:
        return sum(self.cuts.values())


def tolerance_w(target_w: int, policy: str = "at_least") -> int:
    """By how much a plan may miss its target, so that no circuit sheds so little (domain.md, P5).

    The other policies define by themselves how near they come.
    """
    if policy != "at_least":
        return 0
    return min(max(0, target_w) * TOLERANCE_PERCENT // 100, TOLERANCE_W)


def as_relay(load: Load) -> Load:
    """The same load with a relay: it sheds nothing or all of `cap_w`."""
    return load._replace(steps=(load.cap_w,) if load.cap_w else ())


def plan_shed(
    loads: Sequence[Load],
    target_w: int,
    in_force: Mapping[str, int],
    policy: str = "at_least",
) -> Plan:
    """Which circuits shed how much, and the reason for every circuit.

    `at_least`: the smallest sum of at least `target_w` less its tolerance, or all there is;
    circuits that can stop at any watt fill up to the target. `at_most`: the closest sum that is not
    above. `closest`: the nearest sum, of two equally near the greater. With circuits that can stop
    at any watt all three meet the target. Of equally good choices the one in force stays, in its
    order, so that planning again changes nothing.
    """
    ordered = _in_plan_order(loads, in_force)
    cuts = _cuts(ordered, target_w, in_force, policy)
    return Plan(target_w, cuts, reasons(ordered, cuts))


def plan_cuts(
    loads: Sequence[Load], target_w: int, in_force: Mapping[str, int], policy: str
) -> dict[str, int]:
    """The watts of `plan_shed` without the reasons, which a decision does not need."""
    return _cuts(_in_plan_order(loads, in_force), target_w, in_force, policy)


def _cuts(
    ordered: Sequence[Load], target_w: int, in_force: Mapping[str, int], policy: str
) -> dict[str, int]:
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
    return cuts


def _in_plan_order(loads: Iterable[Load], in_force: Mapping[str, int]) -> list[Load]:
    """By tier; within one those of the plan in force, in its order, come first."""
    positions = {id: position for position, id in enumerate(in_force)}
    return sorted(
        loads,
        key=lambda x: (x.tier, positions.get(x.circuit, len(positions)), x.rank, x.circuit),
    )


def reasons(loads: Iterable[Load], cuts: Mapping[str, int]) -> dict[str, str]:
    """For every circuit, in words, why it sheds what it sheds."""
    return {load.circuit: _reason(load, cuts.get(load.circuit, 0)) for load in loads}


def cuts_in_order(loads: Iterable[Load], ask_w: int) -> dict[str, int]:
    """Cuts in the given order, until `ask_w` is met or no load can shed more."""
    cuts: dict[str, int] = {}
    for load in loads:
        if (cut_w := min(load.cap_w, ask_w)) > 0:
            cuts[load.circuit] = cut_w
            ask_w -= cut_w
    return cuts


def _marginal(
    tier: Sequence[Load], ask_w: int, slack_w: int, in_force: Mapping[str, int], policy: str
) -> dict[str, int]:
    """The cuts of a tier that has more than needed: steps by the best sum, the rest in order.

    Steps may miss the target by `slack_w`; circuits that can stop at any watt fill up.
    """
    smooth = [load for load in tier if not load.steps]
    stepped = [load for load in tier if load.steps]
    smooth_w = sum(load.cap_w for load in smooth)
    chosen = _stepped(stepped, ask_w - slack_w, smooth_w, in_force, policy) if stepped else {}
    given = chosen | cuts_in_order(smooth, ask_w - sum(chosen.values()))
    return {load.circuit: given[load.circuit] for load in tier if load.circuit in given}


def _stepped(
    loads: Sequence[Load], ask_w: int, smooth_w: int, in_force: Mapping[str, int], policy: str
) -> dict[str, int]:
    """The cuts whose sum, filled up by `smooth_w`, fits `policy` best; early loads shed first."""
    within = (1 << (ask_w + max(load.cap_w for load in loads) + 1)) - 1
    sums = [1]  # bit n of sums[-k]: the last k loads can shed n watts together
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
    """Which reachable sum of steps to take, if `smooth_w` more can be shed watt by watt.

    The smallest that is enough, so that circuits that can stop at any watt move before relays.
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
    sentence = f"sheds {cut_w / 1000:.2f} kW"
    sentence += ", all it can" if cut_w == load.cap_w else ", the rest of the target"
    sentence += "" if load.firm else "; an average over its duty cycle"
    return sentence + ("; estimated, because it has no meter" if load.estimated else "")
