"""Who asked for what, and what they were told: a file a month, kept for 13 months.

It lies beside the journal, which forgets; it is only ever added to. A disk that refuses costs
lines, which the next one that is written counts.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from statemachine.state.cloud_triggers import Desired
from statemachine.state.effects import Ack, Effect, Switch
from statemachine.state.triggers import Command, Get, Ping, Trigger

from .base.worker import Worker
from .runtime.decision import Decision

FOLDER = "audit"
MONTHS = 13
MOST_BYTES = 64 << 20  # of one month: a flood fills no disk
Row = dict[str, Any]
_OF_ANY = {one.name for one in fields(Command)} | {"reason", "detail", "made"}


class AuditLog:
    """Notes what is worth it of each decision; written by `worker`. Call from the loop."""

    def __init__(self, state: Path, worker: Worker) -> None:
        self._folder, self._worker = state / FOLDER, worker
        self._missed = 0

    def note(self, made: Decision) -> None:
        """A decision was made."""
        for row in rows_of(made.trigger, made.effects):
            row |= {"missed": self._missed} if self._missed else {}
            text = json.dumps(row, ensure_ascii=False, default=str) + "\n"
            file = self._folder / f"{_month(row['at_ms'])}.jsonl"
            self._worker.do(partial(_append, file, text), self._written)

    def _written(self, _: object, error: Exception | None) -> None:
        self._missed = self._missed + 1 if error is not None else 0


def rows_of(trigger: Trigger, effects: Sequence[Effect]) -> Iterator[Row]:
    """A row for each command but questions, for each answer that comes later, as a switch's does,
    and for each switch that a shadow wished for.
    """
    acks = [one.body for one in effects if isinstance(one, Ack)]
    if isinstance(trigger, Command):
        ack = acks[0] if acks else {"status": "taken"}
        if not isinstance(trigger, Ping | Get) and ack.get("reason") != "overloaded":
            yield _of_command(trigger, ack)
        return
    for ack in acks:
        yield {"at_ms": trigger.at_ms, "door": "", "who": "", **_told(ack), **_named(ack)}
    if isinstance(trigger, Desired):
        switches = [one for one in effects if isinstance(one, Switch)]
        who = f"shadow {trigger.key or 'classic'}"
        for one in switches:
            row = {"at_ms": trigger.at_ms, "door": "cloud", "who": who, "op": "wish"}
            asked = {"circuit": one.circuit, "enabled": one.enabled}
            yield {**row, "status": "taken", "loadId": one.circuit, "asked": asked}


def read(state: Path) -> Iterator[Row]:
    """Every row there is, oldest first; a line that is none is left out."""
    for file in sorted((state / FOLDER).glob("????-??.jsonl")):
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    row = json.loads(line)
                except ValueError:
                    continue
                if isinstance(row, dict):
                    yield row


def _of_command(command: Command, body: Mapping[str, Any]) -> Row:
    own = {one.name: getattr(command, one.name) for one in fields(command)}
    asked = {name: value for name, value in own.items() if name not in _OF_ANY}
    row = {"at_ms": command.at_ms, "door": command.source, "who": command.who}
    more = {"correlation": command.correlation, "confirmed": command.confirmed, "why": command.why}
    return {**row, **_told(body), "op": command.op, **command.ids, "asked": asked, **more}


def _told(ack: Mapping[str, Any]) -> Row:
    return {name: ack[name] for name in ("op", "status", "reason", "detail") if name in ack}


def _named(ack: Mapping[str, Any]) -> Row:
    ids = {name: ack[name] for name in ("event_id", "revision", "loadId") if name in ack}
    return {**ids, "correlation": ack.get("correlationId")}


def _append(file: Path, text: str) -> None:
    """On the thread. The first line of a month is the time to let the oldest month go."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        for old in sorted(file.parent.glob("????-??.jsonl"))[: -(MONTHS - 1)]:
            old.unlink()
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < MOST_BYTES:
            os.write(descriptor, text.encode("utf-8", "replace"))
    finally:
        os.close(descriptor)


def _month(at_ms: int) -> str:
    return time.strftime("%Y-%m", time.gmtime(at_ms / 1000))
