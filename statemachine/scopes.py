"""Where a guard or an action of ven.yaml has a meaning: its chart, and the triggers it works on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The chart a name belongs to, and the triggers on which it can say yes, or do anything.

    No triggers: all of them. `implies` is the guard that says yes wherever this one does.
    """

    chart: str
    triggers: tuple[str, ...] = ()
    implies: str = ""


_WISHED = ("document", "delta")
_ANSWERED = ("settled", "reported")

SCOPES: dict[str, Scope] = {
    "starts_later": Scope("event", ("dr_event",)),
    "can_shed": Scope("event"),
    "from_operator": Scope("event"),
    "delivers": Scope("event"),
    "over": Scope("event"),
    "accept": Scope("event", ("dr_event",)),
    "wishes": Scope("shadow", _WISHED),
    "open_wishes": Scope("shadow", _WISHED, implies="wishes"),
    "newer": Scope("shadow", ("delta",)),
    "later": Scope("shadow", ("delta",)),
    "contiguous": Scope("shadow", _ANSWERED),
    "outdated": Scope("shadow", ("document",)),
    "looping": Scope("shadow", _WISHED, implies="wishes"),
    "too_large": Scope("shadow", ("refused",)),
    "get_shadow": Scope("shadow"),
    "adopt": Scope("shadow", _WISHED),
    "apply_wishes": Scope("shadow"),
    "give_up": Scope("shadow"),
    "settle": Scope("shadow"),
    "report": Scope("shadow"),
    "advance": Scope("shadow", _ANSWERED),
    "back_off": Scope("shadow"),
    "note": Scope("shadow", ("delta",)),
    "forget_heard": Scope("shadow"),
    "slim": Scope("shadow"),
    "sound_loop": Scope("shadow"),
}


def never_so(guard: str, trigger: str) -> bool:
    """The guard says no whenever this trigger comes."""
    scope = SCOPES.get(guard)
    return scope is not None and bool(scope.triggers) and trigger not in scope.triggers
