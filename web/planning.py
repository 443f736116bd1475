"""What an event would do if it were called now, by the same plan the controller makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from statemachine.admit import unfit
from statemachine.capacity import loads
from statemachine.curtail import Load, Plan, plan_shed
from statemachine.memory import Memory
from statemachine.requirement import required_w
from statemachine.spec import Spec
from statemachine.triggers import DrEvent
from statemachine.wire import kw, power_w, shed_w

SAME_W = 100


@dataclass(frozen=True, slots=True)
class Outlook:
    """The plan in force once `asked` is taken on beside the events that run."""

    asked: DrEvent
    loads: tuple[Load, ...]
    plan: Plan

    @property
    def rev(self) -> str:
        """What each circuit gives, in watts: `heater1:1500,lights1:280`."""
        return ",".join(f"{id}:{cut_w}" for id, cut_w in self.plan.cuts.items())

    def touched(self, spec: Spec) -> list[str]:
        """The critical circuits that give."""
        return [id for id in self.plan.cuts if spec.circuits[id].critical]


def outlook(spec: Spec, memory: Memory, asked: DrEvent) -> Outlook:
    """Events overlap by maximum, so what is asked counts only where it asks for most."""
    every = tuple(loads(spec, memory))
    target_w = max(required_w(spec, memory, asked.at_ms), asked.shed_w)
    return Outlook(asked, every, plan_shed(every, target_w, memory.cuts))


def differs(plan_rev: str, now: Outlook) -> bool:
    """Whether a circuit gives over 100 W more or less than when `plan_rev` was shown.

    Raises ValueError where `plan_rev` is not a preview's `rev`.
    """
    seen: dict[str, int] = {}
    for part in filter(None, plan_rev.split(",")):
        id, colon, watts = part.partition(":")
        if not colon or not watts.isascii() or not watts.isdigit() or len(watts) > 9:
            raise ValueError("plan_rev must be the `rev` of a preview")
        seen[id] = int(watts)
    cuts = now.plan.cuts
    return any(abs(seen.get(id, 0) - cuts.get(id, 0)) > SAME_W for id in {*seen, *cuts})


def preview(spec: Spec, memory: Memory, asked: DrEvent) -> dict[str, Any]:
    """The answer of GET /api/v1/preview; power in kW."""
    now = outlook(spec, memory, asked)
    before_w, total_w = power_w(memory), now.plan.total_w
    refusal = unfit(spec, memory, asked)
    return {
        "rev": now.rev,
        "asked_kw": kw(asked.shed_w),
        "shed_kw": kw(total_w),
        "shortfall_kw": kw(max(0, asked.shed_w - total_w)),
        "max_kw": kw(sum(load.cap_w for load in now.loads)),
        "power_before_kw": kw(before_w),
        "power_after_kw": kw(before_w + shed_w(memory) - total_w),
        "touches_critical": bool(now.touched(spec)),
        "refusal": {"reason": refusal[0], "detail": refusal[1]} if refusal else None,
        "circuits": [_line(spec, load, now.plan.cuts, now.plan.reasons) for load in now.loads],
    }


def _line(
    spec: Spec, load: Load, cuts: Mapping[str, int], reasons: Mapping[str, str]
) -> dict[str, Any]:
    circuit, cut_w = spec.circuits[load.circuit], cuts.get(load.circuit, 0)
    return {
        "id": load.circuit,
        "name": spec.name_of(load.circuit),
        "critical": circuit.critical,
        "free_kw": kw(load.load_w),
        "shed_kw": kw(cut_w),
        "left_kw": kw(load.load_w - cut_w),
        "rated_kw": kw(circuit.rated),
        "reason": reasons[load.circuit],
    }
