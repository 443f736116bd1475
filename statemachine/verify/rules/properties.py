"""Rules P1 to P19 for every plan of the planner.

Each rule gets one trial and returns a sentence if the trial breaks it. The tests run them over
generated panels, `venctl verify` over the panel of a ven.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ...curtail.capacity import loads
from ...curtail.plan import Load, Plan, cuts_in_order, plan_shed, tolerance_w
from ...site.panel import Circuit
from ...site.spec import Spec
from ...state.memory import Memory

MOST_STEPPED = 12


@dataclass(frozen=True, slots=True)
class Trial:
    """One input of the planner: loads, a target in watts, and the cuts in force.

    `shuffled` are the same loads in another order; `more_w` is added to the target once.
    """

    loads: tuple[Load, ...]
    shuffled: tuple[Load, ...]
    target_w: int
    more_w: int
    in_force: Mapping[str, int]
    policy: str = "at_least"

    def plan(self) -> Plan:
        """The plan for this trial."""
        return self.asking(self.target_w)

    def asking(self, target_w: int) -> Plan:
        """The plan for another target, in watts."""
        return plan_shed(self.loads, target_w, self.in_force, self.policy)


Rule = Callable[[Trial, Plan], str | None]
RULES: dict[str, Rule] = {}


def rule(number: str) -> Callable[[Rule], Rule]:
    """Register a rule under its number."""

    def enter(function: Rule) -> Rule:
        RULES[number] = function
        return function

    return enter


@rule("P1")
def no_circuit_sheds_more_than_its_limit(trial: Trial, plan: Plan) -> str | None:
    caps = {load.circuit: load.cap_w for load in trial.loads}
    for id, cut_w in plan.cuts.items():
        if type(cut_w) is not int or not 0 < cut_w <= caps.get(id, 0):
            return f"{id} sheds {cut_w} W; its limit is {caps.get(id, 0)} W"
    return None


@rule("P4")
def circuits_with_steps_shed_a_step(trial: Trial, plan: Plan) -> str | None:
    for load in trial.loads:
        cut_w = plan.cuts.get(load.circuit, 0)
        if load.steps and cut_w not in (0, *load.steps):
            return f"{load.circuit} sheds {cut_w} W, which is not one of its steps"
    return None


@rule("P5")
def the_target_is_met_or_everything_is_shed(trial: Trial, plan: Plan) -> str | None:
    if trial.policy != "at_least":
        over = trial.policy == "at_most" and plan.total_w > trial.target_w
        return f"{plan.total_w} W is more than the target of {trial.target_w} W" if over else None
    least_w = min(trial.target_w - tolerance_w(trial.target_w), capacity_w(trial.loads))
    return None if plan.total_w >= least_w else f"{plan.total_w} W instead of {least_w} W"


@rule("P6")
def with_a_target_of_0_nothing_is_shed(trial: Trial, plan: Plan) -> str | None:
    given_w = trial.asking(0).total_w
    return f"{given_w} W for a target of 0 W" if given_w else None


@rule("P7")
def no_other_choice_meets_the_target_better(trial: Trial, plan: Plan) -> str | None:
    best_w = best_total_w(trial.loads, trial.target_w, trial.policy)
    wrong = best_w is not None and plan.total_w != best_w
    return f"the plan sheds {plan.total_w} W; the best one sheds {best_w} W" if wrong else None


@rule("P8")
def a_circuit_sheds_only_when_all_before_it_shed_all(trial: Trial, plan: Plan) -> str | None:
    for late in trial.loads:
        for early in trial.loads:
            full = plan.cuts.get(early.circuit, 0) == early.cap_w
            if plan.cuts.get(late.circuit) and early.tier < late.tier and not full:
                return f"{late.circuit} sheds although {early.circuit} can shed more"
    return None


@rule("P9")
def the_order_of_the_list_does_not_matter(trial: Trial, plan: Plan) -> str | None:
    other = plan_shed(trial.shuffled, trial.target_w, trial.in_force, trial.policy)
    same = other.cuts == plan.cuts
    return None if same else f"{dict(plan.cuts)} or, in another order, {dict(other.cuts)}"


@rule("P10")
def planning_again_changes_nothing(trial: Trial, plan: Plan) -> str | None:
    again = plan_shed(trial.loads, trial.target_w, plan.cuts, trial.policy)
    return None if again.cuts == plan.cuts else f"{dict(plan.cuts)}, and again {dict(again.cuts)}"


@rule("P11")
def a_higher_target_never_sheds_less(trial: Trial, plan: Plan) -> str | None:
    more = trial.asking(trial.target_w + trial.more_w)
    fell = more.total_w < plan.total_w
    return f"with {trial.more_w} W more as target only {more.total_w} W are shed" if fell else None


@rule("P13")
def smooth_circuits_shed_one_after_another(trial: Trial, plan: Plan) -> str | None:
    smooth = [load._replace(steps=()) for load in trial.loads]
    smooth.sort(key=lambda load: (load.tier, load.rank, load.circuit))
    cuts = plan_shed(smooth, trial.target_w, {}, trial.policy).cuts
    simple: dict[str, int] = {}
    left_w = trial.target_w
    for _, tier in groupby(smooth, key=lambda load: load.tier):
        if left_w > tolerance_w(trial.target_w, trial.policy):
            simple |= cuts_in_order(tier, left_w)
            left_w = trial.target_w - sum(simple.values())
    return None if cuts == simple else f"{dict(cuts)} instead of {simple}"


@rule("P14")
def no_step_is_taken_that_is_not_needed(trial: Trial, plan: Plan) -> str | None:
    last = max((load.tier for load in trial.loads if load.circuit in plan.cuts), default=None)
    for load in trial.loads:
        cut_w = plan.cuts.get(load.circuit, 0)
        if not (load.steps and cut_w and load.tier == last):
            continue
        enough_w = trial.target_w - tolerance_w(trial.target_w, trial.policy)
        if any(plan.total_w - cut_w + less_w >= enough_w for less_w in _below(load, cut_w)):
            return f"the target is also met with less of {load.circuit}"
    return None


@rule("P15")
def one_more_circuit_never_sheds_less(trial: Trial, plan: Plan) -> str | None:
    if trial.policy != "at_least":  # a large step that comes first may leave the rest undone
        return None
    for load in trial.loads:
        fewer = [other for other in trial.loads if other is not load]
        before_w = plan_shed(fewer, trial.target_w, trial.in_force).total_w
        enough_w = trial.target_w - tolerance_w(trial.target_w)
        if min(plan.total_w, enough_w) < min(before_w, enough_w):
            return f"{before_w} W without {load.circuit}, {plan.total_w} W with it"
    return None


@rule("P16")
def a_circuit_that_draws_nothing_sheds_nothing(trial: Trial, plan: Plan) -> str | None:
    idle = [load.circuit for load in trial.loads if not load.load_w and load.circuit in plan.cuts]
    return f"{idle[0]} sheds although it draws nothing" if idle else None


@rule("P17")
def a_huge_target_sheds_all_there_is(trial: Trial, plan: Plan) -> str | None:
    taken_w, all_w = trial.asking(10**9).total_w, capacity_w(trial.loads)
    return None if taken_w == all_w else f"only {taken_w} W of {all_w} W"


def broken_plan_rules(trial: Trial) -> Iterator[str]:
    """A sentence for every rule that this trial breaks."""
    plan = trial.plan()
    for number, check in RULES.items():
        if problem := check(trial, plan):
            yield f"{number} {check.__name__.replace('_', ' ')}: {problem}; {_tried(trial)}"


def broken_site_limits(spec: Spec, memory: Memory) -> Iterator[str]:
    """A sentence for every circuit that can shed more than ven.yaml allows."""
    for load in loads(spec, memory):
        circuit, live = spec.circuits[load.circuit], memory.circuits[load.circuit]
        lowest_w = min(load.load_w, circuit.floor)
        if load.load_w - load.cap_w < lowest_w:
            yield f"P2 {load.circuit} can be held below its floor of {circuit.floor} W"
        idle = not live.enabled or live.drawn_w is None or circuit.shed <= 0
        if load.cap_w and (idle or circuit.control == "none"):
            yield f"P3 {load.circuit} can shed although it is off, not read or not to be shed"
        for kind, strict in (
            ("a higher floor", _floored(circuit)),
            ("a lower limit", _shy(circuit)),
        ):
            stricter = spec.model_copy(update={"circuits": {**spec.circuits, load.circuit: strict}})
            caps = {other.circuit: other.cap_w for other in loads(stricter, memory)}
            if caps[load.circuit] > load.cap_w:
                yield f"P19 {kind} lets {load.circuit} shed more"


def capacity_w(loads: Sequence[Load]) -> int:
    """All that can be shed, in watts."""
    return sum(load.cap_w for load in loads)


def best_total_w(loads: Sequence[Load], target_w: int, policy: str) -> int | None:
    """The sum that meets the target best, tier by tier, by trying all; None: too many to try."""
    total_w, slack_w = 0, tolerance_w(target_w, policy)
    ordered = sorted(loads, key=lambda load: load.tier)
    for _, group in groupby(ordered, key=lambda load: load.tier):
        tier, left_w = list(group), target_w - total_w
        if left_w <= slack_w:
            return total_w
        if capacity_w(tier) > left_w - slack_w:
            return None if _many(tier) else total_w + _best(tier, left_w, slack_w, policy)
        total_w += capacity_w(tier)
    return total_w


def _many(tier: Sequence[Load]) -> bool:
    return sum(bool(load.steps) for load in tier) > MOST_STEPPED


def _best(tier: Sequence[Load], ask_w: int, slack_w: int, policy: str) -> int:
    sums = {0}
    for load in tier:
        sums |= {sum_w + step_w for sum_w in sums for step_w in load.steps}
    smooth_w = capacity_w([load for load in tier if not load.steps])
    totals = {sum_w: min(max(sum_w, ask_w), sum_w + smooth_w) for sum_w in sums}
    if policy == "closest":
        return min(totals.values(), key=lambda total_w: (abs(total_w - ask_w), -total_w))
    if policy == "at_most":
        return max(total_w for total_w in totals.values() if total_w <= ask_w)
    enough_w = ask_w - slack_w
    fits = [sum_w for sum_w, total_w in totals.items() if sum_w <= enough_w <= total_w]
    return totals[min(fits or (sum_w for sum_w in sums if sum_w > enough_w))]


def _below(load: Load, cut_w: int) -> list[int]:
    return [step_w for step_w in (0, *load.steps) if step_w < cut_w]


def _floored(circuit: Circuit) -> Circuit:
    return circuit.model_copy(update={"floor": circuit.floor + 100})


def _shy(circuit: Circuit) -> Circuit:
    return circuit.model_copy(update={"shed": max(min(circuit.shed, 0), circuit.shed - 10)})


def _tried(trial: Trial) -> str:
    parts = [f"{load.circuit} {load.cap_w} of {load.load_w} W" for load in trial.loads]
    return f"tried a target of {trial.target_w} W with " + ", ".join(parts)
