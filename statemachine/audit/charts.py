"""Checks a chart: first its names, then its rows, then the lifecycle that it describes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..chart.registry import ACTIONS, GUARDS, SCOPES
from ..chart.trigger_words import EVENT_TRIGGERS, SHADOW_TRIGGERS
from ..kit.errors import Finding, closest, suggestion
from ..site.source import Path
from ..site.tables import Row, State, Table
from .draft import Draft
from .graph import RESERVED
from .life import life_findings
from .paths import Graph
from .rows import row_findings
from .shadow import shadow_findings

LEAST_MS = 10
OF_EVENTS = ("until", "sheds", "report", "final")
TRIGGERS = {"event": EVENT_TRIGGERS, "shadow": SHADOW_TRIGGERS}
OTHER = {"event": "shadow", "shadow": "event"}


def chart_findings(draft: Draft, chart: str) -> Iterator[Finding]:
    """Every finding about one chart.

    An unknown name is reported once, and the rest is checked with the nearest known name in its
    place. If no known name is near, rows and lifecycle are not checked.
    """
    table: Table = getattr(draft.spec, chart)
    yield from _names(draft, chart, table)
    yield from _states(draft, chart, table)
    mended = _mended(table, chart)
    if mended is None or not draft.sound(chart):
        return
    graph = Graph(chart, mended)
    yield from row_findings(draft, graph)
    yield from (life_findings if chart == "event" else shadow_findings)(draft, graph)


def _names(draft: Draft, chart: str, table: Table) -> Iterator[Finding]:
    for what, word, known, path in _words(chart, table):
        if word in known:
            continue
        scope = SCOPES.get(word)
        elsewhere = what in ("guard", "action") and scope is not None and scope.chart != chart
        if elsewhere or (what == "trigger" and word in TRIGGERS[OTHER[chart]]):
            problem = f"{word} belongs to the {OTHER[chart]} chart"
            yield draft.at(path, "wrong-chart", problem, suggestion(word, known))
        else:
            problem = f"no {what} is called {word!r}"
            yield draft.at(path, f"unknown-{what}", problem, suggestion(word, known))


def _words(chart: str, table: Table) -> Iterator[tuple[str, str, list[str], Path]]:
    """Every name in a chart: what kind of name it must be, the name, the known ones, its path."""
    actions, guards = _of(chart, ACTIONS), _of(chart, GUARDS)
    states = list(table.states)
    yield "state", table.initial, states, (chart, "initial")
    for name, state in table.states.items():
        for index, word in enumerate(state.enter):
            yield "action", word, actions, (chart, "states", name, "enter", index)
    for number, row in enumerate(table.transitions):
        at: Path = (chart, "transitions", number)
        yield "trigger", row.trigger, list(TRIGGERS[chart]), (*at, "trigger")
        for index, word in enumerate(row.from_):
            yield "state", word, [*states, "any"], (*at, "from", index)
        if row.to is not None:
            yield "state", row.to, [*states, "same"], (*at, "to")
        for key, what, words, known in (
            ("if", "guard", row.if_, guards),
            ("unless", "guard", row.unless, guards),
            ("do", "action", row.do, actions),
        ):
            for index, word in enumerate(words):
                yield what, word, known, (*at, key, index)


def _of(chart: str, names: Iterable[str]) -> list[str]:
    """The names that belong to a chart."""
    return [name for name in names if name not in SCOPES or SCOPES[name].chart == chart]


def _states(draft: Draft, chart: str, table: Table) -> Iterator[Finding]:
    for name, state in table.states.items():
        at: Path = (chart, "states", name)
        if name in RESERVED:
            problem = f"a state cannot be called {name!r}, which rows use for {RESERVED[name]}"
            yield draft.of(at, "reserved-name", problem, "write another name")
        if state.for_ is not None and state.for_ < LEAST_MS:
            problem = f"`for` of state {name} is too short"
            yield draft.at((*at, "for"), "out-of-range", problem, "write 10 ms or more")
        for key in OF_EVENTS if chart == "shadow" else ():
            if getattr(state, key):
                problem = f"`{key}` is only for states of the event chart"
                yield draft.of((*at, key), "wrong-chart", problem, "remove it")


def _mended(table: Table, chart: str) -> Table | None:
    """The chart with the nearest known name for each unknown one; None if one has no near name."""
    near: dict[str, dict[str, str]] = {}
    for what, word, known, _ in _words(chart, table):
        match = word if word in known else closest(word, known)
        if match is None and what != "action":
            return None
        near.setdefault(what, {})[word] = match or word

    def each(what: str) -> Callable[[list[str]], list[str]]:
        return lambda words: [near.get(what, {}).get(word, word) for word in words]

    return table.model_copy(
        update={
            "initial": each("state")([table.initial])[0],
            "states": {name: _state(state, each) for name, state in table.states.items()},
            "transitions": [_row(row, each) for row in table.transitions],
        }
    )


Each = Callable[[str], Callable[[list[str]], list[str]]]


def _state(state: State, each: Each) -> State:
    return state.model_copy(update={"enter": each("action")(state.enter)})


def _row(row: Row, each: Each) -> Row:
    return row.model_copy(
        update={
            "trigger": each("trigger")([row.trigger])[0],
            "from_": each("state")(row.from_),
            "to": each("state")([row.to])[0] if row.to is not None else None,
            "if_": each("guard")(row.if_),
            "unless": each("guard")(row.unless),
            "do": each("action")(row.do),
        }
    )
