"""The rules in ven.yaml, as far as shedding and restoring can affect them.

People and other loads can break `site_below`, and load that does not fit below the main breaker
stays off: a running controller raises an alarm then, and `verify` does not count it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...curtail.site_rules import broken_rules, site_below_text
from ...state.measures import power_w
from ..observer.observer import Observer
from ..world.play import Moment
from .circuit_rules import returning_w, returns_unconditionally
from .day_rules import day_rule

WAITING = ("off_for", "shed_for")


@day_rule("OWN")
def the_rules_of_the_site_hold(book: Observer, now: Moment) -> Iterator[str]:
    for breach in broken_rules(book.spec, now.memory):
        waits = breach.key in WAITING and book.crowded
        if breach.key != "site_below" and not waits:
            yield str(breach)
    yield from _lifted(book, now)


def _lifted(book: Observer, now: Moment) -> Iterator[str]:
    """The site drew less than its limit, and load that comes back lifts it above."""
    drawn_w = power_w(now.memory)
    returned = [hold for hold in book.loosened if not returns_unconditionally(book, hold.circuit)]
    then_w = drawn_w + sum(returning_w(hold, now) for hold in returned)
    for rule in book.spec.always:
        if rule.site_below is not None and drawn_w < rule.site_below <= then_w:
            names = ", ".join(hold.circuit for hold in returned)
            yield f"{site_below_text(rule.site_below)}: {then_w / 1000:.2f} kW once {names} is back"
