"""Says in the log when a rule of the site's own is broken, and when it holds again."""

from __future__ import annotations

import logging

from statemachine.memory import Memory
from statemachine.spec import Spec
from statemachine.watch import watch

log = logging.getLogger(__name__)


class OwnRules:
    """Looks after each decision; each rule is told once."""

    def __init__(self) -> None:
        self._broken: frozenset[str] = frozenset()

    def look(self, spec: Spec, memory: Memory) -> None:
        """Which rules are broken now?"""
        found = {breach.rule: breach for breach in watch(spec, memory)}
        for rule in found.keys() - self._broken:
            log.warning("a rule of this site is broken: %s", found[rule])
        for rule in self._broken - found.keys():
            log.warning("a rule of this site holds again: %s", rule)
        self._broken = frozenset(found)
