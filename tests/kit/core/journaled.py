"""A desk with a journal: it knows what it answered, as a running controller does."""

from __future__ import annotations

from typing import Any

from statemachine.decide.copies import recalled
from statemachine.journal.answers import Answers, rows_of
from statemachine.site.spec import Spec
from statemachine.state.triggers import Command
from tests.kit.core.sample_sites import Desk


class Journaled(Desk):
    """A `Desk` that remembers its answers for as long as they count."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.answers = Answers()

    def ack(self, command: Command) -> dict[str, Any]:
        body = super().ack(recalled(command, self.answers.earlier(command), self.memory, False))
        self.answers.keep(rows_of(self.effects, self.ms), self.ms)
        return body
