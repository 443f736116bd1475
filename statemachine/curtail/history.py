"""The history of each circuit: when it went off, came on, was shed and was released.

Updated in one place, by comparing memory before and after a decision, so that no action has to.
"""

from __future__ import annotations

from typing import Any

from ..kit.frozen import changed
from ..kit.localtime import day_of
from ..state.circuit import CircuitState
from ..state.memory import Memory, PlanBasis
from ..state.turn import Turn
from .estimate import SETTLES_MS, WAKES_MS, unread_for_long
from .requirement import random_offset_ms
from .savings import forget_saving

FIRST_MS, LAST_MS = 60_000, 300_000


def update_history(turn: Turn) -> None:
    """Update the history of every circuit."""
    before, memory = turn.before, turn.memory
    day = day_of(memory.at_ms, turn.spec.site.timezone)
    marked = {
        id: _marked(before.circuits.get(id), live, _gives(memory, id), memory, day)
        for id, live in memory.circuits.items()
    }
    begun = [id for id in memory.cuts if marked[id].gave_ms != memory.circuits[id].gave_ms]
    for index, id in enumerate(begun):  # for those that start together, in the order of the plan
        marked[id] = changed(marked[id], gave_ms=memory.at_ms + index)
    if any(marked[id] is not live for id, live in memory.circuits.items()):
        turn.remember(circuits=marked)


def _gives(memory: Memory, id: str) -> bool:
    """Whether it is in the plan, or was and is not back yet."""
    live = memory.circuits[id]
    return id in memory.cuts or (live.giving and live.enabled and live.held_w is not None)


def reset_after_reboot(turn: Turn) -> None:
    """After a reboot: the monotonic clock has a new zero, and dwell times start again.

    Held load comes back after 1 to 5 minutes, so that a street does not come back at once. After a
    restart of only the program nothing changes, because the monotonic clock goes on.
    """
    memory, mono_ms, last_ms = turn.memory, turn.memory.mono_ms, turn.before.mono_ms
    circuits = {id: _renewed(live, last_ms, mono_ms) for id, live in memory.circuits.items()}
    late_ms = FIRST_MS + random_offset_ms(
        turn.spec.site.id, f"boot-{memory.boot}", LAST_MS - FIRST_MS
    )
    held = any(live.held_w is not None for live in circuits.values())
    coming = changed(
        memory.coming,
        due_ms=memory.coming.due_ms and memory.at_ms + late_ms,
        not_before_ms=memory.at_ms + late_ms if held else 0,
    )
    turn.remember(circuits=circuits, coming=coming, basis=PlanBasis())
    turn.remember(every_mono_ms=None, server_mono_ms=None)


def _renewed(live: CircuitState, last_mono_ms: int, mono_ms: int) -> CircuitState:
    """A circuit after a reboot. What it shed before still counts for the day."""
    gave_ms = 0 if live.giving_mono_ms is None else max(0, last_mono_ms - live.giving_mono_ms)
    return changed(
        live,
        changed_mono_ms=None,
        read_mono_ms=None if live.read_mono_ms is None else mono_ms,
        settled_mono_ms=mono_ms,
        started_mono_ms=None if live.started_mono_ms is None else mono_ms,
        stopped_mono_ms=None if live.stopped_mono_ms is None else mono_ms,
        off_mono_ms=mono_ms if live.off else None,
        on_mono_ms=None if live.off else mono_ms,
        giving_mono_ms=mono_ms if live.giving else None,
        back_mono_ms=mono_ms if live.back_mono_ms is not None else None,
        shed_today_ms=live.shed_today_ms + gave_ms,
        asked_mono_ms=None if live.asked_mono_ms is None else mono_ms,
        hold_fault_mono_ms=None if live.hold_fault is None else mono_ms,
        fault_mono_ms=None if live.fault is None else mono_ms,
        read_fault_mono_ms=None if live.read_fault is None else mono_ms,
    )


def _marked(
    was: CircuitState | None, live: CircuitState, gives: bool, memory: Memory, day: int
) -> CircuitState:
    mono_ms = memory.mono_ms
    marks: dict[str, Any] = {}
    if live.off != (live.off_mono_ms is not None):
        known = was is not None and (was.off or live.off)
        marks = {"off_mono_ms": mono_ms if live.off else None}
        marks |= {"on_mono_ms": mono_ms} if known and not live.off else {}
        if live.off and unread_for_long(live, mono_ms):
            marks["stopped_mono_ms"] = None
    marks |= _giving(live, gives, memory, day)
    if live.deaf_w is not None and not memory.basis.required_w:
        marks["deaf_w"] = None
    if was is not None and live.held_w is not None and live.held_w != was.held_w:
        eased = was.held_w is not None and live.held_w > was.held_w
        marks["settled_mono_ms"] = mono_ms + (WAKES_MS if eased else SETTLES_MS)
    return forget_saving(changed(live, **marks) if marks else live, memory)


def _giving(live: CircuitState, gives: bool, memory: Memory, day: int) -> dict[str, Any]:
    """The changes when a circuit starts or stops shedding, or when a day ends meanwhile."""
    mono_ms, since_ms = memory.mono_ms, live.giving_mono_ms
    if gives and since_ms is None:
        today = live.day == day
        return {
            "giving_mono_ms": mono_ms,
            "gave_ms": memory.at_ms,
            "day": day,
            "sheds_today": (live.sheds_today if today else 0) + 1,
            "shed_today_ms": live.shed_today_ms if today else 0,
        }
    if since_ms is None:
        return {}
    ran_ms = max(0, mono_ms - since_ms)
    if not gives:
        so_far_ms = live.shed_today_ms if live.day == day else 0
        return {
            "giving_mono_ms": None,
            "back_mono_ms": mono_ms,
            "day": day,
            "shed_today_ms": so_far_ms + ran_ms,
            "sheds_today": live.sheds_today if live.day == day else 1,
        }
    if live.day != day:
        return {"giving_mono_ms": mono_ms, "day": day, "sheds_today": 1, "shed_today_ms": 0}
    return {}
