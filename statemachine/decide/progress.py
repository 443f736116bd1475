"""Whether a controller makes progress: what its watchdog asks before it is fed.

A device, a broker or a disk that does not answer is no reason to start again: a call that is given
up in time and tried again is progress. What is left are faults of the program itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LOOK_MS = 10_000  # ten periods; a look takes 0.2 s at most, whatever devices do
TIMER_MS = 5_000  # what is due is seen to at once, and with every look again
CALL_MS = 10_000  # a call is given up after 4.2 s


@dataclass(frozen=True, slots=True)
class Overdue:
    """What was due at `due_ms` by the site's clock has been so since `since_ms`, unseen to."""

    due_ms: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far each part has come; times in ms of a clock that only runs forward.

    `looked_ms`: when the last look at the circuits was over. `timer`: what is due and not seen to.
    `busy_ms`: by circuit, since when its driver has been at one thing, or has not begun what is
    due; those that may rest are absent.
    """

    looked_ms: int
    timer: Overdue | None
    busy_ms: Mapping[str, int]


def overdue(before: Overdue | None, due_ms: int | None, at_ms: int, now_ms: int) -> Overdue | None:
    """What is due next, as seen now at `at_ms` of the site's clock, and since when.

    A clock that is set makes things due, but not overdue: how long that lasts tells `now_ms`.
    """
    if due_ms is None or due_ms > at_ms:
        return None
    return before if before and before.due_ms == due_ms else Overdue(due_ms, now_ms)


def stalled_parts(progress: Progress, now_ms: int) -> tuple[str, ...]:
    """What makes no progress at `now_ms`, for people; empty: all does."""
    return tuple(_stalled(progress, now_ms))


def _stalled(progress: Progress, now_ms: int) -> Iterator[str]:
    if now_ms - progress.looked_ms > LOOK_MS:
        yield f"the circuits have not been read for {LOOK_MS // 1000} s"
    if progress.timer is not None and now_ms - progress.timer.since_ms > TIMER_MS:
        yield f"a timer is overdue by {TIMER_MS // 1000} s"
    late = sorted(id for id, since_ms in progress.busy_ms.items() if now_ms - since_ms > CALL_MS)
    if late:
        yield f"no driver call has ended for {CALL_MS // 1000} s: {', '.join(late)}"
