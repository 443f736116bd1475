"""Rules for load that waits to come back, at every moment of a day."""

from __future__ import annotations

from collections.abc import Iterator

from ...curtail.dwell import duration
from ..observer.observer import Observer
from ..world.play import Moment
from .day_rules import day_rule

LATE_MS = 2_000


@day_rule("P48")
def after_all_back_only_people_at_the_site_start_events(
    book: Observer, now: Moment
) -> Iterator[str]:
    if book.calls.unwanted:
        yield f"{book.calls.unwanted} is accepted, although all load was requested back"


@day_rule("E2")
def nothing_is_kept_shed_for_an_event_that_is_gone(book: Observer, now: Moment) -> Iterator[str]:
    waited_ms = now.ms - book.waits.since_ms
    if book.waits.free and waited_ms > book.spec.restore.every + LATE_MS:
        held = ", ".join(book.waits.free)
        yield f"{held} could come back, but nothing came back for {duration(waited_ms)}"
