"""The life of an event as its chart tells it: it begins, sheds for a time, can be ended, and ends.

It must end by its own means: by time and by load coming back, whatever the guards answer and
though nobody sends a command.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from ..kit.errors import Fault
from ..site.tables import State
from .draft import Draft
from .graph import dead_ends, in_words, spinning, uncovered, unreached, untaken
from .paths import PEOPLE, Graph, Path, shortest, shown

OWN = ("started", "ended", "elapsed", "released")
INSTANT = ("started", "ended", "released")


def life_faults(draft: Draft, graph: Graph) -> Iterator[Fault]:
    """Every fault of an event's life as a whole."""
    initial = graph.table.initial
    if not graph.rows_at(initial, "dr_event"):
        problem = f"no row takes a dr_event in {initial}, so every event is refused"
        hint = f"write {{trigger: dr_event, from: {initial}, to: ...}}"
        yield draft.at(("event", "initial"), "no-event-taken", problem, hint)
        return
    yield from unreached(draft, graph)
    yield from untaken(draft, graph)
    yield from (spins := list(spinning(draft, graph, INSTANT)))
    for name, state in graph.table.states.items():
        yield from _state(draft, graph, name, state)
    yield from _ends(draft, graph, bool(spins))


def _state(draft: Draft, graph: Graph, name: str, state: State) -> Iterator[Fault]:
    at = ("event", "states", name)
    timed = [key for key, said in (("until", state.until), ("for", state.for_)) if said is not None]
    if state.final:
        for key in (*timed, *(["sheds"] if state.sheds else [])):
            problem = f"an event in {name} is over at once, so {key} means nothing"
            yield draft.of((*at, key), "final-setting", problem, "leave it out, or `final`")
        return
    if name == graph.table.initial and not graph.entered(name):
        for key in (*timed, *(key for key in ("enter", "report") if getattr(state, key))):
            problem = f"an event begins in {name} and never enters it, so {key} means nothing"
            yield draft.of((*at, key), "never-entered", problem, "leave it out")
    if state.sheds and name in graph.reached():
        yield from _shedding(draft, graph, name, state)
    yield from _ended_by_people(draft, graph, name, state)


def _shedding(draft: Draft, graph: Graph, name: str, state: State) -> Iterator[Fault]:
    at = ("event", "states", name)
    if not graph.timers(name):
        problem = f"an event in {name} sheds load and nothing ends it: {_way(graph, name)}"
        yield draft.of(at, "endless-shedding", problem, "give it `until: end` or `for:`")
    if state.until == "start":
        problem = f"an event in {name} sheds load before it starts"
        yield draft.of((*at, "sheds"), "early-shedding", problem, "leave `sheds` to a later state")
    if graph.rows_at(name, "released"):
        problem = f"released comes at once in {name}, for what it sheds is planned"
        yield draft.of(at, "instant-release", problem, "write ended or elapsed")


def _ended_by_people(draft: Draft, graph: Graph, name: str, state: State) -> Iterator[Fault]:
    """A person's `restore` and the grid's `cancel` are answered `success`: they must end it."""
    if not (state.sheds or _sheds_later(graph, name)) or name not in graph.reached():
        return
    missing = [word for word in ("restore", "cancel") if not graph.rows_at(name, word)]
    if not missing or "restore" not in graph.moments(name):
        return
    kind = "cannot-end" if state.sheds else "cannot-take-back"
    problem = f"no row takes {' or '.join(missing)} in {name}"
    hint = "nobody can end the event there" if state.sheds else "the event would still come"
    yield draft.of(("event", "states", name), kind, f"{problem}: {_way(graph, name)}", hint)


def _sheds_later(graph: Graph, name: str) -> bool:
    """Left alone, an event in this state comes to shed load."""
    edge, seen = [name], {name}
    for state in edge:
        for move in graph.out(state):
            if move.trigger in OWN and move.target not in seen:
                seen.add(move.target)
                edge.append(move.target)
    states = graph.table.states
    return any(states[x].sheds and not states[x].final for x in seen - {name})


def _ends(draft: Draft, graph: Graph, spins: bool) -> Iterator[Fault]:
    ways, states = graph.reached(), graph.table.states
    final = {name for name, state in states.items() if state.final}
    lived = [x for x in ways if x not in final and "released" in graph.moments(x)]
    lost = {name for name in lived if graph.way(name, final) is None}
    for name in dead_ends(graph, ways, final):
        only = "" if graph.out(name) else ", and nothing leads on"
        problem = f"an event that comes to {name} never ends{only}: {_way(graph, name)}"
        hint = f"lead a row from {name} to a final state" if final else "no state is final"
        yield draft.of(("event", "states", name), "no-way-out", problem, hint)
    told = {x for x in lived if _told(graph, x)}
    sure = _sure(graph, lived, final | lost | told)
    unsure = [name for name in lived if name not in sure]
    roots = [name for name in unsure if not _leads_on(graph, name, {*states} - {name}, ())]
    yield from (_stuck(draft, graph, name) for name in roots)
    if unsure and not roots and not spins:
        yield _circle(draft, graph, unsure)


def _told(graph: Graph, name: str) -> bool:
    """Another finding says already that time does not lead out of the state."""
    timers = graph.timers(name)
    endless = graph.table.states[name].sheds and not timers
    return bool(endless or any(not graph.rows_at(name, timer) for timer in timers))


def _sure(graph: Graph, lived: list[str], ended: set[str]) -> set[str]:
    """The states from which an event comes to an end, whatever the guards say, and unasked."""
    sure = set(ended)
    while True:
        timed = _until_end(graph, lived, sure)
        more = {name for name in lived if _leads_on(graph, name, sure, timed)} | timed
        if more <= sure:
            return sure
        sure |= more


def _until_end(graph: Graph, lived: list[str], sure: set[str]) -> set[str]:
    """States that the event's end leads out of: they may follow each other till it comes."""
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
    """Some moment that comes by itself leads on in every case, and none leads astray."""
    if not _stays_within(graph, name, sure, timed):
        return False
    return any(
        all(move and move.target in sure for move in graph.outcomes(name, trigger).values())
        for trigger in _own(graph, name)
    )


def _stays_within(
    graph: Graph, name: str, sure: Container[str], timed: Container[str] = ()
) -> bool:
    targets = {move.target for move in graph.out(name) if move.trigger in OWN} - {name}
    return all(target in sure or target in timed for target in targets)


def _own(graph: Graph, name: str) -> list[str]:
    """The moments that come by themselves in a state, and that a row takes."""
    return [x for x in OWN if x in graph.moments(name) and graph.rows_at(name, x)]


def _stuck(draft: Draft, graph: Graph, name: str) -> Fault:
    """Why an event may stay in a state until somebody sends a command."""
    at, way = ("event", "states", name), _way(graph, name)
    for trigger in _own(graph, name):
        if (case := uncovered(graph, name, trigger)) is not None:
            where = in_words(graph, name, trigger, case)
            problem = f"no row takes {trigger} in {name} where {where}: {way}"
            hint = "write a last row without `if`, or the event may never end"
            return draft.of(at, "missed-moment", problem, hint)
    moves = [move for move in graph.out(name) if move.trigger in PEOPLE and move.target != name]
    people = " or ".join(sorted({move.trigger for move in moves}))
    problem = f"left alone, an event stays in {name} for ever, only {people} leads on: {way}"
    hint = "give it `for:` or `until: end`, and a row that takes it to the end"
    return draft.of(at, "only-by-hand", problem, hint)


def _circle(draft: Draft, graph: Graph, unsure: list[str]) -> Fault:
    """Every state of these leads on by itself, and only to others of them."""
    ways = graph.reached()
    rounds = {name: _round(graph, name) for name in unsure}
    name = shortest(ways, [name for name in unsure if rounds[name]])
    problem = f"left alone, an event goes round for ever: {shown(name, rounds[name])}"
    hint = f"lead one of them to a final state, whatever the guards say: {_way(graph, name)}"
    return draft.of(("event", "states", name), "only-by-hand", problem, hint)


def _round(graph: Graph, name: str) -> Path:
    """The shortest way by which a state leads back to itself, unasked; empty where none does."""
    edge: list[tuple[str, Path]] = [(name, ())]
    seen: set[str] = set()
    for state, path in edge:
        for move in graph.out(state):
            if move.trigger in OWN and move.target == name:
                return (*path, move)
            if move.trigger in OWN and move.target not in seen:
                seen.add(move.target)
                edge.append((move.target, (*path, move)))
    return ()


def _way(graph: Graph, name: str) -> str:
    return shown(graph.table.initial, graph.reached()[name])
