"""Checks the lifecycle of an event: it starts, sheds for a limited time, can be ended, and ends.

It must end without a command: by time and by load coming back, whatever the guards answer.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from ..kit.errors import Finding
from ..site.tables import State
from .draft import Draft
from .graph import (
    dead_ends,
    describe_case,
    endless_loops,
    unhandled_case,
    unhandled_timers,
    unreachable_states,
)
from .paths import PEOPLE, Graph, Path, nearest_state, path_text

OWN = ("started", "ended", "elapsed", "released")
INSTANT = ("started", "ended", "released")


def life_findings(draft: Draft, graph: Graph) -> Iterator[Finding]:
    """Every finding about the lifecycle of an event."""
    initial = graph.table.initial
    if not graph.rows_at(initial, "dr_event"):
        problem = f"no row takes a dr_event in {initial}, so every event is refused"
        hint = f"write {{trigger: dr_event, from: {initial}, to: ...}}"
        yield draft.at(("event", "initial"), "no-event-taken", problem, hint)
        return
    yield from unreachable_states(draft, graph)
    yield from unhandled_timers(draft, graph)
    yield from (spins := list(endless_loops(draft, graph, INSTANT)))
    for name, state in graph.table.states.items():
        yield from _state(draft, graph, name, state)
    yield from _ends(draft, graph, bool(spins))


def _state(draft: Draft, graph: Graph, name: str, state: State) -> Iterator[Finding]:
    at = ("event", "states", name)
    timers = (("until", state.until), ("for", state.for_))
    timed = [key for key, value in timers if value is not None]
    if state.final:
        for key in (*timed, *(["sheds"] if state.sheds else [])):
            problem = f"{name} is a final state, so `{key}` has no effect"
            yield draft.of((*at, key), "final-setting", problem, f"remove `{key}` or `final`")
        return
    if name == graph.table.initial and not graph.entered(name):
        for key in (*timed, *(key for key in ("enter", "report") if getattr(state, key))):
            problem = f"no row leads to the initial state {name}, so `{key}` has no effect"
            yield draft.of((*at, key), "never-entered", problem, "remove it")
    if state.sheds and name in graph.reached():
        yield from _shedding(draft, graph, name, state)
    yield from _ended_by_people(draft, graph, name, state)


def _shedding(draft: Draft, graph: Graph, name: str, state: State) -> Iterator[Finding]:
    at = ("event", "states", name)
    if not graph.timers(name):
        problem = f"{name} sheds load and has no time limit {_way(graph, name)}"
        hint = "write `until: end` or `for:` in the state"
        yield draft.of(at, "endless-shedding", problem, hint)
    if state.until == "start":
        problem = f"{name} sheds load before the event starts"
        hint = "remove `sheds` here; write it in the state that follows the start"
        yield draft.of((*at, "sheds"), "early-shedding", problem, hint)
    if graph.rows_at(name, "released"):
        problem = f"the trigger released comes at once in {name}, because {name} sheds"
        yield draft.of(at, "instant-release", problem, "use ended or elapsed in that row")


def _ended_by_people(draft: Draft, graph: Graph, name: str, state: State) -> Iterator[Finding]:
    """A person's `restore` and the grid's `cancel` are answered `success`, so they must work."""
    if not (state.sheds or _sheds_later(graph, name)) or name not in graph.reached():
        return
    missing = [word for word in ("restore", "cancel") if not graph.rows_at(name, word)]
    if not missing or "restore" not in graph.moments(name):
        return
    kind = "cannot-end" if state.sheds else "cannot-take-back"
    problem = f"no row takes {' or '.join(missing)} in {name}"
    hint = "the event cannot be ended there" if state.sheds else "the event would still start"
    hint = f"{hint}; write {{trigger: {missing[0]}, from: {name}, to: ...}}"
    yield draft.of(("event", "states", name), kind, f"{problem} {_way(graph, name)}", hint)


def _sheds_later(graph: Graph, name: str) -> bool:
    """Whether an event in this state sheds later, without any command."""
    edge, seen = [name], {name}
    for state in edge:
        for move in graph.moves_from(state):
            if move.trigger in OWN and move.target not in seen:
                seen.add(move.target)
                edge.append(move.target)
    states = graph.table.states
    return any(states[x].sheds and not states[x].final for x in seen - {name})


def _ends(draft: Draft, graph: Graph, spins: bool) -> Iterator[Finding]:
    ways, states = graph.reached(), graph.table.states
    final = {name for name, state in states.items() if state.final}
    lived = [x for x in ways if x not in final and "released" in graph.moments(x)]
    lost = {name for name in lived if graph.shortest_path(name, final) is None}
    for name in dead_ends(graph, ways, final):
        why = (
            "no way leads from it to a final state"
            if graph.moves_from(name)
            else "no row leaves it"
        )
        problem = f"an event in {name} never ends, because {why} {_way(graph, name)}"
        to = "a final state" if final else "a state with `final: true`"
        hint = f"write a row from {name} to {to}"
        yield draft.of(("event", "states", name), "no-way-out", problem, hint)
    told = {x for x in lived if _told(graph, x)}
    sure = _sure(graph, lived, final | lost | told)
    unsure = [name for name in lived if name not in sure]
    roots = [name for name in unsure if not _leads_on(graph, name, {*states} - {name}, ())]
    yield from (_stuck(draft, graph, name) for name in roots)
    if unsure and not roots and not spins:
        yield _circle(draft, graph, unsure)


def _told(graph: Graph, name: str) -> bool:
    """Another finding already says that time does not lead out of the state."""
    timers = graph.timers(name)
    endless = graph.table.states[name].sheds and not timers
    return bool(endless or any(not graph.rows_at(name, timer) for timer in timers))


def _sure(graph: Graph, lived: list[str], ended: set[str]) -> set[str]:
    """The states from which an event ends without a command, whatever the guards answer."""
    sure = set(ended)
    while True:
        timed = _until_end(graph, lived, sure)
        more = {name for name in lived if _leads_on(graph, name, sure, timed)} | timed
        if more <= sure:
            return sure
        sure |= more


def _until_end(graph: Graph, lived: list[str], sure: set[str]) -> set[str]:
    """States that the event's end leads out of; until then they may follow each other."""
    timed = {
        name
        for name in lived
        if "ended" in graph.timers(name)
        and all(move and move.target in sure for move in graph.outcomes(name, "ended").values())
    }
    while True:
        kept = {name for name in timed if _stays_within(graph, name, sure | timed)}
        if kept == timed:
            return kept
        timed = kept


def _leads_on(graph: Graph, name: str, sure: Container[str], timed: Container[str]) -> bool:
    """Some trigger that comes by itself leads to `sure` in every case, and none leads elsewhere."""
    if not _stays_within(graph, name, sure, timed):
        return False
    return any(
        all(move and move.target in sure for move in graph.outcomes(name, trigger).values())
        for trigger in _own(graph, name)
    )


def _stays_within(
    graph: Graph, name: str, sure: Container[str], timed: Container[str] = ()
) -> bool:
    targets = {move.target for move in graph.moves_from(name) if move.trigger in OWN} - {name}
    return all(target in sure or target in timed for target in targets)


def _own(graph: Graph, name: str) -> list[str]:
    """The triggers that come by themselves in a state and that a row takes."""
    return [x for x in OWN if x in graph.moments(name) and graph.rows_at(name, x)]


def _stuck(draft: Draft, graph: Graph, name: str) -> Finding:
    """Why an event may stay in a state until somebody sends a command."""
    at, way = ("event", "states", name), _way(graph, name)
    for trigger in _own(graph, name):
        if (case := unhandled_case(graph, name, trigger)) is not None:
            where = describe_case(graph, name, trigger, case)
            problem = (
                f"no row takes {trigger} in {name} if {where}, and the event may never end {way}"
            )
            hint = f"write a last row {{trigger: {trigger}, from: {name}, to: ...}} without `if`"
            return draft.of(at, "missed-moment", problem, hint)
    moves = [
        move for move in graph.moves_from(name) if move.trigger in PEOPLE and move.target != name
    ]
    people = " or ".join(sorted({move.trigger for move in moves}))
    problem = f"without a {people} command an event stays in {name} forever {way}"
    hint = "write `for:` in the state, and a row with trigger elapsed that leads on"
    return draft.of(at, "only-by-hand", problem, hint)


def _circle(draft: Draft, graph: Graph, unsure: list[str]) -> Finding:
    """The finding about states that lead to each other by themselves and nowhere else."""
    ways = graph.reached()
    rounds = {name: _round(graph, name) for name in unsure}
    name = nearest_state(ways, [name for name in unsure if rounds[name]])
    problem = f"without a command an event loops forever: {path_text(name, rounds[name])}"
    hint = f"write a row without `if` from one of these states to a final one {_way(graph, name)}"
    return draft.of(("event", "states", name), "only-by-hand", problem, hint)


def _round(graph: Graph, name: str) -> Path:
    """The shortest way from a state back to itself without a command; empty if there is none."""
    edge: list[tuple[str, Path]] = [(name, ())]
    seen: set[str] = set()
    for state, path in edge:
        for move in graph.moves_from(state):
            if move.trigger in OWN and move.target == name:
                return (*path, move)
            if move.trigger in OWN and move.target not in seen:
                seen.add(move.target)
                edge.append((move.target, (*path, move)))
    return ()


def _way(graph: Graph, name: str) -> str:
    return f"(path: {path_text(graph.table.initial, graph.reached()[name])})"
