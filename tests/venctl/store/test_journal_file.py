"""A journal that is taken away while it is in use: all there is comes into a new one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.kit.core.write_journals import Story
from venctl.store.journal import Batch
from venctl.store.journal_file import JournalFile
from venctl.store.opening import read_journal


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("noticed", [False, True], ids=["by a write", "by a look"])
def test_no_less_than_all_there_is_opens_a_file_in_its_place(
    tmp_path: Path, noticed: bool, replaced: bool
) -> None:
    memory = Story(tmp_path / "story.db").memory
    answer = ("key", 1, "digest", '{"status": "accepted"}', 1_000)
    file = JournalFile(partial(read_journal, tmp_path / "journal.db", lambda parts: None, dict))
    assert not file.load().parts
    file.write(Batch(memory, answers=[answer]))
    for one in tmp_path.glob("journal.db*"):
        one.unlink()
    if replaced:
        (tmp_path / "journal.db").write_bytes(b"no journal" * 900)
    if noticed:
        with pytest.raises(OSError, match="deleted, moved, replaced"):
            file.check()
    for _ in range(2):
        with pytest.raises(OSError, match="deleted, moved, replaced"):
            file.write(Batch(memory))
    assert file.write(Batch(memory, answers=[answer], anew=True)) is not None, "and it is told"
    found = file.load()
    file.close()
    assert found.parts and found.answered == [answer]
