"""The actions of the event chart, for `enter` and `do` in ven.yaml."""

from __future__ import annotations

from ..curtail.requirement import event_start_ms
from ..state.triggers import DrEvent
from ..state.turn import Turn
from .registry import action


@action("event", "dr_event")
def accept(turn: Turn) -> None:
    """Accept the event, or the new terms of a revision."""
    command = turn.trigger
    if isinstance(command, DrEvent):
        start_ms = event_start_ms(turn.spec.site.id, turn.event, command)
        if start_ms > turn.now_ms or command.shed_w != turn.event.shed_w:
            turn.remember_event(turn.event_id, short_ms=None, told=())
        turn.remember_event(
            turn.event_id,
            shed_w=command.shed_w,
            start_ms=start_ms,
            end_ms=start_ms + command.duration_ms,
            scheduled=command.start_ms is not None
            or (turn.event.scheduled and start_ms == turn.event.start_ms),
            revision=command.revision,
            issued_ms=command.issued_ms,
            randomize_ms=command.randomize_ms,
            ended_by="",
            ended_why="",
        )
