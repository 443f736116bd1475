"""What each circuit can shed now, and why one cannot shed, in words.

`cap = max(0, min(limit x load, load - floor))` if a circuit is on, read, and not protected by dwell
times, daily limits or locks; else 0 (domain.md, Curtailment plan). A circuit that must run can be
reduced as far as it keeps running.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..kit.localtime import day_of
from ..site.panel import LEAST_AMPS, Circuit, Tier
from ..site.spec import Spec
from ..state.circuit import CircuitState
from ..state.memory import Memory
from .dwell import (
    daily_limit_reason,
    duration,
    must_stay_off_ms,
    must_stay_on_ms,
    next_changes_ms,
    off_left_ms,
    recovery_left_ms,
)
from .plan import Load
from .requirement import opted_out_circuits


def loads(spec: Spec, memory: Memory) -> list[Load]:
    """Every circuit of a site in shed order, as the plan sees it now."""
    return list(_loads(spec, memory))


def can_give(spec: Spec, memory: Memory) -> bool:
    """Whether any circuit can shed now."""
    return any(load.cap_w for load in _loads(spec, memory))


def capacity_w(spec: Spec, memory: Memory) -> int:
    """All that the site can shed now, in watts."""
    return sum(load.cap_w for load in loads(spec, memory))


def next_change_ms(spec: Spec, memory: Memory) -> int | None:
    """When a capacity or a protection next changes by itself, in UTC milliseconds."""
    day = day_of(memory.at_ms, spec.site.timezone)
    lefts = [
        left_ms
        for id, live in memory.circuits.items()
        for left_ms in _changes(spec.circuits[id], live, memory.mono_ms, day)
    ]
    return memory.at_ms + min(lefts) if lefts else None


def _changes(circuit: Circuit, live: CircuitState, mono_ms: int, day: int) -> list[int]:
    lefts = next_changes_ms(circuit, live, mono_ms, day)
    if awaits_ms := live.awaits_ms(mono_ms):
        lefts.append(awaits_ms)
    if live.giving and live.read_mono_ms is not None:
        left_ms = live.read_mono_ms + circuit.stale_after - mono_ms
        if left_ms > 0:
            lefts.append(left_ms)
    return lefts


def _loads(spec: Spec, memory: Memory) -> Iterator[Load]:
    day, out = day_of(memory.at_ms, spec.site.timezone), opted_out_circuits(spec, memory)
    for id, tier in spec.tiers.items():
        yield _load(spec, memory, id, tier, day, id in out)


def _load(spec: Spec, memory: Memory, id: str, tier: Tier, day: int, out: bool) -> Load:
    circuit, live = spec.circuits[id], memory.circuits[id]
    load_w = live.free_w if live.enabled else 0
    why_not, stays_on = _why_not(circuit, live, memory.mono_ms, day, out), ""
    if not why_not and (stays_on := _stays_on(circuit, live, memory.mono_ms)):
        why_not = stays_on if _whole(circuit, live) else ""
    least_w = max(circuit.floor, circuit.least_running_w if stays_on else 0)
    most_w = 0 if why_not else min(load_w * circuit.shed_percent // 100, load_w - least_w)
    if live.deaf_w is not None:
        most_w = min(most_w, live.deaf_w)
    steps = _steps(circuit, load_w, most_w)
    cap_w = max(0, most_w) if steps is None else max(steps, default=0)
    if not why_not and not cap_w:
        why_not = stays_on or _why_nothing(circuit, live, most_w)
    return Load(
        circuit=id,
        tier=tier,
        load_w=load_w,
        cap_w=cap_w,
        steps=steps or (),
        rank=live.gave_ms,
        why_not=why_not,
        firm=circuit.control != "duty_cycle",
        estimated=not circuit.metered,
        stays_on=bool(stays_on),
    )


def _why_not(circuit: Circuit, live: CircuitState, mono_ms: int, day: int, out: bool) -> str:
    """The first reason why a circuit cannot shed at all; "" if there is none."""
    if circuit.locked:
        return "never shed"
    if circuit.control == "none":
        return "measured only, nothing controls it"
    if not circuit.shed_percent:
        return "not declared to be shed"
    if live.locked_by:
        return "locked by a person"
    if not live.enabled:
        return "switched off"
    if live.drawn_w is None or live.read_mono_ms is None:
        return "no reading yet"
    if (age_ms := mono_ms - live.read_mono_ms) >= circuit.stale_after and circuit.metered:
        return f"no reading for {age_ms // 1000} s"
    if out:
        return "opted out of this event"
    if not live.free_w:
        return "draws nothing"
    return _protection(circuit, live, mono_ms, day)


def _protection(circuit: Circuit, live: CircuitState, mono_ms: int, day: int) -> str:
    if (left_ms := must_stay_off_ms(circuit, live, mono_ms)) and not live.giving:
        return f"was off, must rest for another {duration(left_ms)}"
    if left_ms := recovery_left_ms(circuit, live, mono_ms):
        return f"was shed before, recovers for another {duration(left_ms)}"
    return daily_limit_reason(circuit, live, mono_ms, day)


def _stays_on(circuit: Circuit, live: CircuitState, mono_ms: int) -> str:
    """Why a circuit must not be switched off now, or left off; "" if it can be."""
    if off_left_ms(circuit, live, mono_ms) == 0:
        return f"was off for {duration(circuit.max_off_ms or 0)}, its maximum"
    if left_ms := must_stay_on_ms(circuit, live, mono_ms):
        return f"came on, must run for another {duration(left_ms)}"
    return ""


def _whole(circuit: Circuit, live: CircuitState) -> bool:
    """Only on or off: a relay, or a circuit that only a person switches on again."""
    return circuit.control == "relay" or (circuit.comes_back == "by_hand" and live.off)


def _steps(circuit: Circuit, load_w: int, most_w: int) -> tuple[int, ...] | None:
    """The cuts a circuit can make, rising; None: any watt up to `most_w`."""
    if circuit.control == "relay":
        return (most_w,) if most_w > 0 else ()
    if circuit.control != "ev_pilot":
        return None
    amps = range(load_w // circuit.amp_w, LEAST_AMPS - 1, -1)
    cuts = {load_w - amp * circuit.amp_w for amp in amps} | {load_w}
    return tuple(sorted(cut_w for cut_w in cuts if 0 < cut_w <= most_w))


def _why_nothing(circuit: Circuit, live: CircuitState, most_w: int) -> str:
    if live.deaf_w is not None:
        return "does not follow its commands"
    if circuit.control == "ev_pilot" and most_w > 0:
        return f"charges at {LEAST_AMPS} A, its minimum, and cannot be paused now"
    return f"is at its floor of {circuit.floor / 1000:.2f} kW"
