"""A chart as a graph of the moves that can really happen, with shortest paths."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from ..chart.trigger_words import SHADOW_TRIGGERS
from ..site.tables import Row, Table
from .cases import Case, cases, first_match, fits

TIMERS = {"start": "started", "end": "ended"}
PEOPLE = ("dr_event", "restore", "cancel")
Path = tuple["Move", ...]


@dataclass(frozen=True, slots=True)
class Move:
    """One row taken from one state. `stays`: it does not leave the state or enter it again."""

    source: str
    trigger: str
    target: str
    place: int
    stays: bool = False


class Graph:
    """The moves of a chart that can happen, and for dead rows the rows taken instead."""

    def __init__(self, chart: str, table: Table) -> None:
        self.chart, self.table = chart, table
        self.moves: list[Move] = []
        self._entered = _entered(table)
        self._at: dict[tuple[str, str], list[tuple[int, Row]]] = {}
        for index, row in enumerate(table.transitions):
            for source in table.sources(row):
                if source in table.states and not table.states[source].final:
                    self._at.setdefault((source, row.trigger), []).append((index, row))
        for (source, trigger), rows in self._at.items():
            if trigger in self.moments(source):
                self.moves += _alive(source, trigger, rows)
        self._out: dict[str, list[Move]] = {state: [] for state in table.states}
        for move in self.moves:
            self._out[move.source].append(move)

    def moments(self, state: str) -> set[str]:
        """The triggers that can come in a state."""
        declared = self.table.states[state]
        if self.chart == "shadow":
            timed = declared.for_ is not None or self._backs_off(state)
            return set(SHADOW_TRIGGERS) - (set() if timed else {"elapsed"})
        if state == self.table.initial and not self._lived_in():
            return {"dr_event"}
        triggers = {*PEOPLE, "released"} | self.timers(state)
        return triggers | ({"achieved", "underperforming"} if declared.sheds else set())

    def timers(self, state: str) -> set[str]:
        """The triggers of an event state's timers, which are set when the state is entered."""
        declared = self.table.states[state]
        if not self.entered(state):
            return set()
        timed = {"elapsed"} if declared.for_ is not None else set()
        return timed | ({TIMERS[declared.until]} if declared.until else set())

    def entered(self, state: str) -> bool:
        """Whether some row enters the state, or leaves it and enters it again."""
        return state in self._entered

    def moves_from(self, state: str) -> list[Move]:
        """The moves from a state."""
        return self._out[state]

    def outcomes(self, state: str, trigger: str) -> dict[Case, Move | None]:
        """The move that a trigger makes in a state, for every case; None: no row takes it."""
        rows = self._at.get((state, trigger), [])
        plain = [row for _, row in rows]
        out: dict[Case, Move | None] = {}
        for case in cases(plain, trigger):
            which = first_match(plain, case)
            out[case] = None if which is None else _move(state, trigger, *rows[which])
        return out

    def rows_at(self, state: str, trigger: str) -> list[Row]:
        """The rows for a trigger in a state, in file order."""
        return [row for _, row in self._at.get((state, trigger), [])]

    def taken_instead(self, index: int, source: str) -> set[int]:
        """The rows taken instead of a row from a state; empty if that row can fire there."""
        row = self.table.transitions[index]
        rows = self._at.get((source, row.trigger), [])
        plain = [other for _, other in rows]
        fitting = [case for case in cases(plain, row.trigger) if fits(row, case)]
        winners = {
            rows[which][0] for case in fitting if (which := first_match(plain, case)) is not None
        }
        return set() if index in winners else winners

    def reached(self) -> dict[str, Path]:
        """Every state that can be reached, with the shortest path to it."""
        return self.shortest_paths([self.table.initial])

    def shortest_paths(self, starts: Iterable[str]) -> dict[str, Path]:
        """Every state that can be reached from `starts`, with the shortest path to it."""
        out: dict[str, Path] = dict.fromkeys(starts, ())
        edge = deque(out)
        while edge:
            state = edge.popleft()
            for move in self._out[state]:
                if move.target not in out:
                    out[move.target] = (*out[state], move)
                    edge.append(move.target)
        return out

    def shortest_path(self, start: str, goals: Container[str]) -> Path | None:
        """The shortest path from a state to one of `goals`; None if there is none."""
        ways = self.shortest_paths([start])
        paths = [path for state, path in ways.items() if state in goals]
        return min(paths, key=len, default=None)

    def _lived_in(self) -> bool:
        """An event may stay in the initial state, because a row keeps it there or leads back."""
        initial = self.table.initial
        staying = any(
            row.to is None and initial in self.table.sources(row) for row in self.table.transitions
        )
        return staying or self.entered(initial)

    def _backs_off(self, state: str) -> bool:
        rows = self.table.transitions
        staying = [row for row in rows if row.to is None and state in self.table.sources(row)]
        return any(
            "back_off" in done
            for done in (self.table.states[state].enter, *(row.do for row in staying))
        )


def path_text(start: str, path: Path) -> str:
    """A path as text: `received -dr_event-> shedding -restore-> limbo`."""
    return start + "".join(f" -{move.trigger}-> {move.target}" for move in path)


def nearest_state(ways: Mapping[str, Path], states: Iterable[str]) -> str:
    """The state with the shortest path."""
    return min(states, key=lambda state: len(ways[state]))


def _entered(table: Table) -> set[str]:
    to = {str(row.to) for row in table.transitions}
    again = {x for row in table.transitions if row.to == "same" for x in table.sources(row)}
    return to | again


def _move(source: str, trigger: str, index: int, row: Row) -> Move:
    target = source if row.to in (None, "same") else str(row.to)
    return Move(source, trigger, target, index, row.to is None)


def _alive(source: str, trigger: str, rows: list[tuple[int, Row]]) -> list[Move]:
    plain = [row for _, row in rows]
    winners = {first_match(plain, case) for case in cases(plain, trigger)}
    return [_move(source, trigger, *rows[which]) for which in range(len(rows)) if which in winners]
