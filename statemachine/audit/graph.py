"""Checks that hold for both charts: states are reached, timers are taken, no path spins."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from ..kit.errors import Finding
from .cases import Case, case_text
from .draft import Draft
from .paths import TIMERS, Graph, Move, Path, path_text

RESERVED = {"any": "every state that is not final", "same": "the state an event is in"}


def unreachable_states(draft: Draft, graph: Graph) -> Iterator[Finding]:
    """Findings about states that no row leads to."""
    ways = graph.reached()
    for name in graph.table.states:
        if name not in ways and name not in RESERVED:
            at = (graph.chart, "states", name)
            yield draft.of(at, "unreached", f"no row leads to {name!r}", _from(graph, name))


def _from(graph: Graph, name: str) -> str:
    """The unreached states that would lead to this one, as a hint; empty if there are none."""
    rows = graph.table.transitions
    before = {x for row in rows if row.to == name for x in graph.table.sources(row) if x != name}
    names = ", ".join(sorted(before))
    return (
        f"only {names} leads to it, which is not reached"
        if before
        else "write one, or remove the state"
    )


def unhandled_timers(draft: Draft, graph: Graph) -> Iterator[Finding]:
    """Findings about states whose `until` or `for` ends and no row takes the trigger."""
    for name in graph.reached():
        state, at = graph.table.states[name], (graph.chart, "states", name)
        if state.final or not graph.entered(name):
            continue
        wanted = [("until", TIMERS[state.until])] if state.until else []
        wanted += [("for", "elapsed")] if state.for_ is not None else []
        for key, trigger in wanted:
            if not graph.rows_at(name, trigger):
                problem = f"`{key}` of {name} fires {trigger}, which no row takes"
                hint = f"write {{trigger: {trigger}, from: {name}, to: ...}}"
                yield draft.of((*at, key), "timer-not-taken", problem, hint)


def dead_ends(graph: Graph, ways: Mapping[str, Path], goals: Container[str]) -> Iterator[str]:
    """Reached states from which no path leads to a goal; one state for each loop."""
    lost = [name for name in ways if graph.shortest_path(name, goals) is None]
    reported: set[str] = set()
    for name in lost:
        circle = set(graph.shortest_paths([name]))
        if name not in reported and all(name in graph.shortest_paths([other]) for other in circle):
            reported |= circle
            yield name


def endless_loops(draft: Draft, graph: Graph, triggers: Iterable[str]) -> Iterator[Finding]:
    """Findings about states that follow each other endlessly without any time passing.

    `triggers` are those that come again at once.
    """
    reported: set[frozenset[str]] = set()
    instant = set(triggers)
    for name in graph.reached():
        for move in _instant(graph, name, instant):
            back = _back(graph, move, instant)
            circle = frozenset({name, *(step.source for step in back or ())})
            if back is None or circle in reported or not _at_once(graph, (move, *back)):
                continue
            reported.add(circle)
            path = path_text(name, (move, *back))
            problem = f"this loops forever without any time passing: {path}"
            at = (graph.chart, "transitions", move.place)
            hint = "write another trigger in one of these rows, like elapsed with `for:`"
            yield draft.at(at, "spinning", problem, hint)


def _instant(graph: Graph, state: str, triggers: Container[str]) -> list[Move]:
    """The moves taken as soon as a state is entered; a move that stays uses up its timer."""
    repeated = ("released", "applied")
    return [
        move
        for move in graph.moves_from(state)
        if move.trigger in triggers and (not move.stays or move.trigger in repeated)
    ]


def _back(graph: Graph, move: Move, triggers: Container[str]) -> Path | None:
    """The shortest path back to where a move started, by moves that take no time."""
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
    """No row of the path has a guard in `if` that another has in `unless`."""
    rows = [graph.table.transitions[move.place] for move in path]
    guards = {name for row in rows for name in row.if_}
    return guards.isdisjoint(name for row in rows for name in row.unless)


def unhandled_case(graph: Graph, state: str, trigger: str) -> Case | None:
    """A case in which no row takes a trigger; None where every case is taken."""
    outcomes = graph.outcomes(state, trigger)
    return next((case for case, move in outcomes.items() if move is None), None)


def describe_case(graph: Graph, state: str, trigger: str, case: Case) -> str:
    """A case in words, with the guards of the rows for a trigger."""
    return case_text(case, graph.rows_at(state, trigger))
