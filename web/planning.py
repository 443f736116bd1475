"""What an event would do if it were called now, by the controller's own planning.

The page and `venctl plan` use the same function, for a running site and for a file alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from statemachine.curtail.capacity import loads
from statemachine.curtail.dwell import can_give_ms, duration
from statemachine.curtail.plan import Load, Plan, plan_shed, tolerance_w
from statemachine.curtail.requirement import combined_w, event_required_w, saved_w
from statemachine.decide.admit import event_refusal, event_run
from statemachine.kit.localtime import day_of
from statemachine.site.spec import Spec
from statemachine.state.measures import known_power_w, shed_w
from statemachine.state.memory import Event, Memory
from statemachine.state.triggers import DrEvent
from statemachine.wire.messages import kw

from .shapes.preview import OtherAmountBody, PreviewBody, PreviewCircuitBody

SAME_W = 100
OTHERS_W = (1_000, 2_000, 5_000)


@dataclass(frozen=True, slots=True)
class PlanOutlook:
    """The plan with `asked` next to the live events, at the event's full depth.

    `before` is the plan without it when it starts; `covered_ms` is until when the other events
    request as much anyway, or None.
    """

    asked: DrEvent
    starts_ms: int
    loads: tuple[Load, ...]
    plan: Plan
    before: Mapping[str, int]
    covered_ms: int | None

    @property
    def rev(self) -> str:
        """How much each circuit sheds, in W: `heater1:1500,lights1:280`."""
        return ",".join(f"{id}:{cut_w}" for id, cut_w in self.plan.cuts.items())

    @property
    def later(self) -> bool:
        """Whether it starts later, and is then planned again with the loads of that time."""
        return self.starts_ms > self.asked.at_ms

    def more_w(self, id: str) -> int:
        """How much a circuit sheds for this event in addition to others, in W."""
        return max(0, self.plan.cuts.get(id, 0) - self.before.get(id, 0))

    def touched(self, spec: Spec) -> list[str]:
        """The critical circuits that shed more for this event than without it."""
        return [id for id in self.plan.cuts if spec.circuits[id].critical and self.more_w(id)]


def plan_outlook(spec: Spec, memory: Memory, event: DrEvent) -> PlanOutlook:
    """Plan an event with the others: the largest counts, or their sum, as ven.yaml says."""
    all_loads = tuple(loads(spec, memory))
    starts_ms = event_run(spec, memory, event).start_ms
    beside = [other for other in memory.events.values() if other.id != event.event_id]
    sheds = [_needs_w(spec, memory, other, event.at_ms, starts_ms) for other in beside]
    own_w = max(0, event.shed_w - saved_w(spec, memory, [event.event_id]))
    target_w = combined_w(spec, [own_w, *sheds])
    plan = plan_shed(all_loads, target_w, memory.cuts, spec.curtail.policy)
    before = plan_shed(all_loads, combined_w(spec, sheds), memory.cuts, spec.curtail.policy)
    covered_ms = _covered_ms(spec, event, zip(beside, sheds, strict=True))
    return PlanOutlook(event, starts_ms, all_loads, plan, before.cuts, covered_ms)


def differs(plan_rev: str, now: PlanOutlook) -> bool:
    """Whether a circuit sheds over 100 W more or less than when `plan_rev` was shown.

    Raises ValueError if `plan_rev` is not the `rev` of a preview.
    """
    seen: dict[str, int] = {}
    for part in filter(None, plan_rev.split(",")):
        id, colon, watts = part.partition(":")
        if not colon or not watts.isascii() or not watts.isdigit() or len(watts) > 9:
            raise ValueError("plan_rev must be the `rev` of a preview")
        seen[id] = int(watts)
    cuts = now.plan.cuts
    return any(abs(seen.get(id, 0) - cuts.get(id, 0)) > SAME_W for id in {*seen, *cuts})


def preview(spec: Spec, memory: Memory, event: DrEvent) -> PreviewBody:
    """The answer of GET /api/v1/preview and of `venctl plan`; power in kW, time in seconds."""
    now = plan_outlook(spec, memory, event)
    drawn_w, shed_now_w, total_w = known_power_w(memory), shed_w(memory), now.plan.total_w
    later_w = shed_now_w - sum(now.before.values()) if now.later else 0
    refusal = event_refusal(spec, memory, event)
    return {
        "rev": now.rev,
        "mode": spec.mode,
        "asked_kw": kw(event.shed_w),
        "duration_s": event.duration_ms / 1000,
        "starts_at": now.starts_ms / 1000 if now.later else None,
        "shed_kw": kw(total_w),
        "more_kw": kw(sum(map(now.more_w, now.plan.cuts))),
        "running_kw": kw(sum(now.before.values())),
        "covered_until": None if now.covered_ms is None else now.covered_ms / 1000,
        "ends_at": (now.starts_ms + event.duration_ms) / 1000,
        "shortfall_kw": kw(_short_w(spec, memory, event, total_w)),
        "max_kw": kw(sum(load.cap_w for load in now.loads)),
        "power_before_kw": None if drawn_w is None else kw(drawn_w + later_w),
        "power_after_kw": None if drawn_w is None else kw(drawn_w + shed_now_w - total_w),
        "touches_critical": bool(now.touched(spec)),
        "refusal": {"reason": refusal[0], "detail": refusal[1]} if refusal else None,
        "circuits": [_line(spec, memory, load, now) for load in now.loads],
        "others": list(_others(spec, memory, event)),
    }


def _needs_w(spec: Spec, memory: Memory, event: Event, now_ms: int, starts_ms: int) -> int:
    """How much another event needs when this one starts, in W; at full depth if that is later."""
    asks_w = event_required_w(spec, event, now_ms)
    if starts_ms > now_ms:
        asks_w = event.shed_w if event.start_ms <= starts_ms < event.end_ms else 0
    return max(0, asks_w - saved_w(spec, memory, [event.id]))


def _short_w(spec: Spec, memory: Memory, event: DrEvent, total_w: int) -> int:
    """The shortfall of an event in W; 0 if it is within the tolerance."""
    short_w = event.shed_w - total_w - saved_w(spec, memory, [event.event_id])
    return short_w if short_w > tolerance_w(event.shed_w, spec.curtail.policy) else 0


def _covered_ms(spec: Spec, asked: DrEvent, beside: Iterable[tuple[Event, int]]) -> int | None:
    """Until when another event, active at its start, requests at least as much; or None."""
    ends = [event.end_ms for event, asks_w in beside if asks_w >= asked.shed_w]
    return None if spec.curtail.overlap == "sum" else max(ends, default=None)


def _others(spec: Spec, memory: Memory, event: DrEvent) -> Iterator[OtherAmountBody]:
    """What other amounts would do instead."""
    for watts in OTHERS_W:
        other = plan_outlook(spec, memory, replace(event, shed_w=watts))
        plan = other.plan
        yield {
            "asked_kw": kw(watts),
            "shed_kw": kw(plan.total_w if other.covered_ms is None else min(watts, plan.total_w)),
            "shortfall_kw": kw(_short_w(spec, memory, other.asked, plan.total_w)),
            "circuits": list(plan.cuts),
            "critical": [id for id in plan.cuts if spec.circuits[id].critical],
        }


def _line(spec: Spec, memory: Memory, load: Load, now: PlanOutlook) -> PreviewCircuitBody:
    circuit, cut_w = spec.circuits[load.circuit], now.plan.cuts.get(load.circuit, 0)
    lasts_ms = _lasts_ms(spec, memory, load, cut_w)
    short = lasts_ms is not None and lasts_ms < now.asked.duration_ms
    reason = now.plan.reasons[load.circuit]
    return {
        "id": load.circuit,
        "name": spec.name_of(load.circuit),
        "critical": circuit.critical,
        "free_kw": kw(load.load_w),
        "shed_kw": kw(cut_w),
        "more_kw": kw(now.more_w(load.circuit)),
        "left_kw": kw(load.load_w - cut_w),
        "rated_kw": kw(circuit.rated),
        "reason": f"{reason}; for at most {duration(lasts_ms or 0)}" if short else reason,
        "lasts_s": (lasts_ms or 0) / 1000 if short else None,
        "estimated": load.estimated,
    }


def _lasts_ms(spec: Spec, memory: Memory, load: Load, cut_w: int) -> int | None:
    """How long a circuit could keep shedding, in ms; None if nothing limits it."""
    if not cut_w:
        return None
    circuit, live = spec.circuits[load.circuit], memory.circuits[load.circuit]
    day = day_of(memory.at_ms, spec.site.timezone)
    return can_give_ms(circuit, live, cut_w == load.load_w, memory.mono_ms, day)
