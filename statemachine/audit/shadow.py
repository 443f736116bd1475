"""Checks the shadow's chart: every state reacts to the link, and a reporting state is reached."""

from __future__ import annotations

from collections.abc import Iterator

from ..kit.errors import Finding
from .draft import Draft
from .graph import dead_ends, endless_loops, unhandled_timers, unreachable_states
from .paths import Graph, path_text

NEWS = ("connected", "disconnected", "restarted")


def shadow_findings(draft: Draft, graph: Graph) -> Iterator[Finding]:
    """Every finding about the shadow's chart as a whole."""
    yield from unreachable_states(draft, graph)
    yield from unhandled_timers(draft, graph)
    yield from endless_loops(draft, graph, ("applied",))
    ways, table = graph.reached(), graph.table
    telling = {name for name, state in table.states.items() if "report" in state.enter}
    for name in dead_ends(graph, ways, telling):
        path = path_text(table.initial, ways[name])
        problem = f"from {name} no row leads to a state that reports (path: {path})"
        hint = f"write a row from {name} to a state with `enter: report`"
        yield draft.of(("shadow", "states", name), "no-way-out", problem, hint)
    for trigger in NEWS:
        deaf = [name for name in ways if not graph.rows_at(name, trigger)]
        if deaf:
            problem = f"no row takes {trigger} in {', '.join(sorted(deaf))}"
            hint = f"write a row {{trigger: {trigger}, from: any, ...}}"
            yield draft.of(("shadow", "transitions"), "link-not-heard", problem, hint)
