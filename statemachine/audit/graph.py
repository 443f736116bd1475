"""What holds of either chart as a graph: states are reached, timers taken, no way is a circle."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from ..kit.errors import Fault
from .cases import Case, spelled
from .draft import Draft
from .paths import TIMERS, Graph, Move, Path, shown

RESERVED = {"any": "every state that is not final", "same": "the state an event is in"}


def unreached(draft: Draft, graph: Graph) -> Iterator[Fault]:
    """States that nothing leads to."""
    ways = graph.reached()
    for name in graph.table.states:
        if name not in ways and name not in RESERVED:
            at = (graph.chart, "states", name)
            yield draft.of(at, "unreached", f"no row leads to {name!r}", _from(graph, name))


def _from(graph: Graph, name: str) -> str:
    """Where the ways begin that would lead to a state, if they could be reached."""
    rows = graph.table.transitions
    before = {x for row in rows if row.to == name for x in graph.table.sources(row) if x != name}
    return f"and none leads to {', '.join(sorted(before))}, from where one would" if before else ""


def untaken(draft: Draft, graph: Graph) -> Iterator[Fault]:
    """States whose `until` or `for` runs out, and no row takes it."""
    for name in graph.reached():
        state, at = graph.table.states[name], (graph.chart, "states", name)
        if state.final or not graph.entered(name):
            continue
        wanted = [("until", TIMERS[state.until])] if state.until else []
        wanted += [("for", "elapsed")] if state.for_ is not None else []
        for key, trigger in wanted:
            if not graph.rows_at(name, trigger):
                problem = f"no row takes {trigger} in {name}"
                hint = f"write {{trigger: {trigger}, from: {name}, to: ...}}"
                yield draft.of((*at, key), "timer-not-taken", problem, hint)


def dead_ends(graph: Graph, ways: Mapping[str, Path], goals: Container[str]) -> Iterator[str]:
    """Reached states from which nothing leads to a goal; of states in a circle the nearest one."""
    lost = [name for name in ways if graph.way(name, goals) is None]
    told: set[str] = set()
    for name in lost:
        circle = set(graph.ways([name]))
        if name not in told and all(name in graph.ways([other]) for other in circle):
            told |= circle
            yield name


def spinning(draft: Draft, graph: Graph, triggers: Iterable[str]) -> Iterator[Fault]:
    """States that follow each other for ever in one moment: `triggers` come again at once."""
    told: set[frozenset[str]] = set()
    instant = set(triggers)
    for name in graph.reached():
        for move in _instant(graph, name, instant):
            back = _back(graph, move, instant)
            circle = frozenset({name, *(step.source for step in back or ())})
            if back is None or circle in told or not _at_once(graph, (move, *back)):
                continue
            told.add(circle)
            path = shown(name, (move, *back))
            problem = f"this goes round for ever in one moment: {path}"
            at = (graph.chart, "transitions", move.place)
            yield draft.at(at, "spinning", problem, "let one of them wait for something else")


def _instant(graph: Graph, state: str, triggers: Container[str]) -> list[Move]:
    """The moves taken in the moment a state is entered; one that stays spends its timer."""
    repeated = ("released", "applied")
    return [
        move
        for move in graph.out(state)
        if move.trigger in triggers and (not move.stays or move.trigger in repeated)
    ]


def _back(graph: Graph, move: Move, triggers: Container[str]) -> Path | None:
    """The shortest way back to where a move began, by moves that take no time."""
    edge: list[tuple[str, Path]] = [(move.target, ())]
    seen = {move.target}
    for state, path in edge:
        if state == move.source:
            return path
        for step in _instant(graph, state, triggers):
            if step.target not in seen:
                seen.add(step.target)
                edge.append((step.target, (*path, step)))
    return None


def _at_once(graph: Graph, path: Path) -> bool:
    """No row on the way asks for what another asks not to be."""
    rows = [graph.table.transitions[move.place] for move in path]
    asked = {name for row in rows for name in row.if_}
    return asked.isdisjoint(name for row in rows for name in row.unless)


def uncovered(graph: Graph, state: str, trigger: str) -> Case | None:
    """A case in which no row takes a trigger; None where every case is taken."""
    outcomes = graph.outcomes(state, trigger)
    return next((case for case, move in outcomes.items() if move is None), None)


def in_words(graph: Graph, state: str, trigger: str, case: Case) -> str:
    """A case as the rows for a trigger ask for it."""
    return spelled(case, graph.rows_at(state, trigger))
