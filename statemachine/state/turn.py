"""One decision in the making: what is known, what came in, and what to do about it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..kit.frozen import changed
from ..site.spec import Spec
from .effects import Effect
from .memory import Event, Memory
from .shadow import Shadow
from .triggers import Trigger


@dataclass(slots=True)
class Turn:
    """Handed to every guard and action. Guards only look; actions remember and yield effects.

    `name` is the trigger's word; `event_id` the event whose chart is being fired, "" for a
    shadow's, whose name is then `key`; `told` what is to be said of an event's life once the
    plan is made.
    """

    spec: Spec
    memory: Memory
    trigger: Trigger
    name: str = ""
    event_id: str = ""
    key: str = ""
    effects: list[Effect] = field(default_factory=list)
    told: list[tuple[Event, str]] = field(default_factory=list)

    @property
    def now_ms(self) -> int:
        return self.trigger.at_ms

    @property
    def event(self) -> Event:
        """The event whose chart is being fired."""
        return self.memory.events[self.event_id]

    @property
    def shadow(self) -> Shadow:
        """The shadow whose chart is being fired."""
        return self.memory.shadows[self.key]

    def remember(self, **fields: Any) -> None:
        """Replace fields of the memory; what is as it was costs nothing."""
        known = self.memory
        news = {name: value for name, value in fields.items() if getattr(known, name) != value}
        if news:
            self.memory = changed(known, **news)

    def remember_event(self, **fields: Any) -> None:
        self.memory = self.memory.event(self.event_id, **fields)

    def forget_event(self, id: str) -> None:
        """An event's life is over."""
        self.remember(events={i: event for i, event in self.memory.events.items() if i != id})

    def remember_shadow(self, **fields: Any) -> None:
        shadows = {**self.memory.shadows, self.key: changed(self.shadow, **fields)}
        self.remember(shadows=shadows)

    def wakes(self) -> dict[str, int]:
        """The remembered wakes of whoever's chart is being fired."""
        return dict(self.event.wakes if self.event_id else self.shadow.wakes)

    def arm(self, wakes: dict[str, int]) -> None:
        """Remember these wakes, and no others, for whoever's chart is being fired."""
        if wakes == self.wakes():
            return
        if self.event_id:
            self.remember_event(wakes=wakes)
        else:
            self.remember_shadow(wakes=wakes)

    def leave(self) -> None:
        """Leaving a state forgets its wakes, and what it still wanted to say."""
        self.arm({})
        if not self.event_id:
            self.remember_shadow(wants="")
