"""The names that a chart in ven.yaml can use: guards for `if`, actions for `enter` and `do`.

Each function declares itself, with its chart and the triggers it works on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..state.turn import Turn

Guard = Callable[[Turn], bool]
Action = Callable[[Turn], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """The chart of a name, and the triggers on which it can be true, or does anything.

    No triggers: all of them. `implies` is a guard that is true whenever this one is.
    """

    chart: str
    triggers: tuple[str, ...] = ()
    implies: str = ""


GUARDS: dict[str, Guard] = {}
ACTIONS: dict[str, Action] = {}
SCOPES: dict[str, Scope] = {}


def guard(chart: str, *triggers: str, implies: str = "") -> Callable[[Guard], Guard]:
    """Let a chart use the function under its own name. A guard only reads, and returns a bool."""

    def declare(function: Guard) -> Guard:
        GUARDS[function.__name__] = function
        SCOPES[function.__name__] = Scope(chart, triggers, implies)
        return function

    return declare


def action(chart: str, *triggers: str) -> Callable[[Action], Action]:
    """Let a chart use the function under its own name. It changes memory and adds effects.

    An action in `enter` must be safe to repeat, because it is repeated after a crash.
    """

    def declare(function: Action) -> Action:
        ACTIONS[function.__name__] = function
        SCOPES[function.__name__] = Scope(chart, triggers)
        return function

    return declare


def never_true(guard: str, trigger: str) -> bool:
    """Whether the guard is always false on this trigger."""
    scope = SCOPES.get(guard)
    return scope is not None and bool(scope.triggers) and trigger not in scope.triggers
