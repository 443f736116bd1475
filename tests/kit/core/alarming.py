"""The real core, for what sounds alarms in tests."""

from __future__ import annotations

from statemachine import Ven
from statemachine.state.triggers import Trigger
from tests.kit.core.sample_sites import MAPLE, site
from venctl.health.alarms import Alarms


class Core:
    """What hears of alarms: the real core, at once."""

    def __init__(self) -> None:
        self.ven = Ven(site(MAPLE))
        self.memory, self.heard = self.ven.start(), list[Trigger]()
        self.alarms = Alarms(lambda: self.memory.alarms, self.post)
        self.alarms.open()

    def post(self, trigger: Trigger) -> None:
        self.heard.append(trigger)
        self.memory, _ = self.ven.decide(self.memory, trigger)
