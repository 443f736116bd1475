"""What a broker kept for us while we were away, or sends again: it comes right after a connect.

After an outage longer than `commands.max_age`, also across a restart, an undated command for now
that comes before the queue has drained (5 s of quiet, at most 30 s) is too old to be obeyed.
"""

from __future__ import annotations

from ..site.spec import Spec
from ..state.memory import Memory
from ..state.triggers import Command
from ..state.turn import Turn

QUIET_MS, MOST_MS = 5_000, 30_000


def link_lost(turn: Turn) -> None:
    """The link is gone."""
    if turn.memory.lost_ms is None:
        turn.remember(lost_ms=turn.now_ms, draining=None)


def link_restored(turn: Turn) -> None:
    """The link is back; what was kept for us comes in now."""
    span = (turn.now_ms + QUIET_MS, turn.now_ms + MOST_MS)
    turn.remember(draining=span, aged=link_long_lost(turn.spec, turn.memory), lost_ms=None)


def program_restarted(turn: Turn) -> None:
    """The program was away since it last heard anything. What was draining then drains anew.

    Its dates may be of another clock: a machine without a battery comes up in the past.
    """
    before = turn.before
    turn.remember(draining=None)
    if before.aged and before.draining is not None and before.draining[0] > before.at_ms:
        turn.remember(lost_ms=turn.now_ms - turn.spec.commands.max_age - 1)
    elif before.at_ms and before.lost_ms is None:
        turn.remember(lost_ms=min(before.at_ms, turn.now_ms))


def note_arrival(turn: Turn, command: Command) -> None:
    """A command of the operator came in: while the queue drains, quiet begins anew."""
    if command.source == "operator" and (span := turn.memory.draining) is not None:
        until_ms, last_ms = span
        open_ms = min(turn.now_ms + QUIET_MS, last_ms) if turn.now_ms < until_ms else None
        turn.remember(draining=(open_ms, last_ms) if open_ms is not None else None)


def too_old_reason(spec: Spec, memory: Memory, command: Command) -> str:
    """Why an undated command of the operator may be old; "" where it may not."""
    if command.source != "operator":
        return ""
    if not (memory.aged and memory.draining) and not link_long_lost(spec, memory):
        return ""
    return "it may have waited while this site was offline; send it again, with `issued_at`"


def is_draining(memory: Memory) -> bool:
    """What comes in from the broker now may have waited there, or come before."""
    return memory.lost_ms is not None or memory.draining is not None


def connected_ms(memory: Memory) -> int | None:
    """When the link came up whose queue drains now; None: it is away, or drained."""
    return None if memory.draining is None else memory.draining[1] - MOST_MS


def link_long_lost(spec: Spec, memory: Memory) -> bool:
    """The link is away for longer than a command may be old."""
    return memory.lost_ms is not None and memory.at_ms - memory.lost_ms > spec.commands.max_age
