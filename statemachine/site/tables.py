"""The declared charts: states, and rows of which the first that fits is taken."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..kit.quantity import Millis, Percent
from .fields import Flag, Model, Name, OneOf, StateId, Words


class State(Model):
    """A state: how much of the request holds in it, what ends it, what is done on entering."""

    sheds: Percent | None = Field(
        default=None, description="how much of what is asked is shed while in it"
    )
    until: Annotated[str | None, OneOf("end of a state", "start", "end")] = Field(
        default=None, description="it lasts until the event starts, or ends"
    )
    for_: Millis | None = Field(
        default=None, alias="for", description="after so long: trigger `elapsed`"
    )
    enter: Words = Field(
        default=[], description="actions done on entering; a repeat must do no harm"
    )
    final: Flag = Field(default=False, description="the event is over")
    report: Name | None = Field(default=None, description="said on the status topic on entering")


class Row(Model):
    """A transition. Without `to` the state stays; `same` leaves it and enters it again."""

    trigger: str = Field(description="what happens")
    from_: Words = Field(alias="from", description="states; `any` is all that are not final")
    to: str | None = Field(
        default=None, description="a state, or `same`; without it the state stays"
    )
    if_: Words = Field(default=[], alias="if", description="guards that must all say yes")
    unless: Words = Field(default=[], description="guards that must all say no")
    do: Words = Field(default=[], description="actions done on the way")


class Table(Model):
    """A declared chart: states, and rows of which the first that fits is taken."""

    initial: str = Field(description="where every life begins")
    states: dict[StateId, State] = Field(description="the states by name")
    transitions: list[Row] = Field(description="the rows; of those that fit the first counts")

    def sources(self, row: Row) -> list[str]:
        """The states a row leaves from; `any` is every one that is not final."""
        if "any" in row.from_:
            return [name for name, state in self.states.items() if not state.final]
        return row.from_
