"""A chart as a mermaid state diagram, so that its picture is never out of date."""

from __future__ import annotations

from collections import defaultdict

from ..site.tables import Row, State, Table


def mermaid(table: Table) -> str:
    """Arrows for rows that change state; settings of a state are in its box."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in table.transitions:
        for source in table.sources(row):
            if row.to is not None:
                arrows[source, source if row.to == "same" else row.to].append(_label(row))
    boxes = {name: "<br>".join([name, *_said(state)]) for name, state in table.states.items()}
    return "\n".join(
        [
            "stateDiagram-v2",
            "    direction LR",
            *(f'    state "{text}" as {name}' for name, text in boxes.items()),
            f"    [*] --> {table.initial}",
            *(f"    {a} --> {b}: {'<br>'.join(labels)}" for (a, b), labels in arrows.items()),
            *(f"    {name} --> [*]" for name, state in table.states.items() if state.final),
        ]
    )


def _said(state: State) -> list[str]:
    lines = [f"sheds {state.sheds} %"] if state.sheds else []
    lines += [f"until {state.until}"] if state.until else []
    lines += [f"for {state.for_ / 1000:g} s"] if state.for_ is not None else []
    return lines + [f"enter / {name}" for name in state.enter]


def _label(row: Row) -> str:
    guards = [*row.if_, *(f"not {name}" for name in row.unless)]
    return row.trigger + (f" [{', '.join(guards)}]" if guards else "")
