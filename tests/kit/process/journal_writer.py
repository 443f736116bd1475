"""One life of a program that writes decisions to a journal, promises them, and ends or dies.

`python -m tests.kit.process.journal_writer FOLDER FIRST COUNT close|die`, recorded by
`power_cut.py`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from statemachine import Spec
from statemachine.state.parts import changed_parts, from_parts
from statemachine.state.triggers import Timer
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.harness import Harness
from tests.kit.process.power_cut import promise
from venctl.store.journal import Batch
from venctl.store.journal_file import JournalFile
from venctl.store.opening import ReadJournal, read_journal
from venctl.store.start import fits

SITE = site(MAPLE)
ANSWERS = 20  # so many are kept, some of kilobytes, so that the log is soon full


def look(folder: Path, spec: Spec = SITE) -> ReadJournal:
    """What a start finds in the journal there."""
    return read_journal(folder / "journal.db", partial(fits, spec), lambda parts: {})


def digest(parts: Mapping[str, Any]) -> str:
    """Tells one memory from another."""
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def main() -> None:
    folder, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    dice, desk, trace = Random(first), Harness(SITE), Path(os.environ["RECORDED_TRACE"])
    file = JournalFile(partial(look, folder))
    if parts := file.load().parts:
        desk.memory = from_parts(SITE, parts)
        desk.ms = desk.memory.at_ms
    for number in range(first, first + count):
        _happens(desk, dice, number)
        answer = (
            f"k{number}",
            0,
            "",
            json.dumps({"said": "x" * dice.choice((20, 3_000, 9_000))}),
            desk.ms,
        )
        decision = (Timer(**desk.stamp()), desk.effects)
        gone = [f"k{number - ANSWERS}"]
        file.write(Batch(desk.memory, [decision], [answer], gone, message=number))
        texts = changed_parts(None, desk.memory)
        known = digest({name: json.loads(text or "") for name, text in texts.items()})
        promise(trace, f"{number} {known}")
    if sys.argv[4] == "die":
        os._exit(9)
    file.close()


def _happens(desk: Harness, dice: Random, number: int) -> None:
    match dice.randrange(3):
        case 0:
            desk.ask(op="event", event_id=f"e{number}", shed_kw=2, duration_sec=30)
        case 1:
            desk.ask(op="setLoad", loadId="lights1", enabled=dice.random() < 0.5)
        case _:
            desk.wait(dice.choice((1, 10)))


if __name__ == "__main__":
    main()
