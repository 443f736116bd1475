"""Whatever runs for as long as the controller does comes back when it fails, and that is told."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from tests.kit.core.alarming import Core
from tests.kit.simulated.skipping import run
from tests.kit.simulated.storing import AtOnce
from venctl.base.background_files import BackgroundFiles
from venctl.health.tasks import AGAIN_S, WELL_S, Tasks


def test_a_task_that_fails_is_started_again_and_told_once_until_it_is_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        core = Core()
        tasks, runs = Tasks(core.alarms), 0

        async def work() -> None:
            nonlocal runs
            runs += 1
            if runs <= 3:
                raise ArithmeticError("a bug")
            await asyncio.Event().wait()

        tasks.start("telemetry", work)
        await asyncio.sleep(3 * AGAIN_S + WELL_S / 2)
        assert runs == 4 and list(core.memory.alarms) == ["task-telemetry"]
        assert "ArithmeticError: a bug" in core.memory.alarms["task-telemetry"].text
        await asyncio.sleep(WELL_S)
        assert not core.memory.alarms and len(core.heard) == 2
        await tasks.stop()

    with caplog.at_level(logging.WARNING):
        run(story())
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1


def test_tasks_that_are_stopped_are_gone_and_no_alarm() -> None:
    async def story() -> None:
        core = Core()
        tasks, ended = Tasks(core.alarms), asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        tasks.start("outbox", work)
        await asyncio.sleep(1)
        await tasks.stop()
        assert ended.is_set() and not core.memory.alarms

    run(story())


def test_a_small_file_is_written_as_soon_as_the_disk_takes_it_and_says_the_newest_word(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        notes, file = BackgroundFiles(AtOnce()), tmp_path / "not there yet" / "said.json"
        notes.write(file, "one")
        assert not await notes.written(file, 1.0)
        notes.write(file, "two")
        await asyncio.sleep(5)
        file.parent.mkdir()
        await asyncio.sleep(5)
        assert file.read_text() == "two" and await notes.written(file, 1.0)
        notes.remove(file)
        await asyncio.sleep(5)
        assert not file.exists(), "what is to be gone is not written again"

    run(story())


def test_a_file_that_is_taken_away_is_written_anew_unless_it_is_to_be_gone(tmp_path: Path) -> None:
    async def story() -> None:
        notes, folder = BackgroundFiles(AtOnce()), tmp_path / "site"
        kept, removed = folder / "controller.json", folder / "in-force.yaml"
        folder.mkdir()
        watching = asyncio.create_task(notes.watch())
        for file in (kept, removed):
            notes.write(file, file.name)
        notes.remove(removed)
        folder.rename(tmp_path / "moved")
        folder.mkdir()
        await asyncio.sleep(5)
        assert [file.read_text() for file in folder.iterdir()] == [kept.name]
        watching.cancel()

    run(story())


def test_an_alarm_with_more_words_than_are_kept_is_told_once() -> None:
    async def story() -> None:
        core = Core()
        for _ in range(3):
            core.alarms.raise_alarm("storage", "long " * 200)
        assert len(core.heard) == 1

    run(story())
