"""First acks by the key of their command, to tell a copy from a new command, without a disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from ..kit.strict_json import compact_text
from ..state.effects import Ack, Effect
from ..state.triggers import Command, DrEvent, EarlierAnswer
from .retention import WEEK_MS, retention_ms

MOST = 20_000
Answer = tuple[str, int, str, str, int]  # key, revision, digest, ack as JSON, at_ms


class Answers:
    """The acks of the journal, for a week and at most `MOST`; the oldest are dropped first."""

    def __init__(self, rows: Iterable[Answer] = ()) -> None:
        self._rows: dict[str, Answer] = {row[0]: row for row in rows}

    def earlier(self, command: Command) -> EarlierAnswer | None:
        """The first answer to a command with the same key; None if there is none."""
        row = self._row(command) if command.key else None
        if row is None and command.key.startswith("made:") and isinstance(command, DrEvent):
            row = self._rows.get(f"event:{command.event_id}")  # as an earlier version stored it
        if row is None or command.at_ms - row[4] > retention_ms(command.key):
            return None
        return EarlierAnswer(row[1], row[2], json.loads(row[3]), row[4])

    def _row(self, command: Command) -> Answer | None:
        """The last answer; for an older accepted revision, the answer to that one."""
        row = self._rows.get(command.key)
        if row is not None and isinstance(command, DrEvent) and command.revision < row[1]:
            return self._rows.get(_of_revision(command.key, command.revision), row)
        return row

    def keep(self, rows: Iterable[Answer], now_ms: int) -> list[str]:
        """Add answers and drop expired ones; returns the dropped keys."""
        for row in rows:
            self._rows.pop(row[0], None)
            self._rows[row[0]] = row
        gone = list(self._counts_no_more(now_ms))
        for key in gone:
            del self._rows[key]
        return gone

    def rows(self) -> list[Answer]:
        """All of them, oldest first."""
        return list(self._rows.values())

    def _counts_no_more(self, now_ms: int) -> Iterator[str]:
        for index, (key, row) in enumerate(self._rows.items()):
            if index >= len(self._rows) - MOST and now_ms - row[4] <= WEEK_MS:
                return
            yield key


def rows_of(effects: Iterable[Effect], at_ms: int) -> list[Answer]:
    """The acks among `effects` that have a key, as rows.

    The ack of an accepted event is also stored by its revision, because the event can be delivered
    again after the next revision, and is a copy then.
    """
    rows: list[Answer] = []
    for ack in effects:
        if isinstance(ack, Ack) and (keys := _keys(ack)):
            text = compact_text(ack.body)
            rows += [(key, ack.revision, ack.digest, text, at_ms) for key in keys]
    return rows


def _keys(ack: Ack) -> list[str]:
    keys = [key for key in (ack.key, ack.also) if key]
    taken_on = ack.body["status"] in ("accepted", "scheduled")
    of_events = [key for key in keys if taken_on and key.startswith("event:")]
    return [*keys, *(_of_revision(key, ack.revision) for key in of_events)]


def _of_revision(key: str, revision: int) -> str:
    return f"revision {revision} of {key}"
