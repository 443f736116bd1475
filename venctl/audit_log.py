"""The audit log: who requested what, and the answer. One file a month, kept for 13 months.

It is append-only and outlives the journal. If the disk refuses, lines are lost; the next line that
is written counts them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from statemachine.shadow.ack_record import APPLIED, PENDING
from statemachine.state.cloud_triggers import Desired
from statemachine.state.effects import Ack
from statemachine.state.memory import Memory
from statemachine.state.shadow import ShadowState
from statemachine.state.triggers import Command, Get, Ping

from .base.worker import Worker
from .runtime.decision import Decision

FOLDER = "audit"
MONTHS = 13
MOST_BYTES = 64 << 20  # for one month, so that a flood cannot fill the disk
Row = dict[str, Any]
_ROW = json.JSONEncoder(ensure_ascii=False, default=str)
_OF_ANY = {field.name for field in fields(Command)} | {"reason", "detail", "made"}


class AuditLog:
    """Records the commands of each decision; `worker` writes them. Call from the loop."""

    def __init__(self, state: Path, worker: Worker) -> None:
        self._folder, self._worker = state / FOLDER, worker
        self._missed = 0

    def note(self, made: Decision) -> None:
        """Record a decision."""
        for row in rows_of(made):
            row |= {"missed": self._missed} if self._missed else {}
            text = _ROW.encode(row) + "\n"
            file = self._folder / f"{_month(row['at_ms'])}.jsonl"
            self._worker.do(partial(_append, file, text), self._written)

    def _written(self, _: object, error: Exception | None) -> None:
        self._missed = self._missed + 1 if error is not None else 0


def rows_of(made: Decision) -> Iterator[Row]:
    """A row for each command except queries, for each later answer (such as a switch's), and for
    the result of each value that a shadow desired, once it is decided.
    """
    trigger = made.trigger
    acks = [effect.body for effect in made.effects if isinstance(effect, Ack)]
    if isinstance(trigger, Command):
        ack = acks[0] if acks else {"status": "taken"}
        if not isinstance(trigger, Ping | Get) and ack.get("reason") != "overloaded":
            yield _of_command(trigger, ack)
        return
    for ack in acks:
        yield {"at_ms": trigger.at_ms, "door": "", "who": "", **_told(ack), **_named(ack)}
    if isinstance(trigger, Desired) and trigger.key in made.after.shadows:
        yield from _of_wishes(trigger, made.before.shadows.get(trigger.key), made.after)


def read(state: Path) -> Iterator[Row]:
    """Every row, oldest first; lines that cannot be read are skipped."""
    for file in sorted((state / FOLDER).glob("????-??.jsonl")):
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    row = json.loads(line)
                except ValueError:
                    continue
                if isinstance(row, dict):
                    yield row


def _of_wishes(desired: Desired, before: ShadowState | None, after: Memory) -> Iterator[Row]:
    """New results of desired values: applied, already so, or refused with a code."""
    shadow = after.shadows[desired.key]
    who = f"shadow {desired.key or 'classic'}"
    row = {"at_ms": desired.at_ms, "door": "cloud", "who": who, "op": "wish"}
    wished = {wish.circuit: wish.enabled for wish in desired.wishes or ()}
    for circuit, enabled in wished.items():
        end = shadow.decided.get(circuit)
        if end is not None and (before is None or before.decided.get(circuit) != end):
            taken = end.code in (PENDING, APPLIED)
            result = {"status": "taken"} if taken else _refused(end.code, end.words)
            request = {"circuit": circuit, "enabled": enabled}
            yield {**row, **result, "loadId": circuit, "asked": request}
    for name, (code, words) in shadow.refused.items():
        if before is None or before.refused.get(name) != (code, words):
            request = {"circuit": name, "enabled": wished.get(name)}
            yield {**row, **_refused(code, words), "loadId": name, "asked": request}


def _refused(code: int, words: str) -> Row:
    return {"status": "rejected", "reason": str(code), "detail": words}


def _of_command(command: Command, body: Mapping[str, Any]) -> Row:
    own = {field.name: getattr(command, field.name) for field in fields(command)}
    request = {name: value for name, value in own.items() if name not in _OF_ANY}
    row = {"at_ms": command.at_ms, "door": command.source, "who": command.who}
    more = {"correlation": command.correlation, "confirmed": command.confirmed, "why": command.why}
    return {**row, **_told(body), "op": command.op, **command.ids, "asked": request, **more}


def _told(ack: Mapping[str, Any]) -> Row:
    return {name: ack[name] for name in ("op", "status", "reason", "detail") if name in ack}


def _named(ack: Mapping[str, Any]) -> Row:
    ids = {name: ack[name] for name in ("event_id", "revision", "loadId") if name in ack}
    return {**ids, "correlation": ack.get("correlationId")}


def _append(file: Path, text: str) -> None:
    """Runs on the worker. The first line of a month deletes the oldest month."""
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
