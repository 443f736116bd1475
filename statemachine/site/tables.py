"""The state charts as declared in ven.yaml: states, and rows of which the first match is taken."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field

from ..kit.quantity import Millis, Percent
from .fields import Flag, Model, Name, OneOf, StateId, Words


class State(Model):
    """A state: how much of the request is shed in it, what ends it, what is done on entering."""

    sheds: Percent | None = Field(
        default=None, description="share of the requested load that is shed in this state"
    )
    until: Annotated[str | None, OneOf("until", "start", "end")] = Field(
        default=None, description="trigger `started` or `ended` when the event starts or ends"
    )
    for_: Millis | None = Field(
        default=None, alias="for", description="trigger `elapsed` after this time"
    )
    enter: Words = Field(
        default=[], description="actions on entering the state; a crash can repeat them"
    )
    final: Flag = Field(default=False, description="the event is over in this state")
    report: Name | None = Field(
        default=None, description="state to publish on the status topic on entering"
    )


class Row(Model):
    """A transition. Without `to` the state stays; `same` leaves it and enters it again."""

    trigger: str = Field(description="what must happen for this row")
    from_: Words = Field(alias="from", description="states it leaves; any: all that are not final")
    to: str | None = Field(
        default=None,
        description="state it enters; same: the present one again; without it the state stays",
    )
    if_: Words = Field(default=[], alias="if", description="guards that must all be true")
    unless: Words = Field(default=[], description="guards that must all be false")
    do: Words = Field(default=[], description="actions of this row")


class Table(Model):
    """A state chart: states, and rows of which the first match is taken."""

    initial: str = Field(description="first state")
    states: dict[StateId, State] = Field(description="states by name")
    transitions: list[Row] = Field(description="rows; the first that matches is taken")

    @cached_property
    def shedding(self) -> frozenset[str]:
        """The states in which an event sheds."""
        return frozenset(name for name, state in self.states.items() if state.sheds)

    def sources(self, row: Row) -> list[str]:
        """The states that a row leaves; `any` is every state that is not final."""
        if "any" in row.from_:
            return [name for name, state in self.states.items() if not state.final]
        return row.from_
