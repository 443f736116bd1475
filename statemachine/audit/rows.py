"""Checks the rows of a chart one by one: whether each can fire, and whether its actions work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..chart.registry import SCOPES, never_true
from ..kit.errors import Finding
from ..site.source import Path
from ..site.tables import Row
from .draft import Draft
from .paths import Graph

WANTS = {  # trigger: what is missing for it to come
    "started": "write `until: start` in the state, or remove the row",
    "ended": "write `until: end` in the state, or remove the row",
    "elapsed": "write `for:` in the state, or remove the row",
    "achieved": "it only comes in a state with `sheds`; remove the row, or write `sheds`",
    "underperforming": "it only comes in a state with `sheds`; remove the row, or write `sheds`",
}


def row_findings(draft: Draft, graph: Graph) -> Iterator[Finding]:
    """Every finding about a single row."""
    reached = set(graph.reached())
    for index, row in enumerate(graph.table.transitions):
        at: Path = (graph.chart, "transitions", index)
        if finding := _never(draft, at, row):
            yield finding
        else:
            yield from _sources(draft, graph, at, index, reached)
        yield from _actions(draft, graph, at, row)


def _never(draft: Draft, at: Path, row: Row) -> Finding | None:
    """The finding about a row whose guards never let it fire; None if they can."""
    if both := sorted({*row.if_} & {*row.unless}):
        problem = f"{both[0]} is in both `if` and `unless`, so this row can never fire"
        return draft.at(at, "contradiction", problem, "remove it from one of them")
    idle = next((name for name in row.if_ if never_true(name, row.trigger)), None)
    if idle is not None:
        problem = f"this row can never fire: the guard {idle} is never true on {row.trigger}"
        hint = f"use {idle} on {_listed(SCOPES[idle].triggers)}, or remove the row"
        return draft.at(at, "dead-row", problem, hint)
    return None


def _sources(
    draft: Draft, graph: Graph, at: Path, index: int, reached: set[str]
) -> Iterator[Finding]:
    table = graph.table
    row = table.transitions[index]
    from_any = "any" in row.from_
    final = [name for name in row.from_ if name in table.states and table.states[name].final]
    if final and not from_any:
        problem = f"{final[0]} is a final state, so no row can leave it"
        hint = f"remove {final[0]} from `from`"
        yield draft.at((*at, "from"), "from-final", problem, hint)
    open_ = [name for name in table.sources(row) if name in reached and name not in final]
    calm = [name for name in open_ if row.trigger not in graph.moments(name)]
    if calm and (not from_any or calm == open_):
        yield draft.at((*at, "trigger"), "no-such-moment", *_no_moment(graph, row.trigger, calm))
    names = [name for name in open_ if name not in calm]
    yield from _dead(draft, graph, at, index, names, from_any)


def _no_moment(graph: Graph, trigger: str, calm: list[str]) -> tuple[str, str]:
    initial = graph.table.initial
    if initial in calm and "released" not in graph.moments(initial):
        hint = f"remove {initial} from `from`, or remove the row"
        return f"{trigger} cannot come in {initial}, which an event leaves at once", hint
    if initial in calm and not graph.entered(initial):
        hint = f"write a row with `to: {initial}`, or remove this one"
        return f"{trigger} cannot come in {initial}, because no row leads to it", hint
    return f"{trigger} cannot come in {_listed(calm)}", WANTS.get(trigger, "")


def _dead(
    draft: Draft, graph: Graph, at: Path, index: int, names: list[str], from_any: bool
) -> Iterator[Finding]:
    instead = {name: graph.taken_instead(index, name) for name in names}
    dead = [name for name in names if instead[name]]
    if not dead or (from_any and dead != names):
        return
    lines = sorted({draft.line((graph.chart, "transitions", n)) for x in dead for n in instead[x]})
    always = len(lines) == 1
    taken = "is always taken first" if always else "together cover every case first"
    hint = f"the {_rows(lines)} {taken}"
    if dead == names:
        yield draft.at(at, "dead-row", "this row can never fire", hint)
    else:
        problem = f"this row can never fire from {_listed(dead)}"
        yield draft.at((*at, "from"), "half-dead-row", problem, hint)


def _actions(draft: Draft, graph: Graph, at: Path, row: Row) -> Iterator[Finding]:
    for index, name in enumerate(row.do):
        scope = SCOPES.get(name)
        if scope is not None and scope.triggers and row.trigger not in scope.triggers:
            problem = f"the action {name} does nothing on {row.trigger}"
            hint = f"it works on {_listed(scope.triggers)}; remove it here"
            yield draft.at((*at, "do", index), "idle-action", problem, hint)
    if graph.chart == "event" and row.trigger == "dr_event":
        yield from _terms(draft, graph, at, row)


def _terms(draft: Draft, graph: Graph, at: Path, row: Row) -> Iterator[Finding]:
    """A revision must apply its new terms, and restart the timer of a state if they move it."""
    states = graph.table.states
    known = [name for name in graph.table.sources(row) if name != graph.table.initial]
    if known and "accept" not in row.do:
        problem = (
            f"in {known[0]} a revised event is answered `accepted`, but its terms are not used"
        )
        yield draft.at(at, "terms-not-taken", problem, "write `do: accept` in this row")
    timed = [name for name in known if name in states and states[name].until]
    if row.to is None and "accept" in row.do and timed:
        until = states[timed[0]].until
        problem = f"a revision can move the {until} of an event, but {timed[0]} keeps its old timer"
        yield draft.at(at, "stale-end", problem, "write `to: same` in this row")


def _rows(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"row in line {lines[0]}"
    return f"rows in lines {_listed(map(str, lines))}"


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
