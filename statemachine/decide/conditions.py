"""What is wrong at the site itself, as memory shows it: alarms that end with their cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..curtail.dwell import must_stay_off_ms
from ..curtail.site_rules import broken_rules
from ..kit.quantity import watts_text
from ..returns.idle import return_is_blocked
from ..site.spec import Spec
from ..state.alarm import Alarm
from ..state.memory import Memory

FAILS_MS = 2 * 60_000  # most devices get over it before
FEW = 3
SEEN = ("no_room", "device", "rule", "shadow_loop", "shadow_too_large")
OF_SHADOWS = {
    "shadow_loop": "The cloud keeps repeating one request; it is not answered for a minute",
    "shadow_too_large": "The shadow document is over 8 KB; names and power are left out",
}


def conditions(spec: Spec, memory: Memory) -> Mapping[str, Alarm]:
    """What is wrong at the time of the last trigger, by the alarms' ids."""
    return {alarm.kind: alarm for alarm in _standing(spec, memory)}


def _standing(spec: Spec, memory: Memory) -> Iterator[Alarm]:
    if return_is_blocked(memory):
        yield Alarm("no_room", memory.coming.blocked_ms or 0, _no_room(spec, memory))
    if failing := list(_failing(spec, memory)):
        more = f"; {len(failing) - FEW} more have faults" if len(failing) > FEW else ""
        yield Alarm("device", memory.at_ms, "; ".join(failing[:FEW]) + more)
    if breaches := broken_rules(spec, memory):
        rules = "; ".join(dict.fromkeys(breach.rule for breach in breaches))
        yield Alarm("rule", memory.at_ms, f"A rule of this site is broken: {rules}")
    for shadow in memory.shadows.values():
        for kind, since_ms in shadow.alarms.items():
            yield Alarm(kind, since_ms, OF_SHADOWS[kind])


def _failing(spec: Spec, memory: Memory) -> Iterator[str]:
    for id, live in memory.circuits.items():
        since_ms = None if live.well else live.trouble_mono_ms
        if since_ms is not None and memory.mono_ms - since_ms >= FAILS_MS:
            yield f"{spec.name_of(id)}: {live.trouble}"
    if memory.main_lost_ms is not None and memory.at_ms - memory.main_lost_ms >= FAILS_MS:
        yield "the main meter cannot be read, so what the site draws is not known"
    for id, stuck in memory.stuck.items():
        yield f"{id} is no longer in ven.yaml and cannot be released: {stuck.fault}"


def _no_room(spec: Spec, memory: Memory) -> str:
    names = [spec.name_of(id) for id in reversed(spec.shed_order()) if _waits(spec, memory, id)]
    limit = f"more than the {watts_text(spec.site.service)} of its main breaker"
    if not names:
        return f"The site draws {limit}"
    who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return f"{who} cannot come back: the site would draw {limit}"


def _waits(spec: Spec, memory: Memory, id: str) -> bool:
    live = memory.circuits[id]
    held = live.enabled and live.held_w is not None and id not in memory.cuts
    return held and not must_stay_off_ms(spec.circuits[id], live, memory.mono_ms)
