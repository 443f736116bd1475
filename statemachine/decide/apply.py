"""What came in, taken to heart: commands of people and of the grid, readings, the world's news.

A refusal, or the first ack of a copy, is answered here; every other command is acked when the plan
is made.
"""

from __future__ import annotations

from ..curtail.estimate import unread_for_long
from ..curtail.limits import remember_event
from ..kit.frozen import changed
from ..returns.ending import closed_reason, closed_to_events, missing_confirmation
from ..returns.release import restate_holds
from ..state.circuit import CircuitState
from ..state.effects import Ack, Switch
from ..state.memory import Event, PlanBasis, Returning
from ..state.triggers import (
    Acknowledge,
    Cancel,
    Command,
    Connected,
    Disconnected,
    DrEvent,
    Held,
    Invalid,
    Lock,
    Noticed,
    OptOut,
    Readings,
    Reloaded,
    Restarted,
    Restore,
    SetConfig,
    Switched,
    Toggle,
)
from ..state.turn import Turn
from ..wire.messages import duplicate, rejected
from .admit import event_refusal, event_run, stale_reason
from .alarms import acknowledge, apply_noticed
from .backlog import link_lost, link_restored, note_arrival
from .copies import copy_of
from .device_faults import apply_held, apply_switched
from .early_end import cancel_event, opt_out, restore_load
from .locks import lock, locked_out
from .readings import apply_readings
from .switches import start_switch


def answer_early(turn: Turn, command: Command) -> Ack | None:
    """The ack of what is no new command: garbage, a copy, a clash."""
    if isinstance(command, Invalid):
        return rejected(command, command.reason, command.detail)
    note_arrival(turn, command)
    match copy_of(command, turn.memory):
        case None:
            return None
        case (str(reason), str(detail)):
            return rejected(command, reason, detail)
        case first:
            return duplicate(command, first)


def apply_trigger(turn: Turn) -> Ack | None:
    """Do what the trigger says, but for the shadow's; an ack only where it is refused."""
    if isinstance(turn.trigger, Command) and (why := missing_confirmation(turn, turn.trigger)):
        return rejected(turn.trigger, "operator", why)
    match turn.trigger:
        case DrEvent() as command:
            return _call(turn, command)
        case Restore() as command:
            return restore_load(turn, command)
        case Cancel() as command:
            return cancel_event(turn, command)
        case OptOut() as command:
            return opt_out(turn, command)
        case Toggle() as command:
            return _toggle(turn, command)
        case Lock() as command:
            return lock(turn, command)
        case Acknowledge() as command:
            return acknowledge(turn, command)
        case SetConfig() as command:
            if why := stale_reason(turn.spec, turn.memory, command):
                return rejected(command, "expired", why)
            turn.remember(every_ms=command.every_ms, every_mono_ms=command.mono_ms)
        case Reloaded():
            apply_reload(turn, turn.trigger)
        case Held() as answer:
            apply_held(turn, answer)
        case Switched() as answer:
            apply_switched(turn, answer)
        case Noticed() as notice:
            apply_noticed(turn, notice)
        case Readings() as readings:
            apply_readings(turn, readings)
        case Connected():
            link_restored(turn)
        case Disconnected():
            link_lost(turn)
    return None


def _call(turn: Turn, command: DrEvent) -> Ack | None:
    spec, id = turn.spec, command.event_id
    if refusal := event_refusal(spec, turn.memory, command):
        return rejected(command, *refusal)
    event = turn.memory.events.get(id)
    span = event_run(spec, turn.memory, command)
    if event is None:
        turn.remember(events={**turn.memory.events, id: _new(turn, command, span.start_ms)})
    if not turn.fire("dr_event", id):
        if event is None:
            turn.remember(events={i: e for i, e in turn.memory.events.items() if i != id})
        state = event.state if event else spec.event.initial
        return rejected(
            command, "conflict", f"the event chart of this site takes no event in {state!r}"
        )
    turn.remember(past=remember_event(turn.memory, span, event is None), shut_ms=0)
    return None


def _new(turn: Turn, command: DrEvent, start_ms: int) -> Event:
    return Event(
        id=command.event_id,
        source=command.source,
        shed_w=command.shed_w,
        start_ms=start_ms,
        end_ms=start_ms + command.duration_ms,
        scheduled=command.start_ms is not None or start_ms > turn.now_ms,
        revision=command.revision,
        state=turn.spec.event.initial,
        entered_ms=command.at_ms,
        randomize_ms=command.randomize_ms,
        issued_ms=command.issued_ms,
    )


def _toggle(turn: Turn, command: Toggle) -> Ack | None:
    circuit, afar = turn.spec.circuits.get(command.circuit), command.source == "operator"
    if circuit is None:
        return rejected(command, "not_found", f"no circuit is called {command.circuit!r}")
    name = turn.spec.name_of(command.circuit)
    if why := stale_reason(turn.spec, turn.memory, command):
        return rejected(command, "expired", why)
    if turn.spec.observes:
        return rejected(command, "locked_out", "this site only observes, so nothing is switched")
    if circuit.locked or (circuit.remote == "no" and afar):
        return rejected(command, "locked_out", f"{name} cannot be switched remotely")
    if (refusal := locked_out(turn, command.circuit)) is not None:
        return rejected(command, *refusal)
    if circuit.comes_back == "by_hand" and command.enabled and afar:
        return rejected(command, "locked_out", f"{name} can only be switched on by hand")
    if not command.enabled and closed_to_events(turn.memory, command.source):
        return rejected(command, "opted_out", closed_reason(turn.spec, turn.memory))
    if circuit.critical and not command.enabled and not command.confirmed:
        how = "confirm it with `confirm_critical: true` or --confirm"
        return rejected(command, "critical", f"{name} is critical; to switch it off, {how}")
    start_switch(turn, command)
    return None


def apply_reload(turn: Turn, reloaded: Reloaded) -> None:
    """Another file is in force: plan anew, and say to every driver where its circuits stand."""
    turn.remember(basis=PlanBasis())
    if reloaded.every_ms is not None:
        turn.remember(every_ms=reloaded.every_ms, every_mono_ms=reloaded.mono_ms)
    turn.do(*restate_holds(turn), *_switches(turn))


def _switches(turn: Turn) -> list[Switch]:
    if turn.spec.observes:
        return []
    lives = turn.memory.circuits.items()
    return [Switch(id, live.enabled, live.switched_by or "file") for id, live in lives]


def restate_all(turn: Turn) -> None:
    """Nobody knows better what is held and switched than memory does: say it all once more.

    What was read before counts until it is read again, or load would flicker at every start; what
    was surely free draws what its meter shows, whether its driver says so once more or not. Where
    memory could not be read, everything is given back and switches stay as people left them.
    """
    mono_ms = turn.memory.mono_ms
    read = {id: _seen_now(live, mono_ms) for id, live in turn.memory.circuits.items()}
    turn.remember(circuits=read, renew_ms=None, coming=_resumed(turn))
    holds = restate_holds(turn)
    turn.do(*holds)
    ids = [hold.circuit for hold in holds if hold.circuit in read]
    owed = [id for id in ids if read[id].held_w is not None or not read[id].sure]
    asked = {id: changed(read[id], asked_mono_ms=mono_ms) for id in owed}
    turn.remember(circuits={**read, **asked})
    if not isinstance(turn.trigger, Restarted) or turn.trigger.known:
        turn.do(*_switches(turn))


def _seen_now(live: CircuitState, mono_ms: int) -> CircuitState:
    """A circuit as if it was read just now; whether it ran while nobody looked is not known."""
    if live.read_mono_ms is None:
        return live
    rests = live.stopped_mono_ms is not None and unread_for_long(live, mono_ms)
    return changed(live, read_mono_ms=mono_ms, **({"stopped_mono_ms": mono_ms} if rests else {}))


def _resumed(turn: Turn) -> Returning:
    """How load goes on coming back: when it would have, was the program not away.

    Where a step is the last thing known, it may be carried out only now, as it is said again: what
    comes next keeps its distance to this moment. A random wait that is longer goes on.
    """
    before, now_ms, coming = turn.before, turn.now_ms, turn.memory.coming
    if before.at_ms > before.coming.last_ms or not before.coming.last_ms:
        return changed(coming, last_ms=min(coming.last_ms, now_ms))
    due_ms = coming.due_ms and max(coming.due_ms, now_ms + turn.spec.restore.every)
    return changed(coming, last_ms=now_ms, due_ms=due_ms)
