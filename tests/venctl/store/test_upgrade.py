"""A journal of an earlier version goes on under this one: no event, hold, choice or letter is lost.

The journals were written by those versions themselves (tests/kit/core/write_journals.py).
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from statemachine import read
from statemachine.journal.integrity import check_parts
from statemachine.journal.upgrade import upgrade_parts
from statemachine.state.cloud_triggers import Document
from statemachine.state.desires import Wish
from statemachine.state.effects import Ack, Effect, Hold, Report, Switch
from statemachine.state.memory import Memory
from statemachine.state.parts import FORMAT, from_parts
from statemachine.state.triggers import (
    Connected,
    EarlierAnswer,
    Restarted,
    Switched,
    Timer,
    Trigger,
)
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.write_journals import MONO_MS, NOW_MS, SITE
from tests.kit.harness import Harness
from tests.kit.paths import DATA, ROOT
from tests.kit.simulated.storing import look_and_open
from venctl.store.journal import Batch, Journal
from venctl.store.opening import JournalContent

FOLDER = DATA / "journals"
FORMATS = ("format1", "format2-early", "format2-middle", "format2", "format3")
WITH_LOCKS = ("format2-middle", "format2", "format3")
END_MS, LATER_MS, STAMP_S = 1_764_003_720_000, 1_764_007_320_000, 1_764_000_180
AWAY_MS = 200_000  # from the first trigger to the restart, twenty seconds after the last
SPEC = read(SITE, "ven.yaml")
KILLS = 6


def laid(folder: Path, format: str) -> Path:
    file = folder / "journal.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript((FOLDER / f"{format}.sql").read_text("utf-8"))
    return file


def fits(parts: Mapping[str, Any]) -> None:
    Life(from_parts(SPEC, parts)).start()


class Life(Harness):
    """The site after the new version has started on what was found. No car is there to be charged.

    Breakers stand as the version before left them.
    """

    def __init__(self, memory: Memory) -> None:
        super().__init__(SPEC)
        self.memory, self.done = memory, list[Effect]()
        self.ms, self.offset_ms = NOW_MS + AWAY_MS, NOW_MS - MONO_MS
        self.draws(unmetered=300)
        for id, live in memory.circuits.items():
            self.panel.switch(id, live.enabled)
            self.panel.hold(id, live.held_w, END_MS)
        self.panel.all["ev1"].fault = "silent"

    def decide(self, trigger: Trigger) -> list[Effect]:
        effects = super().decide(trigger)
        self.done += effects
        return effects

    def start(self) -> list[Effect]:
        return [*self.hear(Restarted(**self.stamp(), boot="boot-1")), *self.read()]

    def until(self, at_ms: int) -> None:
        self.wait((at_ms - self.ms) / 1000)


@pytest.fixture(params=FORMATS)
def format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def found(format: str, tmp_path: Path) -> JournalContent:
    connection, found = look_and_open(laid(tmp_path, format), fits)
    assert found.lost is None
    connection.close()
    return found


@pytest.fixture
def life(found: JournalContent) -> Life:
    life = Life(from_parts(SPEC, found.parts))
    life.start()
    return life


def held(memory: Memory) -> dict[str, int]:
    return {id: live.held_w for id, live in memory.circuits.items() if live.held_w is not None}


def test_the_event_goes_on_to_the_same_end_and_its_load_comes_back(life: Life) -> None:
    assert life.memory.events["now"].end_ms == END_MS
    life.until(END_MS - 10_000)
    assert life.memory.events["now"].state == "shedding" and held(life.memory)
    life.until(END_MS + 10_000)
    assert "now" not in life.memory.events or life.memory.events["now"].state == "restoring"
    life.until(END_MS + 900_000)
    assert not held(life.memory) and "now" not in life.memory.events


def test_the_event_to_come_begins_on_its_day(life: Life) -> None:
    later = life.memory.events["later"]
    assert (later.start_ms, later.state, later.shed_w) == (LATER_MS, "scheduled", 1_000)
    life.until(LATER_MS)
    assert life.memory.events["later"].state == "shedding"


def test_what_was_held_is_held_and_nothing_else(format: str, found: JournalContent) -> None:
    """In the versions that know locks the pump was locked, so that the air conditioner gave."""
    gave = {"hvac1": 3_000} if format in WITH_LOCKS else {"pump1": 300}
    kept = {"heater1": 0, **gave}
    life = Life(from_parts(SPEC, found.parts))
    assert held(life.memory) == kept
    said = [effect for effect in life.start() if isinstance(effect, Hold)]
    assert {hold.circuit: hold.watts for hold in said if hold.watts is not None} == kept
    assert held(life.memory) == kept


def test_what_people_chose_stands(format: str, found: JournalContent) -> None:
    life = Life(from_parts(SPEC, found.parts))
    switched = [effect for effect in life.start() if isinstance(effect, Switch)]
    on = {"heater1", "ev1", "pump1", "hvac1"}
    assert {switch.circuit for switch in switched if switch.enabled} == on
    assert {id for id, live in life.memory.circuits.items() if live.enabled} == on
    assert life.memory.circuits["lights1"].switched_by == "page"
    locked = life.memory.circuits["pump1"].locked_by
    assert locked == ("page" if format in WITH_LOCKS else None)


def test_a_wish_that_was_carried_out_is_done_no_second_time_and_settled(life: Life) -> None:
    """One wish had its answer, the other's driver had yet to say; both are still desired."""
    life.hear(Connected(**life.stamp()))
    wishes = (Wish("ev1", True, STAMP_S), Wish("misc1", False, STAMP_S - 1))
    token, server_s = life.memory.shadow.token, life.ms // 1000
    said: Any = {"token": token, "version": 12, "wishes": wishes, "server_s": server_s}
    life.hear(Document(**life.stamp(), **said))
    assert [wish.circuit for wish in life.memory.shadow.open_wishes()] == ["ev1"]
    life.hear(Switched(**life.stamp(), circuit="ev1", enabled=True, fault=None))
    life.until(life.ms + 10_000)
    settles = [effect for effect in life.done if isinstance(effect, Report) and effect.settles]
    assert [(one.version, one.clears) for one in settles] == [(12, ("circuits",))]
    assert life.memory.circuits["misc1"].enabled is False


def test_a_copy_of_an_answered_command_is_a_duplicate(found: JournalContent, life: Life) -> None:
    said = {"op": "event", "event_id": "now", "shed_kw": 2.0, "duration_s": 3600}
    at = life.stamp()
    command = command_from(
        {**said, "correlationId": "c-now"}, "ven-test", Origin("operator", "", **at)
    )
    [row] = [row for row in found.answered if row[0] == command.key]
    earlier = EarlierAnswer(row[1], row[2], json.loads(row[3]))
    [ack] = [one for one in life.decide(replace(command, earlier=earlier)) if isinstance(one, Ack)]
    assert ack.body["status"] == "duplicate"


def test_letters_go_out_and_message_numbers_count_on(found: JournalContent) -> None:
    assert [seq for seq, _, _ in found.todo] == sorted(seq for seq, _, _ in found.todo)
    acks = [body["event_id"] for _, kind, body in found.todo if kind == "ack"]
    assert acks == ["over", "later", "now"]
    assert {"started", "completed"} <= {b["state"] for _, k, b in found.todo if k == "status"}
    assert found.message == 41
    assert [at_ms for *_, at_ms in found.answered] == sorted(at for *_, at in found.answered)


def test_events_of_the_past_count_for_the_limits(format: str, life: Life) -> None:
    """The first format kept none; the events that live are counted at least."""
    over = set() if format == "format1" else {"over"}
    assert set(life.memory.past) == over | {"now", "later"}


def test_it_is_of_this_format_from_then_on(
    format: str, found: JournalContent, tmp_path: Path
) -> None:
    connection, again = look_and_open(tmp_path / "journal.db", fits)
    assert again == found
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    life = Life(from_parts(SPEC, found.parts))
    life.start()
    timer = Timer(**life.stamp())
    Journal(connection).write(Batch(life.memory, [(timer, life.done)]))
    connection.close()
    connection, again = look_and_open(tmp_path / "journal.db", fits)
    assert from_parts(SPEC, again.parts) == life.memory
    connection.close()


def test_the_first_journals_say_no_format_and_count_as_the_first(tmp_path: Path) -> None:
    file = laid(tmp_path, "format2-early")  # that of the hours in between is the same otherwise
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version=0")
    connection, found = look_and_open(file, fits)
    assert found.lost is None and found.parts["events/now"]
    connection.close()


def test_bringing_up_what_is_up_to_date_changes_nothing(found: JournalContent) -> None:
    check_parts(found.parts)
    assert upgrade_parts(FORMAT, found.parts) == found.parts


# -- cut off while it is brought up ----------------------------------------------------------------

OPEN = """
import sys
from pathlib import Path
from venctl.store.opening import read_journal
print("ready", flush=True)
sys.stdin.readline()
read_journal(Path(sys.argv[1]), lambda parts: None, lambda parts: dict()).ready()
"""


def killed(file: Path, after_s: float) -> None:
    """A start that dies by SIGKILL so long after it began to open the journal."""
    with subprocess.Popen(
        [sys.executable, "-c", OPEN, str(file)],
        env={"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout and process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)


def test_a_kill_at_any_moment_leaves_a_journal_that_opens(tmp_path: Path) -> None:
    dice = random.Random(1)
    for place in range(KILLS):
        folder = tmp_path / str(place)
        folder.mkdir()
        file = laid(folder, dice.choice(FORMATS))
        killed(file, dice.uniform(0, 0.02))
        connection, found = look_and_open(file, fits)
        assert found.lost is None
        assert {"events/now", "events/later"} <= found.parts.keys() and len(found.todo) >= 7
        connection.close()


class _Stops(sqlite3.Connection):
    """A connection of a process that dies at its n-th statement."""

    left = 0

    def execute(self, *said: Any) -> sqlite3.Cursor:
        _Stops.left -= 1
        if _Stops.left < 0:
            raise KeyboardInterrupt
        return super().execute(*said)


@pytest.mark.parametrize("format", ("format1", "format2", "format3"))
def test_cut_off_at_any_statement_the_old_journal_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    connect = sqlite3.connect
    for statement in range(60):
        folder = tmp_path / str(statement)
        folder.mkdir()
        file = laid(folder, format)
        _Stops.left = statement
        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k, factory=_Stops))
            try:
                connection, _ = look_and_open(file, fits)
            except KeyboardInterrupt:
                pass
            else:
                connection.close()
                return
        assert b"CREATE TABLE part" in file.read_bytes()
        connection, found = look_and_open(file, fits)
        assert found.lost is None and found.parts["events/now"]
        connection.close()
    raise AssertionError("it never came to an end")
