"""T2: the power goes at any moment, and tears what was being written.

IMAGES=2000 makes as many states of the disk, SEED=17 others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import pytest

from statemachine import read
from tests.kit.paths import ROOT
from tests.kit.process.journal_writer import ANSWERS, digest, look
from tests.kit.process.power_cut import Call, Kind, Recorder, images, promise
from tests.kit.process.site import STEADY, Backend, Site
from venctl.store.journal import Batch, Journal

IMAGES, SEED = int(os.environ.get("IMAGES", "400")), int(os.environ.get("SEED", "1"))
LIVES = [(120, "close"), (90, "die"), (1, "die"), (150, "close"), (60, "die")]


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a state of the disk is some megabytes."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def recorded(folder: Path) -> list[Call]:
    """What some lives of a program did to a journal, and what they promised."""
    recorder, first = Recorder(folder / "state", folder / "trace"), 1
    for count, end in LIVES:
        words = (str(folder / "state"), str(first), str(count), end)
        command = [sys.executable, "-m", "tests.kit.process.journal_writer", *words]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **recorder.env}, timeout=240)
        assert done.returncode == (9 if end == "die" else 0)
        first += count
    return recorder.calls()


def holds(folder: Path, promised: int, digests: Mapping[int, str]) -> None:
    """All that was promised is known, what is known is whole, and it can be written to."""
    seen = look(folder)
    found = seen.found
    assert found.lost is None
    number = found.message
    assert number in (promised, promised + 1), f"{promised} were promised, {number} is known"
    if not number:
        assert not found.parts
        return
    assert digest(found.parts) == digests[number]
    answered = {key for key, *_ in found.answered}
    assert answered == {f"k{n}" for n in range(max(1, number - ANSWERS + 1), number + 1)}
    journal = Journal(seen.ready(), found.writes, seen.high_water)
    journal.write(Batch(message=number + 1))
    journal.close()
    assert look(folder).found.message == number + 1


def test_whenever_the_power_goes_nothing_that_was_promised_is_lost(quick: Path) -> None:
    calls = recorded(quick)
    told = [call.path.split() for call in calls if call.kind == Kind.PROMISE]
    digests = {int(number): known for number, known in told}
    assert len(digests) == sum(count for count, _ in LIVES)
    assert sum(call.kind == Kind.SYNC for call in calls) > len(digests)
    for promised in images(calls, IMAGES, Random(SEED), quick / "image"):
        holds(quick / "image", len(promised), digests)
    print(f"{IMAGES:,} states of the disk out of {len(calls):,} calls")


def story(folder: Path, recorder: Recorder) -> None:
    """What a site and its operator do; what was acknowledged is promised from then on."""
    one = Site(folder, env=recorder.env)
    try:
        for life in range(3):
            one.start("--state", str(folder / "state")).connected()
            backend = Backend(int(one.ready["mqtt"].rpartition(":")[2]))
            for number in range(8):
                id = f"e{life}{number}"
                ack = backend.ask(
                    {"op": "event", "event_id": id, "shed_kw": 1, "duration_sec": 600}
                )
                assert ack["status"] == "accepted"
                promise(recorder.trace, id)
                backend.ask({"op": "cancel", "event_id": id})
                backend.ask({"op": "setLoad", "loadId": "lights1", "enabled": number % 2 == 0})
            backend.close()
            if life == 1:
                one.kill()
            else:
                assert one.stop() == 0
    finally:
        one.close()


def test_whenever_the_power_goes_every_file_of_a_site_is_as_good(quick: Path) -> None:
    recorder = Recorder(quick / "state", quick / "trace")
    story(quick, recorder)
    calls, image = recorder.calls(), quick / "image"
    spec, count = read(STEADY, "ven.yaml"), max(2, IMAGES // 4)
    for number, promised in enumerate(images(calls, count, Random(SEED), image)):
        found = look(image, spec).found
        assert found.lost is None
        known = {key for key, *_ in found.answered} | set(found.parts)
        assert not [id for id in promised if not any(id in key for key in known)]
        if number % (count // 2) == 0:
            starts_well(quick, image)
        assert not list(image.rglob("*.corrupt-*"))


def starts_well(folder: Path, state: Path) -> None:
    """A site starts on it as on any other day."""
    one = Site(folder)
    try:
        one.start("--state", str(state)).connected()
        assert not one.state()["alarms"] and one.stop() == 0
        assert "Traceback" not in one.said()
    finally:
        one.close()
