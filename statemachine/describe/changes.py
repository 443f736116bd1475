"""What a new ven.yaml changes, in words, and which changes a running site can apply at once.

`heater1: shed 100 % -> 50 %; pump1 new; dryer1 removed`. A changed chart waits until no event is
live, because live events are in its states. Topics and addresses wait for the next start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ..site.panel import Circuit
from ..site.spec import Spec
from ..site.tables import Table
from .writer import scalar

_AT_START = ("cloud", "web", "topics")
_CHARTS = ("event", "shadow")
_ONE_BY_ONE = ("circuits", "links", "meter", "mode", "never", "always", *_CHARTS, *_AT_START)


@dataclass(frozen=True, slots=True)
class Changes:
    """`spec` applies now. Lines of changes that are applied, wait for events, or for a start."""

    spec: Spec
    taken: tuple[str, ...]
    waits: tuple[str, ...]
    restart: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """All changes, one a line."""
        waits = [f"{line}; waits until no event is live" for line in self.waits]
        restart = [f"{line}; needs a restart" for line in self.restart]
        return [*self.taken, *waits, *restart] or ["nothing changes"]


def changes(old: Spec, new: Spec, live: bool) -> Changes:
    """From the present site to the one in the file; `live`: an event is active."""
    waits, restart = tuple(_charts(old, new)), tuple(_at_start(old, new))
    site = new.site.model_copy(update={"id": old.site.id})
    kept: dict[str, Any] = {"site": site, **{name: getattr(old, name) for name in _AT_START}}
    if live:
        kept |= {name: getattr(old, name) for name in _CHARTS}
    return Changes(
        spec=new.model_copy(update=kept),
        taken=(*_panel(old, new), *_sections(old, new), *(() if live else waits)),
        waits=waits if live else (),
        restart=restart,
        new=tuple(id for id in new.circuits if id not in old.circuits),
    )


def _panel(old: Spec, new: Spec) -> Iterator[str]:
    for id, circuit in new.circuits.items():
        if id not in old.circuits:
            yield f"{id} new"
        elif text := ", ".join(_circuit(old.circuits[id], circuit)):
            yield f"{id}: {text}"
    yield from (f"{id} removed" for id in old.circuits if id not in new.circuits)
    before = [id for id in old.shed_order() if id in new.circuits]
    after = [id for id in new.shed_order() if id in old.circuits]
    if before != after:
        yield f"shed order: {', '.join(new.shed_order())}"


def _circuit(old: Circuit, new: Circuit) -> Iterator[str]:
    for name, text in _fields(old, new):
        yield text + (" (only applies to a new site)" if name == "enabled" else "")


def _sections(old: Spec, new: Spec) -> Iterator[str]:
    if old.mode != new.mode:
        yield f"mode: {old.mode} -> {new.mode}"
    yield from _links(old, new)
    if old.meter != new.meter and (text := _said_both(old, new, "meter")):
        yield f"main {text}"
    for name in Spec.model_fields:
        if name not in _ONE_BY_ONE:
            changes = [text for key, text in _fields(getattr(old, name), getattr(new, name))
                     if (name, key) != ("site", "id")]  # fmt: skip
            if changes:
                yield f"{name}: {', '.join(changes)}"
    for name in ("never", "always"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name}: rules changed, {len(before)} -> {len(after)}"


def _links(old: Spec, new: Spec) -> Iterator[str]:
    for name, link in new.links.items():
        if name not in old.links:
            yield f"link {name} new"
        elif text := ", ".join(text for _, text in _fields(old.links[name], link)):
            yield f"link {name}: {text}"
    yield from (f"link {name} removed" for name in old.links if name not in new.links)


def _at_start(old: Spec, new: Spec) -> Iterator[str]:
    if old.site.id != new.site.id:
        yield f"site: id {old.site.id} -> {new.site.id}"
    for name in _AT_START:
        if text := ", ".join(text for _, text in _fields(getattr(old, name), getattr(new, name))):
            yield f"{name}: {text}"


def _charts(old: Spec, new: Spec) -> Iterator[str]:
    for name in _CHARTS:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name} chart: {', '.join(_chart(before, after))}"


def _chart(old: Table, new: Table) -> Iterator[str]:
    yield from _named(old.states, new.states)
    if old.initial != new.initial:
        yield f"initial {old.initial} -> {new.initial}"
    if old.transitions != new.transitions:
        added = sum(row not in old.transitions for row in new.transitions)
        dropped = sum(row not in new.transitions for row in old.transitions)
        yield (
            f"rows {added} new, {dropped} removed" if added or dropped else "rows in another order"
        )


def _named(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    for name in new:
        if name not in old:
            yield f"{name} new"
        elif old[name] != new[name]:
            yield f"{name} changed"
    yield from (f"{name} removed" for name in old if name not in new)


def _fields(old: BaseModel, new: BaseModel) -> Iterator[tuple[str, str]]:
    """The settings of a section that differ: name and text, like `shed 100 % -> 50 %`."""
    for name, field in type(new).model_fields.items():
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if isinstance(before, BaseModel) and isinstance(after, BaseModel):
            yield name, f"{name} {', '.join(text for _, text in _fields(before, after))}"
        elif not field.repr or "password" in name:
            yield name, f"{name} changed"
        elif text := _said_both(old, new, name):
            yield name, text


def _said_both(old: BaseModel, new: BaseModel, name: str) -> str:
    """A changed setting, before and after; "" if it is written as before: a link moved."""
    before, after = _said(old, name), _said(new, name)
    label = type(new).model_fields[name].alias or name
    return "" if before == after else f"{label} {before} -> {after}"


def _said(section: BaseModel, name: str) -> str:
    """A value as written in the file; `none` if it is not set."""
    value = section.model_dump(mode="json", include={name})[name]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return scalar(value)
    return ", ".join(value) or "none" if isinstance(value, list) else str(value or "none")
