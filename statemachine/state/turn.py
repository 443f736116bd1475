"""One decision in the making: what is known, what came in, and what to do about it so far.

A turn is the only writer of memory: guards, actions and phases change it through these methods.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

from ..kit.frozen import changed
from ..site.spec import Spec
from .effects import Ack, Effect
from .memory import Event, Memory
from .shadow import ShadowState
from .triggers import Trigger


class Reach(IntEnum):
    """How much of a decision a trigger needs; each includes the ones before it."""

    ANSWERED = 0
    """A copy or a refusal is answered; nothing else is touched."""
    QUIET = 1
    """The plan stays as it is; a shadow may have something to say."""
    WHOLE = 2
    """The plan is made anew."""


class Charts(Protocol):
    """The executable charts of the events."""

    def fire(self, turn: Turn, name: str, id: str) -> bool: ...


@dataclass(slots=True)
class Turn:
    """Handed to every guard, action and phase. Guards only look; the others write."""

    spec: Spec
    memory: Memory
    """What is known by now."""
    trigger: Trigger
    """What happened, and when."""
    name: str = ""
    """The word of the trigger that is being fired."""
    event_id: str = ""
    """The event whose chart is being fired; "" while a shadow's is."""
    key: str = ""
    """The shadow whose chart is being fired; "" is the classic one."""
    charts: Charts | None = None
    """What `fire` fires; None in a look ahead, which only asks guards."""
    effects: list[Effect] = field(default_factory=list)
    """What to do, in the order in which it was decided."""
    told: list[tuple[Event, str]] = field(default_factory=list)
    """What to say of the life of events once the plan is made."""
    before: Memory = field(init=False)
    """What was known when the trigger came."""
    reach: Reach = Reach.WHOLE
    """How far the decision has to go."""
    refusal: Ack | None = None
    """The answer to a command that is refused, or was answered before."""

    def __post_init__(self) -> None:
        self.before = self.memory

    @property
    def now_ms(self) -> int:
        return self.trigger.at_ms

    @property
    def event(self) -> Event:
        """The event whose chart is being fired."""
        return self.memory.events[self.event_id]

    @property
    def shadow(self) -> ShadowState:
        """The shadow whose chart is being fired."""
        return self.memory.shadows[self.key]

    def fire(self, name: str, id: str) -> bool:
        """Fire the chart of one event; True if a row took the trigger."""
        assert self.charts is not None
        return self.charts.fire(self, name, id)

    def do(self, *effects: Effect) -> None:
        """Have this done, after what was decided so far."""
        self.effects.extend(effects)

    def remember(self, **fields: Any) -> None:
        """Replace fields of the memory; what is as it was costs nothing."""
        was = vars(self.memory)
        news = {
            name: value
            for name, value in fields.items()
            if was[name] is not value and was[name] != value
        }
        if news:
            self.memory = changed(self.memory, **news)

    def remember_circuit(self, id: str, **fields: Any) -> None:
        """Replace fields of one circuit."""
        self.memory = self.memory.circuit(id, **fields)

    def remember_event(self, id: str, **fields: Any) -> None:
        """Replace fields of one live event."""
        self.memory = self.memory.event(id, **fields)

    def forget_event(self, id: str) -> None:
        """An event's life is over."""
        self.remember(events={i: event for i, event in self.memory.events.items() if i != id})

    def remember_shadow(self, **fields: Any) -> None:
        """Replace fields of the shadow whose chart is being fired."""
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
            self.remember_event(self.event_id, wakes=wakes)
        else:
            self.remember_shadow(wakes=wakes)

    def leave(self) -> None:
        """Leaving a state forgets its wakes, and what it still wanted to say."""
        self.arm({})
        if not self.event_id:
            self.remember_shadow(wants="")
