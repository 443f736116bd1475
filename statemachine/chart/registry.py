"""The names a chart in ven.yaml may use: guards for `if`, actions for `enter` and `do`.

Each is declared where it is written, with its chart and the triggers it works on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..state.turn import Turn

Guard = Callable[[Turn], bool]
Action = Callable[[Turn], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """The chart a name belongs to, and the triggers on which it can say yes, or do anything.

    No triggers: all of them. `implies` is the guard that says yes wherever this one does.
    """

    chart: str
    triggers: tuple[str, ...] = ()
    implies: str = ""


GUARDS: dict[str, Guard] = {}
ACTIONS: dict[str, Action] = {}
SCOPES: dict[str, Scope] = {}


def guard(chart: str, *triggers: str, implies: str = "") -> Callable[[Guard], Guard]:
    """Let a chart use the function by its own name. It only looks, and answers yes or no."""

    def declare(function: Guard) -> Guard:
        GUARDS[function.__name__] = function
        SCOPES[function.__name__] = Scope(chart, triggers, implies)
        return function

    return declare


def action(chart: str, *triggers: str) -> Callable[[Action], Action]:
    """Let a chart use the function by its own name. It writes in the turn.

    What is done on entering a state must bear repeating: that is how a crash is cured.
    """

    def declare(function: Action) -> Action:
        ACTIONS[function.__name__] = function
        SCOPES[function.__name__] = Scope(chart, triggers)
        return function

    return declare


def never_true(guard: str, trigger: str) -> bool:
    """The guard says no whenever this trigger comes."""
    scope = SCOPES.get(guard)
    return scope is not None and bool(scope.triggers) and trigger not in scope.triggers
