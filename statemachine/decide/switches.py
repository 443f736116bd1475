"""A person's switch is done when its relay says so: who asked hears that, once and in time.

`success` when the driver did it; `device`, with the driver's words, where it did not within 5 s: a
retry may still succeed in that time. The wish stays, and the driver is told until it has done it.
"""

from __future__ import annotations

from ..curtail import savings
from ..state.effects import Ack, Switch
from ..state.pending_switch import PendingSwitch, pending_switch
from ..state.triggers import NO_ANSWER, Switched, Toggle
from ..state.turn import Turn
from ..wire.messages import ack_for, duplicate, rejected

PATIENCE_MS = 5_000


def start_switch(turn: Turn, command: Toggle) -> None:
    """Have a circuit switched, and answer when it is. A copy only waits for the same answer."""
    pending = next((x for x in turn.memory.pending if _same(x, command)), None)
    if pending is None:
        _wish(turn, command)
    due_ms = turn.now_ms + PATIENCE_MS if pending is None else pending.due_ms
    waiting = pending_switch(command, due_ms, copy=pending is not None)
    turn.remember(pending=(*turn.memory.pending, waiting))


def _same(pending: PendingSwitch, command: Toggle) -> bool:
    """The very same command, delivered once more."""
    return bool(command.key) and (pending.key, pending.digest) == (command.key, command.digest)


def _wish(turn: Turn, command: Toggle) -> None:
    marks = {"changed_mono_ms": command.mono_ms}
    savings.switch_circuit(turn, command.circuit, command.enabled, command.source, **marks)
    turn.do(Switch(command.circuit, command.enabled, command.source))


def due_answers(turn: Turn) -> list[Ack]:
    """The acks whose time has come; what they answered waits no more."""
    if not turn.memory.pending:
        return []
    acks = [(pending, _answer(turn, pending)) for pending in turn.memory.pending]
    turn.remember(pending=tuple(pending for pending, ack in acks if ack is None))
    return [ack for _, ack in acks if ack is not None]


def _answer(turn: Turn, pending: PendingSwitch) -> Ack | None:
    live, command = turn.memory.circuits.get(pending.circuit), pending.command()
    if live is None:
        return rejected(command, "not_found", f"{pending.circuit} is no longer in ven.yaml")
    name = turn.spec.name_of(pending.circuit)
    if live.enabled != pending.enabled:
        other = "on" if live.enabled else "off"
        return rejected(command, "conflict", f"{name} was switched {other} by a later command")
    if _moved(turn, pending):
        first = ack_for(turn.spec, turn.memory, command)
        return duplicate(command, first.body) if pending.copy else first
    if turn.now_ms < pending.due_ms:
        return None
    why = live.fault or NO_ANSWER
    detail = f"{name} did not follow within {PATIENCE_MS // 1000} s: {why}; venctl keeps trying"
    return rejected(command, "device", detail)


def _moved(turn: Turn, pending: PendingSwitch) -> bool:
    answer = turn.trigger
    if not isinstance(answer, Switched) or answer.fault is not None:
        return False
    return (answer.circuit, answer.enabled) == (pending.circuit, pending.enabled)
