"""Decisions that raised, in the log: what fails every second is told once."""

from __future__ import annotations

import logging

from statemachine.state.triggers import Trigger

log = logging.getLogger(__name__)


class Raised:
    """Whatever came of a kind of trigger before is told no more than quietly."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, trigger: Trigger, error: Exception) -> None:
        """Call while the error is handled: the log has its traceback."""
        kind = f"{type(trigger).__name__}: {type(error).__name__}"
        new = kind not in self._told
        level = logging.ERROR if new else logging.DEBUG
        log.log(level, "nothing came of %s", trigger, exc_info=new)
        self._told.add(kind)
