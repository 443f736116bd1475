"""Decides when to make a new plan, and when the plan in force stays although loads change a little.

A new plan is made when the set of events or of usable circuits changes, when delivery is short by
more than max(5 %, 50 W) for 30 s, or over by more than max(10 %, 150 W) for 60 s (domain.md: with
this dead band and dwell times, relays switch 1.6 times in two hours instead of 5,431).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..kit.frozen import changed
from ..site.spec import Spec
from ..state.circuit import CircuitState
from ..state.measures import taken_w
from ..state.memory import Memory, PlanBasis
from ..state.triggers import Readings
from ..state.turn import Turn
from .capacity import loads
from .plan import Load, Plan, plan_cuts, reasons
from .requirement import active_events, needed_w

SHORT_W, SHORT_PERCENT, SHORT_MS = 50, 5, 30_000
OVER_W, OVER_PERCENT, OVER_MS = 150, 10, 60_000


def plan_in_force(spec: Spec, memory: Memory) -> tuple[list[Load], Plan]:
    """Every circuit as the plan sees it, and the plan in force with the reason for each."""
    all_loads = loads(spec, memory)
    target_w = needed_w(spec, memory, memory.at_ms)
    return all_loads, Plan(target_w, memory.cuts, reasons(all_loads, memory.cuts))


def replan(turn: Turn) -> list[Load]:
    """Store the plan for now in memory; returns every circuit as the plan sees it."""
    now = _basis(turn, all_loads := loads(turn.spec, turn.memory))
    was = turn.memory.basis
    short = _since(now.short_mono_ms, turn, SHORT_MS)
    if short and (deaf := _deaf(turn.memory)):
        short = _mark_deaf(turn, deaf)
        all_loads = loads(turn.spec, turn.memory)
    late = short or _since(now.over_mono_ms, turn, OVER_MS)
    if late or not _same(was, now) or _asks_too_much(all_loads, turn.memory.cuts):
        policy = turn.spec.curtail.policy
        turn.remember(cuts=plan_cuts(all_loads, now.required_w, turn.memory.cuts, policy))
        now = changed(now, usable=_usable(all_loads), short_mono_ms=None, over_mono_ms=None)
    turn.remember(basis=now)
    return all_loads


def _basis(turn: Turn, all_loads: Sequence[Load]) -> PlanBasis:
    spec, memory, was = turn.spec, turn.memory, turn.memory.basis
    asked_w = needed_w(spec, memory, turn.now_ms)
    events = tuple(sorted(event.id for event in active_events(spec, memory, turn.now_ms)))
    now = PlanBasis(asked_w, events, _usable(all_loads), was.short_mono_ms, was.over_mono_ms)
    if not isinstance(turn.trigger, Readings):
        return now
    short, over = _off_target(memory, all_loads, asked_w)
    return changed(
        now,
        short_mono_ms=_first(was.short_mono_ms, memory.mono_ms) if short else None,
        over_mono_ms=_first(was.over_mono_ms, memory.mono_ms) if over else None,
    )


def _first(since_ms: int | None, now_ms: int) -> int:
    return now_ms if since_ms is None else since_ms


def _off_target(memory: Memory, all_loads: Sequence[Load], asked_w: int) -> tuple[bool, bool]:
    """Whether the measured shed is short or over, if a new plan could correct it."""
    if not asked_w:
        return False, False
    measured_w = sum(taken_w(memory, id) for id in memory.cuts)
    able_w = min(asked_w, sum(load.cap_w for load in all_loads))
    short = able_w - measured_w > max(SHORT_W, asked_w * SHORT_PERCENT // 100)
    over = measured_w - asked_w > max(OVER_W, asked_w * OVER_PERCENT // 100)
    return short, over


def _deaf(memory: Memory) -> list[str]:
    """The circuits of the plan that draw more than their hold."""
    return [id for id in memory.cuts if _draws_more(memory.circuits[id])]


def _mark_deaf(turn: Turn, ids: Sequence[str]) -> bool:
    """Count them with what they really shed, except those whose driver may still follow."""
    lives = {id: turn.memory.circuits[id] for id in ids}
    marks = {
        id: changed(live, deaf_w=max(0, live.free_w - (live.drawn_w or 0)))
        for id, live in lives.items()
        if not _may_follow(live, turn.memory.mono_ms)
    }
    if marks:
        turn.remember(circuits={**turn.memory.circuits, **marks})
    return bool(marks)


def _may_follow(live: CircuitState, mono_ms: int) -> bool:
    since_ms = live.asked_mono_ms if live.hold_fault is None else live.hold_fault_mono_ms
    return since_ms is not None and mono_ms - since_ms < SHORT_MS


def _draws_more(live: CircuitState) -> bool:
    if live.held_w is None or live.drawn_w is None:
        return False
    return live.drawn_w - live.held_w > max(SHORT_W, live.held_w * SHORT_PERCENT // 100)


def _usable(all_loads: Sequence[Load]) -> tuple[str, ...]:
    able = [load for load in all_loads if load.cap_w]
    return tuple(f"{load.circuit}, on" if load.stays_on else load.circuit for load in able)


def _same(was: PlanBasis, now: PlanBasis) -> bool:
    return (was.required_w, was.events, was.usable) == (now.required_w, now.events, now.usable)


def _asks_too_much(all_loads: Sequence[Load], cuts: Mapping[str, int]) -> bool:
    """Whether a circuit of the plan can no longer shed its cut, or has no such step."""
    pairs = [(load, cuts[load.circuit]) for load in all_loads if load.circuit in cuts]
    return any(cut_w > load.cap_w or (load.steps and cut_w not in load.steps)
               for load, cut_w in pairs)  # fmt: skip


def _since(began_mono_ms: int | None, turn: Turn, length_ms: int) -> bool:
    """Whether it has lasted that long, confirmed by a reading now."""
    lasts = began_mono_ms is not None and turn.memory.mono_ms - began_mono_ms >= length_ms
    return lasts and isinstance(turn.trigger, Readings)
