"""Writes the journal of a site in mid-event, as SQL, with whatever version of the program is there.

    git archive 6b8a861 | tar x -C /tmp/old && cd /tmp/old
    PYTHONPATH=$PWD python .../tests/kit/core/write_journals.py > .../format1.sql

The same story for every format, on one clock. The files are in tests/data/journals, and
tests/venctl/store/test_upgrade.py has what must be left of them. The story drives its `Ven` by
itself, because earlier versions have to play it too.
"""

from __future__ import annotations

import inspect
import json
import sqlite3
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from statemachine import Ven, read
from statemachine.state import triggers
from statemachine.state.cloud_triggers import Answered, Delta, Document
from statemachine.state.desires import Wish
from statemachine.state.effects import GetShadow, Hold, Report, Switch
from statemachine.state.triggers import Connected, Readings, Restarted, Switched, Timer, Trigger
from statemachine.wire.commands import Origin, command_from
from venctl.store.journal import Journal

NOW_MS, MONO_MS = 1_764_000_000_000, 50_000_000
SITE = """
site: {id: ven-test, timezone: UTC, service: 24 kW}
cloud: {kind: local}
circuits:
  heater1: {name: Heater, type: heater, rated: 1.5 kW, shed: 100 %}
  lights1: {name: Lights, type: lights, rated: 0.4 kW, shed: 70 %}
  misc1: {name: House Load, type: other, rated: 1.0 kW, shed: 60 %}
  ev1: {name: EV Charger, type: ev, rated: 7.2 kW, shed: 100 %, enabled: false}
  pump1: {name: Pump, type: motor, rated: 0.8 kW, shed: 100 %}
  hvac1: {name: HVAC, type: hvac, rated: 3.5 kW, shed: 20 %, critical: true}
sim: {load: steady}
"""


class Story:
    """A site that lives for an hour and a bit, and the journal it leaves."""

    def __init__(self, file: Path) -> None:
        self.db = sqlite3.connect(file, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        if version := _format():
            self.db.execute(f"PRAGMA user_version={version}")
        self.journal = Journal(self.db) if hasattr(Journal, "commit") else Now(self.db)
        self.spec = read(SITE, "ven.yaml")
        self.ven = Ven(self.spec)
        self.memory, self.kept = self.ven.start(), None
        self.ms, self.replies = 0, 0
        self.on = {id: circuit.enabled for id, circuit in self.spec.circuits.items()}
        self.held: dict[str, int | None] = {}
        self.token, self.version = 0, 7
        self.reports: list[Report] = []

    def hear(self, kind: type[Trigger], **fields: Any) -> None:
        if "server_s" in inspect.signature(kind).parameters:
            fields.setdefault("server_s", (NOW_MS + self.ms) // 1000)
        self.decide(kind(at_ms=NOW_MS + self.ms, mono_ms=MONO_MS + self.ms, **fields))

    def ask(self, source: str = "operator", **said: Any) -> None:
        self.replies += 1
        reply = f"mqtt:{self.replies}" if source == "operator" else f"here:{self.replies}"
        door = Origin(source, reply, NOW_MS + self.ms, MONO_MS + self.ms)
        command = command_from(said, self.spec.site.id, door)
        self.decide(replace(command, earlier=self.journal.earlier(command)))

    def decide(self, trigger: Trigger) -> None:
        after, effects = self.ven.decide(self.memory, trigger)
        self.journal.commit(self.kept, after, trigger, effects)
        self.memory = self.kept = after
        for effect in effects:
            match effect:
                case Hold():
                    self.held[effect.circuit] = effect.watts
                case Switch():
                    self.on[effect.circuit] = effect.enabled
                case GetShadow():
                    self.token = effect.token
                case Report():
                    self.reports.append(effect)

    def read(self) -> None:
        drawn_w = {id: self.draws(id) for id in self.spec.circuits}
        self.hear(Readings, drawn_w=drawn_w, unmetered_w=300)

    def draws(self, id: str) -> int:
        watts, rated_w = self.held.get(id), self.spec.circuits[id].rated
        return rated_w * self.on[id] if watts is None else min(watts, rated_w) * self.on[id]

    def passes(self, ms: int, step_ms: int = 5_000) -> None:
        for _ in range(0, ms, step_ms):
            self.ms += step_ms
            self.hear(Timer)
            self.read()
            self.answers()

    def answers(self) -> None:
        """The shadow service takes what was reported."""
        for report in [self.reports.pop() for _ in tuple(self.reports)]:
            self.version += 1
            settles = report.settles
            self.hear(Answered, token=report.token, settles=settles, version=self.version)


class Now:
    """What a journal was to ask for in the formats up to 3, over the one there is now."""

    def __init__(self, db: sqlite3.Connection) -> None:
        from statemachine.journal.answers import Answers
        from venctl.store.tables import SCHEMA

        for statement in SCHEMA:
            db.execute(statement)
        self._journal, self._answers, self._letters, self._messages = Journal(db), Answers(), 0, 0

    def earlier(self, command: Any) -> Any:
        return self._answers.earlier(command)

    def commit(self, before: Any, after: Any, trigger: Any, effects: Any) -> None:
        from venctl.runtime.decision import sort_decision

        made = sort_decision(trigger, before, after, effects, self._letter)
        self._answers.keep(made.answers, trigger.at_ms)
        self._journal.write(made.batch())

    def next_number(self) -> None:
        from venctl.store.journal import Batch

        self._messages += 1
        self._journal.write(Batch(message=self._messages))

    def _letter(self) -> int:
        self._letters += 1
        return self._letters


def tell(story: Story) -> None:
    """An event that is over, one that runs, one to come; a choice, a lock, wishes, letters."""
    story.hear(Restarted, boot="boot-1")
    story.read()
    story.ask(op="event", event_id="over", shed_kw=0.3, duration_s=60)
    story.passes(120_000)
    story.hear(Connected)
    story.hear(Document, token=story.token, version=story.version, wishes=None)
    story.answers()
    story.ask("page", op="setLoad", id="lights1", enabled=False)
    story.hear(Switched, circuit="lights1", enabled=False, fault=None)
    if hasattr(triggers, "Lock"):
        story.ask("page", op="setLock", id="pump1", locked=True)
    start = (NOW_MS + story.ms) // 1000
    story.ask(op="event", event_id="later", shed_kw=1.0, start_ts=start + 7200, duration_s=1800)
    story.ask(op="event", event_id="now", shed_kw=2.0, duration_s=3600, correlationId="c-now")
    story.passes(60_000)
    stamp_s = (NOW_MS + story.ms) // 1000
    wishes = (Wish("ev1", True, stamp_s), Wish("misc1", False, stamp_s - 1))
    story.hear(Delta, version=story.version + 1, wishes=wishes)
    story.hear(Switched, circuit="misc1", enabled=False, fault=None)
    for _ in range(41):
        story.journal.next_number()


def _format() -> int:
    try:
        from statemachine.state.parts import FORMAT
    except ImportError:
        return 0
    return FORMAT


def dump(db: sqlite3.Connection) -> str:
    """All that is in the journal, as SQL that makes it again."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    return "\n".join((*db.iterdump(), f"PRAGMA user_version={version};\n"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder) / "journal.db")
        tell(story)
        sys.stdout.write(dump(story.db))
        print(json.dumps(sorted(story.memory.events)), story.memory.shadow, file=sys.stderr)
