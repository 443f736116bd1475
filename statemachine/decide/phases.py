"""The phases of a decision in the one order that is right, each with the reason for its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..curtail.capacity import next_change_ms
from ..curtail.delivery_tracking import track_delivery
from ..curtail.history import reset_after_reboot, update_history
from ..curtail.requirement import next_end_ms
from ..returns.release import hold_and_release, holds_beyond_plan
from ..state import clock
from ..state.effects import Ack, Effect, Hold, Status, Switch, Wake
from ..state.memory import first_wake
from ..state.triggers import Command, Restarted, Switched, Timer, Toggle
from ..state.turn import Reach, Turn
from ..wire.messages import ack_for, event_status
from . import alarms, backlog, device_faults
from .apply import answer_early, apply_trigger, restate_all
from .copies import remember_command
from .machines import Machines
from .quiet import changes_nothing, is_only_answered
from .switches import due_answers

MAX_ROUNDS = 50  # a chart that fires on and on is stopped here, and goes on with the next trigger
Phase = Callable[[Machines, Turn], None]


def follow_clock(_: Machines, turn: Turn) -> None:
    """Take over both clocks. First, because all that follows compares times."""
    clock.follow_clock(turn)


def restore_after_restart(machines: Machines, turn: Turn) -> None:
    """After a restart, say again what is held. Before timers fire, since a chart that is fired
    now finds no link, and before any command, since devices give back when their lease ends.
    """
    if not isinstance(turn.trigger, Restarted):
        return
    backlog.program_restarted(turn)
    turn.remember(pending=())  # the broker delivers again what was not answered
    if clock.rebooted(turn.before, turn.memory):
        reset_after_reboot(turn)
    machines.shadows.restart(turn)
    for event in list(turn.memory.events.values()):
        if event.state not in turn.spec.event.states:
            turn.told.append((event, "failed"))
            turn.forget_event(event.id)
    restate_all(turn)


def fire_due(machines: Machines, turn: Turn) -> None:
    """Fire the timers that are due, oldest first. Before the trigger, because a command that
    comes late must find the events in the states that they have reached by now.
    """
    machines.shadows.fire_due(turn)
    for _ in range(MAX_ROUNDS):
        due = first_wake(turn.memory.events)
        if due is None or due[0] > turn.now_ms:
            return
        _, id, name = due
        turn.event_id = id
        turn.arm({other: at for other, at in turn.wakes().items() if other != name})
        turn.fire(name, id)


def take_trigger(machines: Machines, turn: Turn) -> None:
    """Apply the trigger itself, now that clock and charts stand where they should."""
    if isinstance(turn.trigger, Restarted):
        _make_up(machines, turn, turn.trigger)
    turn.refusal = _taken(machines, turn)


def set_reach(machines: Machines, turn: Turn) -> None:
    """See how far this decision goes. Here, because only now is known what the trigger changed."""
    if turn.refusal is not None and is_only_answered(turn):
        turn.reach = Reach.ANSWERED
    elif changes_nothing(turn) and not machines.shadows.applied(turn):
        turn.reach = Reach.QUIET


def note_missing_answers(_: Machines, turn: Turn) -> None:
    """A driver that did not answer in time has a fault. Before the plan, which may not count
    on its circuit.
    """
    device_faults.note_missing_answers(turn)


def settle(machines: Machines, turn: Turn) -> None:
    """Plan, hold, and tell the charts what came true; again until no row fires, since a state
    that is entered may ask for more or less load.
    """
    for _ in range(MAX_ROUNDS):
        fire_due(machines, turn)
        done = len(turn.effects)
        hold_and_release(turn)
        moved = any(isinstance(effect, Switch) for effect in turn.effects[done:])  # gives no more
        moved |= _notice(turn)
        if not holds_beyond_plan(turn):
            for id, event in turn.memory.events.items():
                if event.state in machines.returning:
                    moved |= turn.fire("released", id)
        moved |= machines.shadows.applied(turn)
        if not moved:
            break


def answer(_: Machines, turn: Turn) -> None:
    """Answer the command. After the plan, since the ack says what is really curtailed.

    A switch is answered when its driver has moved, by `answer_switches`.
    """
    command = turn.trigger
    if turn.refusal is not None:
        turn.do(turn.refusal)
    elif isinstance(command, Command) and not isinstance(command, Toggle):
        turn.do(ack_for(turn.spec, turn.memory, command))


def answer_switches(_: Machines, turn: Turn) -> None:
    """Answer the switches whose drivers have moved by now, or not in time."""
    turn.do(*due_answers(turn))


def announce(_: Machines, turn: Turn) -> None:
    """Say what became of events. After the plan, since the message carries what is shed."""
    for event, word in turn.told:
        body = event_status(turn.spec, turn.memory, event, word, turn.now_ms)
        turn.do(Status(body))


def raise_alarms(_: Machines, turn: Turn) -> None:
    """Raise and end alarms. After the plan, because one is about a plan that has no room."""
    alarms.update_alarms(turn)


def report_faults(_: Machines, turn: Turn) -> None:
    """Say which circuits and alarms changed in this decision, now that no more will."""
    device_faults.report_faults(turn)


def update_histories(_: Machines, turn: Turn) -> None:
    """Note when circuits went off, came on and gave, by comparing before and after: so after
    all that moves one.
    """
    update_history(turn)


def note_next_change(_: Machines, turn: Turn) -> None:
    """Note when a protection or a requirement next changes by itself. After the histories,
    since dwell times count from them.
    """
    memory = turn.memory
    changes = (next_change_ms(turn.spec, memory), next_end_ms(turn.spec, memory))
    turn.remember(look_ms=min((ms for ms in changes if ms is not None), default=None))


def report_to_shadows(machines: Machines, turn: Turn) -> None:
    """Report to the shadows. After all of the above, because only then is it true."""
    machines.shadows.report(turn)


def set_wake(_: Machines, turn: Turn) -> None:
    """Ask to be woken for the first thing that is due. Last, since every phase may arm one."""
    due_ms = turn.memory.due_ms()
    if due_ms != turn.before.due_ms() or isinstance(turn.trigger, Timer | Restarted):
        turn.do(Wake(due_ms))


PHASES: tuple[tuple[Reach, Phase], ...] = (
    (Reach.ANSWERED, follow_clock),
    (Reach.ANSWERED, restore_after_restart),
    (Reach.ANSWERED, fire_due),
    (Reach.ANSWERED, take_trigger),
    (Reach.ANSWERED, set_reach),
    (Reach.WHOLE, note_missing_answers),
    (Reach.WHOLE, settle),
    (Reach.ANSWERED, answer),
    (Reach.WHOLE, answer_switches),
    (Reach.WHOLE, announce),
    (Reach.WHOLE, raise_alarms),
    (Reach.WHOLE, report_faults),
    (Reach.WHOLE, update_histories),
    (Reach.WHOLE, note_next_change),
    (Reach.QUIET, report_to_shadows),
    (Reach.QUIET, set_wake),
)
"""Each phase with the least reach of a decision that needs it."""


def in_order(effects: Sequence[Effect]) -> list[Effect]:
    """The effects of a decision in the order in which they are carried out.

    Nothing may flow in between: what goes off is off before it is let go, what comes on is held
    before. Of two holds, and of two switches, of a circuit the last counts. Of the messages acks
    come first, since somebody waits for them.
    """
    if len(effects) < 2:
        return list(effects)
    holds = {effect.circuit: effect for effect in effects if isinstance(effect, Hold)}
    switches = {effect.circuit: effect for effect in effects if isinstance(effect, Switch)}
    offs = [effect for effect in switches.values() if not effect.enabled]
    ons = [effect for effect in switches.values() if effect.enabled]
    acks = [effect for effect in effects if isinstance(effect, Ack)]
    others = [effect for effect in effects if not isinstance(effect, Hold | Switch | Ack)]
    return [*offs, *holds.values(), *ons, *acks, *others]


def _make_up(machines: Machines, turn: Turn, restarted: Restarted) -> None:
    """What was asked while nothing could be remembered is done before anything is held."""
    for command in restarted.since:
        turn.trigger = command
        _taken(machines, turn)
    turn.trigger = restarted


def _taken(machines: Machines, turn: Turn) -> Ack | None:
    """Apply a trigger; an ack only where a command is refused, or was answered before."""
    trigger = turn.trigger
    if isinstance(trigger, Command) and (early := answer_early(turn, trigger)):
        return early
    refusal = apply_trigger(turn)
    if refusal is None:
        remember_command(turn)
    if isinstance(trigger, Switched) and trigger.circuit in turn.memory.circuits:
        machines.shadows.switched(turn, trigger)
    if isinstance(trigger, Toggle) and refusal is None:
        machines.shadows.toggled(turn, trigger.circuit, trigger.source)
    machines.shadows.apply(turn)
    return refusal


def _notice(turn: Turn) -> bool:
    """Say what is new of each event's delivery; True if a row took it."""
    moved = False
    for id, word in track_delivery(turn):
        turn.told.append((turn.memory.events[id], word))
        moved |= word != "superseded" and turn.fire(word, id)
    return moved
