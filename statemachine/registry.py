"""The names a chart in ven.yaml may use: questions for `if`, things to do for `enter` and `do`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .effects import Effect
from .turn import Turn

Guard = Callable[[Turn], bool]
Action = Callable[[Turn], Iterator[Effect]]
GUARDS: dict[str, Guard] = {}
ACTIONS: dict[str, Action] = {}


def guard(function: Guard) -> Guard:
    """Let ven.yaml use `function` by its own name. It only looks, and answers yes or no."""
    GUARDS[function.__name__] = function
    return function


def action(function: Action) -> Action:
    """Let ven.yaml use `function` by its own name. It remembers, and yields effects.

    What is done on entering a state must bear repeating: that is how a crash is cured.
    """
    ACTIONS[function.__name__] = function
    return function
