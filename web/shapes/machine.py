"""The charts and where events stand in them, as the API and the stream tell them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from .base import shape, words

_Moved = TypedDict(
    "_Moved", {"from": Annotated[str, Field(description="The state that it was in.")]}
)
_Between = TypedDict(
    "_Between",
    {
        "from": Annotated[list[str], Field(description="The states that it leaves from.")],
        "if": Annotated[
            list[str], Field(description="Guards that must say yes; `not NAME`: must say no.")
        ],
    },
)


@shape
class MoveBody(_Moved):
    """An event went from one state to another."""

    to: str
    """The state that it is in now."""
    trigger: str
    """What moved it."""
    at: float
    """When."""


@shape
class TransitionBody(MoveBody):
    """A move, as the stream tells it."""

    event_id: str
    """The event."""


@shape
class LastMoveBody(MoveBody):
    """The last move of any event."""

    id: str
    """The event."""


@shape
class StandingBody(TypedDict):
    """Where a live event stands."""

    id: str
    """The event."""
    state: str
    """Its state."""
    entered: float
    """Since when."""


@shape
class ChartStateBody(TypedDict):
    """A state of a chart."""

    name: str
    """Its name in ven.yaml."""
    label: str
    """Its name for people."""
    final: bool
    """An event in it is over."""
    sheds_percent: int | None
    """How much of the request is shed in it, in percent."""
    until: Annotated[str, words("start", "end")] | None
    """It lasts until the event starts, or ends."""
    for_s: float | None
    """It lasts this many seconds."""
    report: str | None
    """The status message sent on entering it."""


@shape
class ChartRowBody(_Between):
    """A transition of a chart; the first one that fits is taken."""

    trigger: str
    """The trigger."""
    to: str | None
    """The state it leads to; `same` enters the state again; null: the state stays."""
    do: list[str]
    """The actions."""


@shape
class ChartBody(TypedDict):
    """A declared chart."""

    name: Annotated[str, words("event", "shadow")]
    """What it describes."""
    initial: str
    """Its first state."""
    states: list[ChartStateBody]
    """Its states."""
    rows: list[ChartRowBody]
    """Its transitions."""


@shape
class MachineBody(TypedDict):
    """The charts in force, and where events stand in them."""

    charts: list[ChartBody]
    """Both charts."""
    live: list[StandingBody]
    """The live events."""
    last: LastMoveBody | None
    """The last move; null: none yet."""
