"""Logs decisions that raised; a repeated failure is logged once."""

from __future__ import annotations

import logging

from statemachine.state.triggers import Trigger

log = logging.getLogger(__name__)


class FailureLog:
    """Logs each combination of trigger and exception once, and then only at debug level."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, trigger: Trigger, error: Exception) -> None:
        """Log an exception. Call while it is handled, so that the log has its traceback."""
        kind = f"{type(trigger).__name__}: {type(error).__name__}"
        new = kind not in self._told
        level = logging.ERROR if new else logging.DEBUG
        log.log(level, "an error occurred while processing %s", trigger, exc_info=new)
        self._told.add(kind)
