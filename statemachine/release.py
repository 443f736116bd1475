"""How load is taken at once and comes back in steps, so that the return makes no surge."""

from __future__ import annotations

from collections.abc import Iterator

from .curtail import loads, plan_shed
from .effects import Effect, Hold
from .requirement import required_w
from .turn import Turn

LEASE_MS = 120_000
RENEW_MS = 40_000


def carry_out(turn: Turn) -> Iterator[Effect]:
    """Plan what is required now; hold more at once, let go of one circuit when its time is come.

    One circuit returns each `restore.every`, in reverse shed order, which is critical ones first.
    A circuit that is switched off is let go at once: nothing returns with it.
    """
    memory = turn.memory
    every = loads(turn.spec, memory)
    plan = plan_shed(every, required_w(turn.spec, memory, turn.now_ms), memory.cuts)
    turn.remember(cuts=dict(plan.cuts))
    wanted = {
        load.circuit: load.load_w - plan.cuts[load.circuit] if load.circuit in plan.cuts else None
        for load in every
    }
    for id, watts in wanted.items():
        if watts is not None and _tighter(watts, turn.memory.circuits[id].held_w):
            yield _hold(turn, id, watts)
    looser = [id for id in reversed(wanted) if turn.memory.circuits[id].held_w != wanted[id]]
    for id in [id for id in looser if not turn.memory.circuits[id].enabled]:
        looser.remove(id)
        yield _hold(turn, id, wanted[id])
    yield from _step(turn, looser, wanted)
    yield from _renew(turn)


def beyond_plan(turn: Turn) -> bool:
    """Something is still held that the plan does not ask for."""
    return turn.memory.release_ms is not None


def restate(turn: Turn) -> Iterator[Effect]:
    """Every hold once more, also those that are none: after a restart nobody knows better."""
    for id, live in turn.memory.circuits.items():
        yield Hold(id, live.held_w, turn.now_ms + LEASE_MS)


def _step(turn: Turn, looser: list[str], wanted: dict[str, int | None]) -> Iterator[Effect]:
    if not looser:
        turn.remember(release_ms=None)
        return
    due_ms = turn.memory.release_ms
    if due_ms is None:
        due_ms = max(turn.now_ms, turn.memory.released_ms + turn.spec.restore.every)
    if turn.now_ms >= due_ms:
        first = looser.pop(0)
        turn.remember(released_ms=turn.now_ms)
        yield _hold(turn, first, wanted[first])
        due_ms = turn.now_ms + turn.spec.restore.every
    turn.remember(release_ms=due_ms if looser else None)


def _renew(turn: Turn) -> Iterator[Effect]:
    held = {id: live for id, live in turn.memory.circuits.items() if live.held_w is not None}
    if not held:
        turn.remember(renew_ms=None)
    elif turn.memory.renew_ms is None:
        turn.remember(renew_ms=turn.now_ms + RENEW_MS)
    elif turn.now_ms >= turn.memory.renew_ms:
        turn.remember(renew_ms=turn.now_ms + RENEW_MS)
        for id, live in held.items():
            yield Hold(id, live.held_w, turn.now_ms + LEASE_MS)


def _tighter(watts: int, held_w: int | None) -> bool:
    return held_w is None or watts < held_w


def _hold(turn: Turn, id: str, watts: int | None) -> Hold:
    turn.memory = turn.memory.circuit(id, held_w=watts)
    return Hold(id, watts, turn.now_ms + LEASE_MS)
