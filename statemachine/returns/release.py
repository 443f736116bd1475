"""How load is taken at once and comes back in steps, so that the return makes no surge.

One circuit returns each `restore.every`, in reverse shed order, which is critical ones first. A
step never lifts the site above its main breaker nor returns more than `restore.ramp`; a charging
car comes back at 6 A first. Where there is no room for so long that it is an alarm, critical ones
return nevertheless, one each step. What rests (dwell times), and what an event is about to ask for
anyway (`bridge.py`), waits without holding up the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..curtail.dwell import off_left_ms, rests_ms
from ..curtail.failing import held_back, still_asked
from ..curtail.plan import Load
from ..curtail.replan import replan
from ..curtail.requirement import offset_ms
from ..kit.frozen import changed
from ..site.panel import LEAST_AMPS, Circuit
from ..site.spec import Spec
from ..state.circuit import Live
from ..state.effects import BY_EVENT, Hold, Switch
from ..state.measures import power_w
from ..state.memory import Coming, Memory
from ..state.turn import Turn
from .bridge import kept_down
from .idle import blocked

LEASE_MS = 120_000
RENEW_MS = 40_000

Wanted = Mapping[str, int | None]


def carry_out(turn: Turn) -> None:
    """Plan what is required now; hold more at once, let go of one circuit when its time is come.

    A circuit that is switched off is let go at once, nothing returns with it, and so is one that a
    person locked; one switched on within its rest is held at nothing until the rest is over. Who
    only observes holds nothing; what is held from the time before returns in the same steps.
    """
    wanted = _wanted(turn, replan(turn))
    for id, watts in wanted.items():
        if watts is not None and _tighter(watts, turn.memory.circuits[id].held_w):
            _hold(turn, id, watts)
    looser = [id for id in reversed(wanted) if turn.memory.circuits[id].held_w != wanted[id]]
    for id in [id for id in looser if _waits_for_nothing(turn.memory.circuits[id])]:
        looser.remove(id)
        give_back(turn, id, wanted[id])
    _return_overdue(turn, looser, wanted)
    left = [id for id in looser if turn.memory.circuits[id].held_w != wanted[id]]
    _step(turn, left, wanted)
    _renew(turn)


def give_back(turn: Turn, id: str, watts: int | None) -> None:
    """Let a circuit draw up to `watts`; what comes back by hand, and is off, is switched off."""
    circuit, live = turn.spec.circuits[id], turn.memory.circuits[id]
    if stays_off(circuit, live):  # off for good first, then free: nothing may flow in between
        turn.remember_circuit(id, enabled=False, switched_by=BY_EVENT, switched_ms=turn.now_ms)
        turn.do(Switch(id, False, BY_EVENT))
    _hold(turn, id, watts)


def beyond_plan(turn: Turn) -> bool:
    """Something is held that the plan does not ask for, or a driver may yet say that it is free."""
    memory = turn.memory
    left = [live for id, live in memory.circuits.items() if id not in memory.cuts]
    return (
        memory.coming.due_ms is not None
        or bool(held_back(turn.spec, memory))
        or any(live.held_w is None and live.awaits_ms(memory.mono_ms) for live in left)
    )


def restate(turn: Turn) -> list[Hold]:
    """Every hold once more, also those that are none: after a restart nobody knows better.

    Who only observes touches nothing but what is left from the time before.
    """
    until_ms = turn.now_ms + LEASE_MS
    told = {
        id: live.held_w
        for id, live in turn.memory.circuits.items()
        if live.held_w is not None or not turn.spec.observes
    }
    holds = [Hold(id, watts, until_ms) for id, watts in told.items()]
    return holds + [Hold(id, None, until_ms) for id in turn.memory.leaving]


def spread(turn: Turn) -> None:
    """An event of the operator's is over: its load begins to return at a random moment.

    Pure in (venId, event id). An event called at the site comes back at once. The wait is for the
    grid's sake: of two the later counts, a cancel after the end changes nothing, and only somebody
    who wants load back ends it.
    """
    within_ms = turn.spec.restore.spread
    if within_ms and turn.event.source == "operator":
        late_ms = offset_ms(turn.spec.site.id, f"return-{turn.event.id}", within_ms)
        coming = turn.memory.coming
        not_before_ms = max(coming.not_before_ms, turn.now_ms + late_ms)
        turn.remember(coming=changed(coming, not_before_ms=not_before_ms))


def waiting(spec: Spec, memory: Memory, every: Sequence[Load]) -> list[str]:
    """The circuits whose load is still to come back, the next one first."""
    wanted, lives = _plain(spec, memory, every), memory.circuits
    return [id for id in reversed(wanted) if lives[id].enabled and lives[id].held_w != wanted[id]]


def _wanted(turn: Turn, every: Sequence[Load]) -> dict[str, int | None]:
    """What each circuit is to be held at once all has come back, in shed order; None: free."""
    spec, memory = turn.spec, turn.memory
    wanted = _plain(spec, memory, every)
    for id, live in memory.circuits.items():
        circuit = spec.circuits[id]
        rests = live.enabled and rests_ms(circuit, live, memory.mono_ms)
        whole = circuit.control == "relay" or stays_off(circuit, live)
        if rests or (wanted[id] is not None and whole):
            wanted[id] = 0
    return wanted


def stays_off(circuit: Circuit, live: Live) -> bool:
    """It gave all and comes back by hand: no smaller share of the plan lets it on again."""
    by_hand = circuit.comes_back == "by_hand" and live.enabled
    return by_hand and live.giving and live.held_w == 0


def _plain(spec: Spec, memory: Memory, every: Sequence[Load]) -> dict[str, int | None]:
    """What each circuit is to be held at by the plan alone, in shed order; None: free."""
    if spec.observes:
        return {load.circuit: None for load in every}
    asked = still_asked(spec, memory)
    return {load.circuit: _level(memory, load, asked.get(load.circuit)) for load in every}


def _level(memory: Memory, load: Load, asked_w: int | None) -> int | None:
    """`asked_w`: what is asked of it although it fails; it is told no tighter hold than before."""
    cut_w, live = memory.cuts.get(load.circuit), memory.circuits[load.circuit]
    if cut_w is not None and live.deaf_w is not None and live.held_w is not None:
        return live.held_w  # it counts for less than it is told, and is told the same
    if asked_w is not None:
        return max(live.held_w or 0, load.load_w - asked_w)
    return None if cut_w is None else max(0, load.load_w - cut_w)


def _waits_for_nothing(live: Live) -> bool:
    """No load returns with it, or a person wants it let be."""
    return not live.enabled or live.locked_by is not None


def _return_overdue(turn: Turn, looser: list[str], wanted: Wanted) -> None:
    """What was off for as long as it may be waits for nobody's turn, only for room."""
    beside_w = 0
    for id in [id for id in looser if _off_too_long(turn, id)]:
        watts = _next_level(turn, id, wanted[id])
        if _fits(turn, id, watts, beside_w):
            beside_w += _more_w(turn, id, watts)
            give_back(turn, id, watts)
            _queue_behind(turn)


def _off_too_long(turn: Turn, id: str) -> bool:
    circuit, live = turn.spec.circuits[id], turn.memory.circuits[id]
    rests = rests_ms(circuit, live, turn.memory.mono_ms)
    return live.off and not rests and off_left_ms(circuit, live, turn.memory.mono_ms) == 0


def _queue_behind(turn: Turn) -> None:
    """Something came back out of turn: the others keep their distance to it."""
    coming, next_ms = turn.memory.coming, turn.now_ms + turn.spec.restore.every
    due_ms = coming.due_ms and max(coming.due_ms, next_ms)
    turn.remember(coming=changed(coming, last_ms=turn.now_ms, due_ms=due_ms))


def _step(turn: Turn, looser: list[str], wanted: Wanted) -> None:
    """One circuit more when its time has come; only this pace is remembered from step to step.

    Whether an event keeps load down is asked anew each time, of the events that live then.
    """
    coming = turn.memory.coming
    if not looser:
        crowded = blocked(turn.memory) and power_w(turn.memory) > turn.spec.site.service
        since_ms = coming.blocked_ms if crowded else None  # critical load came back without room
        turn.remember(coming=Coming(None, coming.last_ms, 0, coming.done, since_ms))
        return
    coming = _paced(turn)
    turn.remember(coming=coming)
    if turn.now_ms >= (coming.due_ms or 0):
        _return_one(turn, looser, wanted)


def _paced(turn: Turn) -> Coming:
    """The next step as the site's own pace has it; a time later than that is not obeyed."""
    coming, every_ms = turn.memory.coming, turn.spec.restore.every
    if coming.due_ms is None:
        first_ms = max(turn.now_ms, coming.last_ms + every_ms, coming.not_before_ms)
        return changed(coming, due_ms=first_ms, done=0, bridged=False)
    last_ms = max(turn.now_ms + every_ms, coming.not_before_ms)
    return changed(coming, due_ms=min(coming.due_ms, last_ms), bridged=False)


def _return_one(turn: Turn, looser: list[str], wanted: Wanted) -> None:
    """The first circuit, in the order of return, that may come back now; or a look again later."""
    coming, kept = turn.memory.coming, kept_down(turn.spec, turn.memory)
    levels = {id: _next_level(turn, id, wanted[id]) for id in looser}
    fitting = [id for id in looser if _fits(turn, id, levels[id])]
    id = next((id for id in fitting if id not in kept), None)
    if id is None:
        _wait(turn, bool(fitting), any(id not in kept for id in looser))
        return
    had_room = _has_room(turn, id, levels[id])
    give_back(turn, id, levels[id])
    is_back = levels[id] == wanted[id] and turn.memory.circuits[id].enabled
    done = coming.done + is_back
    left = len(looser) > 1 or levels[id] != wanted[id]
    due_ms = turn.now_ms + turn.spec.restore.every if left else None
    blocked_ms = None if had_room else coming.blocked_ms
    turn.remember(coming=Coming(due_ms, turn.now_ms, 0, done, blocked_ms))


def _wait(turn: Turn, fits: bool, blocked: bool) -> None:
    """Nothing comes back now. What fits waits for an event, and is let go once none keeps it.

    `blocked`: something waits for room alone, since when is remembered.
    """
    coming, now_ms = turn.memory.coming, turn.now_ms
    since_ms = now_ms if coming.blocked_ms is None else coming.blocked_ms
    blocked_ms = since_ms if blocked or not fits else None
    due_ms = coming.due_ms if fits else now_ms + turn.spec.restore.every
    turn.remember(coming=changed(coming, due_ms=due_ms, blocked_ms=blocked_ms, bridged=fits))


def _next_level(turn: Turn, id: str, goal_w: int | None) -> int | None:
    """How far a circuit comes back in one step: all the way, or as far as the ramp lets it."""
    circuit, live, ramp_w = turn.spec.circuits[id], turn.memory.circuits[id], turn.spec.restore.ramp
    held_w = live.held_w or 0
    if circuit.control == "ev_pilot" and live.held_w == 0:
        least_w = LEAST_AMPS * circuit.amp_w
        if (goal_w is None or goal_w > least_w) and live.free_w > least_w:
            return least_w
    goal = live.free_w if goal_w is None else goal_w
    if ramp_w is None or goal - held_w <= ramp_w or not graded(circuit):
        return goal_w
    return held_w + ramp_w


def graded(circuit: Circuit) -> bool:
    """It can come back in part. A car's pilot has steps of an ampere, a contactor has none."""
    return circuit.control in ("modulating", "duty_cycle")


def _fits(turn: Turn, id: str, watts: int | None, beside_w: int = 0) -> bool:
    """It may come back, beside `beside_w` that did just before; a critical one also in the end."""
    critical = turn.spec.circuits[id].critical
    return _has_room(turn, id, watts, beside_w) or (critical and blocked(turn.memory))


def _has_room(turn: Turn, id: str, watts: int | None, beside_w: int = 0) -> bool:
    """The site stays below its main breaker with this circuit back, and `beside_w` just before."""
    more_w = _more_w(turn, id, watts)
    return power_w(turn.memory) + beside_w + more_w <= turn.spec.site.service or not more_w


def _more_w(turn: Turn, id: str, watts: int | None) -> int:
    """What a circuit will draw at `watts` beyond what it draws."""
    live = turn.memory.circuits[id]
    level_w = live.free_w if watts is None else min(watts, live.free_w)
    return max(0, level_w - (live.drawn_w or 0))


def _renew(turn: Turn) -> None:
    lives = turn.memory.circuits
    held = {id: live.held_w for id, live in lives.items() if live.held_w is not None}
    due = {**dict.fromkeys(turn.memory.leaving), **held}
    if not due:
        turn.remember(renew_ms=None)
    elif turn.memory.renew_ms is None:
        turn.remember(renew_ms=turn.now_ms + RENEW_MS)
    elif turn.now_ms >= turn.memory.renew_ms:
        turn.remember(renew_ms=turn.now_ms + RENEW_MS)
        turn.do(*(Hold(id, watts, turn.now_ms + LEASE_MS) for id, watts in due.items()))


def _tighter(watts: int, held_w: int | None) -> bool:
    return held_w is None or watts < held_w


def _hold(turn: Turn, id: str, watts: int | None) -> None:
    turn.remember_circuit(id, held_w=watts, asked_mono_ms=turn.memory.mono_ms)
    if turn.spec.observes and watts is None:
        turn.remember(leaving={**turn.memory.leaving, id: turn.spec.circuits[id].driver})
    turn.do(Hold(id, watts, turn.now_ms + LEASE_MS))
