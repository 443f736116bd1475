"""One controller to one state folder, whether or not anything can be written there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from venctl.folder.claim import Claim, StateFolderInUse, claimed


def test_a_folder_is_made_for_its_owner_only_and_says_who_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    claim = Claim(folder)
    assert folder.stat().st_mode & 0o777 == 0o700 and not claim.trouble
    with pytest.raises(
        StateFolderInUse, match=rf"is already running on {folder} \(process {os.getpid()}\)"
    ):
        Claim(folder)
    assert claimed(folder)
    claim.close()
    assert not claimed(folder)


@pytest.mark.parametrize("known", ["folder", "file"])
def test_each_of_the_two_locks_keeps_others_out(tmp_path: Path, known: str) -> None:
    """The folder's, which takes no disk; the file's, which controllers of before know alone."""
    claim = Claim(tmp_path)
    if known == "folder":
        (tmp_path / "lock").unlink()
    else:
        os.close(claim._locks.pop(tmp_path))
    assert claimed(tmp_path)
    claim.close()


def test_a_folder_that_cannot_be_made_is_claimed_elsewhere_and_itself_once_it_can(
    tmp_path: Path,
) -> None:
    parent, folder = tmp_path / "disk", tmp_path / "disk" / "state"
    parent.touch()
    claim = Claim(folder)
    assert "cannot be written" in claim.trouble
    with pytest.raises(StateFolderInUse):
        Claim(folder)
    parent.unlink()
    parent.mkdir()
    claim.retry()
    assert not claim.trouble and claimed(folder), "who comes now finds the folder, and it is taken"
    claim.close()
    assert not claimed(folder)


def test_two_folders_are_two_claims(tmp_path: Path) -> None:
    one, other = Claim(tmp_path / "one"), Claim(tmp_path / "other")
    one.close()
    other.close()
