"""Load is shed at once and comes back in steps, so that its return makes no surge.

One circuit comes back each `restore.every`, in reverse shed order: critical ones first. A step
never takes the site above its main breaker or brings back more than `restore.ramp`; a charging car
comes back at 6 A first. If there was no room for so long that it is an alarm, critical circuits
come back anyway, one each step. Circuits within their minimum time off, and those that an event is
about to shed anyway (`bridge.py`), wait without holding up the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..curtail.dwell import must_stay_off_ms, off_left_ms
from ..curtail.failing import awaiting_return, failing_holds
from ..curtail.plan import Load
from ..curtail.replan import replan
from ..curtail.requirement import random_offset_ms
from ..kit.frozen import changed
from ..site.panel import LEAST_AMPS, Circuit
from ..site.spec import Spec
from ..state.circuit import CircuitState
from ..state.effects import BY_EVENT, Hold, Switch
from ..state.measures import power_w
from ..state.memory import Memory, Returning
from ..state.turn import Turn
from .bridge import bridged_circuits
from .idle import return_is_blocked

LEASE_MS = 120_000
RENEW_MS = 40_000

Wanted = Mapping[str, int | None]


def hold_and_release(turn: Turn) -> None:
    """Plan what is required now; hold more at once, and release one circuit whenever one is due.

    A circuit that is switched off or locked is released at once. One that is switched on within
    its minimum time off is held at 0 W until then. In observe mode nothing is held; earlier holds
    are released in the same steps.
    """
    wanted = _wanted(turn, replan(turn))
    for id, watts in wanted.items():
        if watts is not None and _tighter(watts, turn.memory.circuits[id].held_w):
            _hold(turn, id, watts)
    looser = [id for id in reversed(wanted) if turn.memory.circuits[id].held_w != wanted[id]]
    for id in [id for id in looser if _waits_for_nothing(turn.memory.circuits[id])]:
        looser.remove(id)
        return_load(turn, id, wanted[id])
    _return_overdue(turn, looser, wanted)
    left = [id for id in looser if turn.memory.circuits[id].held_w != wanted[id]]
    _step(turn, left, wanted)
    _renew(turn)


def return_load(turn: Turn, id: str, watts: int | None) -> None:
    """Let a circuit draw up to `watts`; if it is off and comes back by hand, switch it off."""
    circuit, live = turn.spec.circuits[id], turn.memory.circuits[id]
    if stays_off(circuit, live):  # off first, or load would come on in between
        turn.remember_circuit(id, enabled=False, switched_by=BY_EVENT, switched_ms=turn.now_ms)
        turn.do(Switch(id, False, BY_EVENT))
    _hold(turn, id, watts)


def holds_beyond_plan(turn: Turn) -> bool:
    """Whether something is held beyond the plan, or a driver has yet to confirm a release."""
    memory = turn.memory
    left = [live for id, live in memory.circuits.items() if id not in memory.cuts]
    return (
        memory.coming.due_ms is not None
        or bool(awaiting_return(turn.spec, memory))
        or any(live.held_w is None and live.awaits_ms(memory.mono_ms) for live in left)
    )


def restate_holds(turn: Turn) -> list[Hold]:
    """Repeat the hold of every circuit, also None, because after a restart its state is not known.

    In observe mode only earlier holds are repeated.
    """
    until_ms = turn.now_ms + LEASE_MS
    levels = {
        id: live.held_w
        for id, live in turn.memory.circuits.items()
        if live.held_w is not None or not turn.spec.observes
    }
    holds = [Hold(id, watts, until_ms) for id, watts in levels.items()]
    return holds + [Hold(id, None, until_ms) for id in turn.memory.leaving]


def start_random_return(turn: Turn) -> None:
    """After an event of the operator, load starts to come back at a random moment.

    It is derived from venId and event id. After an event from the site it comes back at once. Of
    two delays the later counts, a cancel after the end changes nothing, and only a request for load
    back ends the delay.
    """
    within_ms = turn.spec.restore.spread
    if within_ms and turn.event.source == "operator":
        late_ms = random_offset_ms(turn.spec.site.id, f"return-{turn.event.id}", within_ms)
        coming = turn.memory.coming
        not_before_ms = max(coming.not_before_ms, turn.now_ms + late_ms)
        turn.remember(coming=changed(coming, not_before_ms=not_before_ms))


def circuits_to_return(spec: Spec, memory: Memory, all_loads: Sequence[Load]) -> list[str]:
    """The circuits whose load is still to come back, the next one first."""
    wanted, lives = _plain(spec, memory, all_loads), memory.circuits
    return [id for id in reversed(wanted) if lives[id].enabled and lives[id].held_w != wanted[id]]


def _wanted(turn: Turn, all_loads: Sequence[Load]) -> dict[str, int | None]:
    """The hold of each circuit once all has come back, in shed order; None: free."""
    spec, memory = turn.spec, turn.memory
    wanted = _plain(spec, memory, all_loads)
    for id, live in memory.circuits.items():
        circuit = spec.circuits[id]
        rests = live.enabled and must_stay_off_ms(circuit, live, memory.mono_ms)
        whole = circuit.control == "relay" or stays_off(circuit, live)
        if rests or (wanted[id] is not None and whole):
            wanted[id] = 0
    return wanted


def stays_off(circuit: Circuit, live: CircuitState) -> bool:
    """It was shed wholly and comes back by hand: a smaller cut does not switch it on again."""
    by_hand = circuit.comes_back == "by_hand" and live.enabled
    return by_hand and live.giving and live.held_w == 0


def _plain(spec: Spec, memory: Memory, all_loads: Sequence[Load]) -> dict[str, int | None]:
    """The hold of each circuit by the plan alone, in shed order; None: free."""
    if spec.observes:
        return {load.circuit: None for load in all_loads}
    failing = failing_holds(spec, memory)
    return {load.circuit: _level(memory, load, failing.get(load.circuit)) for load in all_loads}


def _level(memory: Memory, load: Load, asked_w: int | None) -> int | None:
    """The hold for one circuit. `asked_w`: what a failing one is to shed, by no tighter hold."""
    cut_w, live = memory.cuts.get(load.circuit), memory.circuits[load.circuit]
    if cut_w is not None and live.deaf_w is not None and live.held_w is not None:
        return live.held_w  # it sheds less than its hold, which stays the same
    if asked_w is not None:
        return max(live.held_w or 0, load.load_w - asked_w)
    return None if cut_w is None else max(0, load.load_w - cut_w)


def _waits_for_nothing(live: CircuitState) -> bool:
    """Whether it can be released at once: it is off, or a person locked it."""
    return not live.enabled or live.locked_by is not None


def _return_overdue(turn: Turn, looser: list[str], wanted: Wanted) -> None:
    """Release circuits at the end of their maximum time off, without waiting for their turn."""
    beside_w = 0
    for id in [id for id in looser if _off_too_long(turn, id)]:
        watts = _next_level(turn, id, wanted[id])
        if _fits(turn, id, watts, beside_w):
            beside_w += _more_w(turn, id, watts)
            return_load(turn, id, watts)
            _queue_behind(turn)


def _off_too_long(turn: Turn, id: str) -> bool:
    circuit, live = turn.spec.circuits[id], turn.memory.circuits[id]
    rests = must_stay_off_ms(circuit, live, turn.memory.mono_ms)
    return live.off and not rests and off_left_ms(circuit, live, turn.memory.mono_ms) == 0


def _queue_behind(turn: Turn) -> None:
    """A circuit came back out of turn: the next one comes `restore.every` later."""
    coming, next_ms = turn.memory.coming, turn.now_ms + turn.spec.restore.every
    due_ms = coming.due_ms and max(coming.due_ms, next_ms)
    turn.remember(coming=changed(coming, last_ms=turn.now_ms, due_ms=due_ms))


def _step(turn: Turn, looser: list[str], wanted: Wanted) -> None:
    """Release one more circuit when it is due; only this pace is stored between steps.

    Whether an event keeps load shed is decided again at each step.
    """
    coming = turn.memory.coming
    if not looser:
        crowded = return_is_blocked(turn.memory) and power_w(turn.memory) > turn.spec.site.service
        since_ms = coming.blocked_ms if crowded else None  # critical load came back without room
        turn.remember(coming=Returning(None, coming.last_ms, 0, coming.done, since_ms))
        return
    coming = _paced(turn)
    turn.remember(coming=coming)
    if turn.now_ms >= (coming.due_ms or 0):
        _return_one(turn, looser, wanted)


def _paced(turn: Turn) -> Returning:
    """The next step at the pace of the site; a later time than that is moved forward."""
    coming, every_ms = turn.memory.coming, turn.spec.restore.every
    if coming.due_ms is None:
        first_ms = max(turn.now_ms, coming.last_ms + every_ms, coming.not_before_ms)
        return changed(coming, due_ms=first_ms, done=0, bridged=False)
    last_ms = max(turn.now_ms + every_ms, coming.not_before_ms)
    return changed(coming, due_ms=min(coming.due_ms, last_ms), bridged=False)


def _return_one(turn: Turn, looser: list[str], wanted: Wanted) -> None:
    """Release the first circuit, in the order of return, that can come back now; or wait."""
    coming, kept = turn.memory.coming, bridged_circuits(turn.spec, turn.memory)
    levels = {id: _next_level(turn, id, wanted[id]) for id in looser}
    fitting = [id for id in looser if _fits(turn, id, levels[id])]
    id = next((id for id in fitting if id not in kept), None)
    if id is None:
        _wait(turn, bool(fitting), any(id not in kept for id in looser))
        return
    had_room = _has_room(turn, id, levels[id])
    return_load(turn, id, levels[id])
    is_back = levels[id] == wanted[id] and turn.memory.circuits[id].enabled
    done = coming.done + is_back
    left = len(looser) > 1 or levels[id] != wanted[id]
    due_ms = turn.now_ms + turn.spec.restore.every if left else None
    blocked_ms = None if had_room else coming.blocked_ms
    turn.remember(coming=Returning(due_ms, turn.now_ms, 0, done, blocked_ms))


def _wait(turn: Turn, fits: bool, blocked: bool) -> None:
    """Nothing comes back now. `fits`: only events keep it shed. `blocked`: it waits for room."""
    coming, now_ms = turn.memory.coming, turn.now_ms
    since_ms = now_ms if coming.blocked_ms is None else coming.blocked_ms
    blocked_ms = since_ms if blocked or not fits else None
    due_ms = coming.due_ms if fits else now_ms + turn.spec.restore.every
    turn.remember(coming=changed(coming, due_ms=due_ms, blocked_ms=blocked_ms, bridged=fits))


def _next_level(turn: Turn, id: str, goal_w: int | None) -> int | None:
    """The next hold of a circuit: its goal, or as far as the ramp allows; None: free."""
    circuit, live, ramp_w = turn.spec.circuits[id], turn.memory.circuits[id], turn.spec.restore.ramp
    held_w = live.held_w or 0
    if circuit.control == "ev_pilot" and live.held_w == 0:
        least_w = LEAST_AMPS * circuit.amp_w
        if (goal_w is None or goal_w > least_w) and live.free_w > least_w:
            return least_w
    goal = live.free_w if goal_w is None else goal_w
    if ramp_w is None or goal - held_w <= ramp_w or not returns_in_part(circuit):
        return goal_w
    return held_w + ramp_w


def returns_in_part(circuit: Circuit) -> bool:
    """Whether it can come back in parts of any size, unlike a relay or an EV pilot."""
    return circuit.control in ("modulating", "duty_cycle")


def _fits(turn: Turn, id: str, watts: int | None, beside_w: int = 0) -> bool:
    """Whether it can come back after `beside_w` just did; a critical one also when blocked."""
    critical = turn.spec.circuits[id].critical
    return _has_room(turn, id, watts, beside_w) or (critical and return_is_blocked(turn.memory))


def _has_room(turn: Turn, id: str, watts: int | None, beside_w: int = 0) -> bool:
    """Whether the site stays below its main breaker with this circuit and `beside_w` back."""
    more_w = _more_w(turn, id, watts)
    return power_w(turn.memory) + beside_w + more_w <= turn.spec.site.service or not more_w


def _more_w(turn: Turn, id: str, watts: int | None) -> int:
    """What a circuit will draw with a hold at `watts` beyond what it draws now."""
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
        turn.remember(leaving={**turn.memory.leaving, id: turn.spec.circuits[id].kept_driver})
    turn.do(Hold(id, watts, turn.now_ms + LEASE_MS))
