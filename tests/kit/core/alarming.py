"""The real core, for what sounds alarms in tests."""

from __future__ import annotations

from statemachine.state.triggers import Trigger
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.harness import Harness
from venctl.health.alarms import Alarms


class Core(Harness):
    """What hears of alarms: the real core, at once."""

    def __init__(self) -> None:
        super().__init__(site(MAPLE))
        self.heard: list[Trigger] = []
        self.alarms = Alarms(lambda: self.memory.alarms, self.post)
        self.alarms.open()

    def post(self, trigger: Trigger) -> None:
        self.heard.append(trigger)
        self.decide(trigger)
