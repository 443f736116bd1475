"""The shadow's chart: it hears of the link from everywhere, and comes to report again."""

from __future__ import annotations

from collections.abc import Iterator

from ..kit.errors import Fault
from .draft import Draft
from .graph import dead_ends, spinning, unreached, untaken
from .paths import Graph, shown

NEWS = ("connected", "disconnected", "restarted")


def shadow_faults(draft: Draft, graph: Graph) -> Iterator[Fault]:
    """Every fault of the shadow's chart as a whole."""
    yield from unreached(draft, graph)
    yield from untaken(draft, graph)
    yield from spinning(draft, graph, ("applied",))
    ways, table = graph.reached(), graph.table
    telling = {name for name, state in table.states.items() if "report" in state.enter}
    for name in dead_ends(graph, ways, telling):
        problem = f"the shadow can come to {name}, and nothing leads on to a state that reports"
        path = shown(table.initial, ways[name])
        yield draft.of(("shadow", "states", name), "no-way-out", f"{problem}: {path}")
    for trigger in NEWS:
        deaf = [name for name in ways if not graph.rows_at(name, trigger)]
        if deaf:
            problem = f"{trigger} is not heard in {', '.join(sorted(deaf))}"
            hint = f"write a row {{trigger: {trigger}, from: any, ...}}"
            yield draft.of(("shadow", "transitions"), "link-not-heard", problem, hint)
