"""The rows of a chart, one by one: can it ever fire, and does it do something where it does?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..chart.registry import SCOPES, never_true
from ..kit.errors import Fault
from ..site.source import Path
from ..site.tables import Row
from .draft import Draft
from .paths import Graph

WANTS = {  # a trigger: what makes it come
    "started": "give it `until: start`",
    "ended": "give it `until: end`",
    "elapsed": "give it `for:`",
    "achieved": "it comes only while a state `sheds`",
    "underperforming": "it comes only while a state `sheds`",
}


def row_faults(draft: Draft, graph: Graph) -> Iterator[Fault]:
    """Every fault of single rows."""
    reached = set(graph.reached())
    for place, row in enumerate(graph.table.transitions):
        at: Path = (graph.chart, "transitions", place)
        if found := _never(draft, at, row):
            yield found
        else:
            yield from _sources(draft, graph, at, place, reached)
        yield from _actions(draft, graph, at, row)


def _never(draft: Draft, at: Path, row: Row) -> Fault | None:
    """A row whose own guards never let it fire."""
    if both := sorted({*row.if_} & {*row.unless}):
        problem = f"this row asks that {both[0]} be so and not so"
        return draft.at(at, "contradiction", problem, "take it out of `if` or of `unless`")
    idle = next((name for name in row.if_ if never_true(name, row.trigger)), None)
    if idle is not None:
        problem = f"this row can never fire: {idle} is never so when {row.trigger} comes"
        return draft.at(at, "dead-row", problem, f"it is so on {_listed(SCOPES[idle].triggers)}")
    return None


def _sources(
    draft: Draft, graph: Graph, at: Path, place: int, reached: set[str]
) -> Iterator[Fault]:
    table = graph.table
    row = table.transitions[place]
    every = "any" in row.from_
    final = [name for name in row.from_ if name in table.states and table.states[name].final]
    if final and not every:
        problem = f"an event in {final[0]} is over, and takes no trigger"
        hint = f"leave {final[0]} out of `from`"
        yield draft.at((*at, "from"), "from-final", problem, hint)
    open_ = [name for name in table.sources(row) if name in reached and name not in final]
    calm = [name for name in open_ if row.trigger not in graph.moments(name)]
    if calm and (not every or calm == open_):
        yield draft.at((*at, "trigger"), "no-such-moment", *_no_moment(graph, row.trigger, calm))
    yield from _dead(draft, graph, at, place, [name for name in open_ if name not in calm], every)


def _no_moment(graph: Graph, trigger: str, calm: list[str]) -> tuple[str, str]:
    initial = graph.table.initial
    if initial in calm and "released" not in graph.moments(initial):
        return f"{trigger} cannot come in {initial}: an event leaves it at once", "leave it out"
    if initial in calm and not graph.entered(initial):
        return f"{trigger} cannot come in {initial}: nothing enters it", "lead a row to it first"
    return f"{trigger} cannot come in {_listed(calm)}", WANTS.get(trigger, "")


def _dead(
    draft: Draft, graph: Graph, at: Path, place: int, names: list[str], every: bool
) -> Iterator[Fault]:
    instead = {name: graph.taken_instead(place, name) for name in names}
    dead = [name for name in names if instead[name]]
    if not dead or (every and dead != names):
        return
    lines = sorted({draft.line((graph.chart, "transitions", n)) for x in dead for n in instead[x]})
    always = len(lines) == 1
    hint = f"the {_rows(lines)} {'always comes first' if always else 'take every case before it'}"
    if dead == names:
        yield draft.at(at, "dead-row", "this row can never fire", hint)
    else:
        problem = f"this row can never fire from {_listed(dead)}"
        yield draft.at((*at, "from"), "half-dead-row", problem, hint)


def _actions(draft: Draft, graph: Graph, at: Path, row: Row) -> Iterator[Fault]:
    for place, name in enumerate(row.do):
        scope = SCOPES.get(name)
        if scope is not None and scope.triggers and row.trigger not in scope.triggers:
            problem = f"{name} does nothing when {row.trigger} comes"
            hint = f"it works on {_listed(scope.triggers)}"
            yield draft.at((*at, "do", place), "idle-action", problem, hint)
    if graph.chart == "event" and row.trigger == "dr_event":
        yield from _terms(draft, graph, at, row)


def _terms(draft: Draft, graph: Graph, at: Path, row: Row) -> Iterator[Fault]:
    """A revision takes over new terms, and enters a state again whose timer they move."""
    states = graph.table.states
    known = [name for name in graph.table.sources(row) if name != graph.table.initial]
    if known and "accept" not in row.do:
        problem = f"new terms in {known[0]} are answered `accepted` and not taken over"
        yield draft.at(at, "terms-not-taken", problem, "write do: accept")
    timed = [name for name in known if name in states and states[name].until]
    if row.to is None and "accept" in row.do and timed:
        until = states[timed[0]].until
        problem = f"new terms move the {until} of an event, and the timer of {timed[0]} stays"
        yield draft.at(at, "stale-end", problem, "write to: same")


def _rows(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"row in line {lines[0]}"
    return f"rows in lines {_listed(map(str, lines))}"


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
