"""The site's token: never a weak one, never none, and what becomes of one that is no good."""

from __future__ import annotations

import base64
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.process.secret_files import STATES, bring, shared_folder, soon, told
from tests.kit.process.site import STEADY, Site, until
from venctl.base import private_files
from venctl.base.private_files import write_private
from venctl.folder.site_token import read_token, site_token, weakness

GOOD = "kX3_" + "b7Qm-Zr9TfW2cLsA5eJd8Y" * 2
# ---------------------------------------------------------------- how strong


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "empty"),
        (" \t ", "blank"),
        ("secret", "too short (28 bits; at least 128 are needed)"),
        ("kX3b7QmZr9TfW2cLsA5eJ", "too short (125 bits; at least 128 are needed)"),
        ("kX3b7QmZr9TfW2cLsA5eJd", None),
        ("kX3b7QmZr9TfW2cLsA5-_", "too short (126 bits; at least 128 are needed)"),
        ("kX3b7QmZr9TfW2cLsA5-_d", None),
        ("kXebzQmZrGTfWvcLsAieJd", "too short (125 bits; at least 128 are needed)"),
        ("kXebzQmZrGTfWvcLsAieJdE", None),
        ("qwertyuiopasdfghjklzxc", "too short (103 bits; at least 128 are needed)"),
        ("QWERTYUIOPASDFGHJKLZXC", "too short (103 bits; at least 128 are needed)"),
        ("qwertyuiopasdfghjklzxcvbnmq", "too short (126 bits; at least 128 are needed)"),
        ("qwertyuiopasdfghjklzxcvbnmqw", None),
        ("mfrggzdfmztwq2lkxp7q5k", "too short (110 bits; at least 128 are needed)"),
        ("MFRGGZDFMZTWQ2LKXP7Q5KABC", "too short (125 bits; at least 128 are needed)"),
        ("MFRGGZDFMZTWQ2LKXP7Q5KABC===", "too short (125 bits; at least 128 are needed)"),
        ("mfrggzdfmztwq2lkxp7q5kabcd", None),
        ("0123456789abcdefghijklmnv", "too short (125 bits; at least 128 are needed)"),
        ("0123456789ABCDEFGHJKMNPQZ", "too short (125 bits; at least 128 are needed)"),
        ("a1b2c3d4e5f6g7h8i9j0k1", "too short (110 bits; at least 128 are needed)"),
        ("w1x2y3z4e5f6g7h8i9j0k1", "too short (113 bits; at least 128 are needed)"),
        ("A1B2C3D4E5F6G7H8I9J0K1L2M3NZ", None),
        ("a1b2c3d4e5f6g7h8i9j0k1lz", "too short (124 bits; at least 128 are needed)"),
        ("a1b2c3d4e5f6g7h8i9j0k1lzo", None),
        ("0123456789abcdef0123456789abcde", "too short (124 bits; at least 128 are needed)"),
        ("0123456789abcdef0123456789abcdef", None),
        ("0123456789ABCDEF0123456789ABCDEF", None),
        ("01234567890123456789012345678901234567", "too short (126 bits; at least 128 are needed)"),
        ("012345678901234567890123456789012345678", None),
        ("a" * 300, "made of too few different letters (1; at least 8 are needed)"),
        ("1" * 300, "made of too few different letters (1; at least 8 are needed)"),
        ("x" * 300, "made of too few different letters (1; at least 8 are needed)"),
        ("abcdefg" * 30, "made of too few different letters (7; at least 8 are needed)"),
        ("kX3b7QmZr9TfW2cL\nsA5eJd8Y", "not a single word of printable ASCII characters"),
        ("kX3b7QmZr9TfW2cL sA5eJd8Y", "not a single word of printable ASCII characters"),
        ("kX3b7QmZr9TfW2cL\x00sA5eJd8Y", "not a single word of printable ASCII characters"),
        ("kX3b7QmZr9TfW2cLäsA5eJd8Y", "not a single word of printable ASCII characters"),
    ],
)
def test_a_token_is_worth_its_length_times_the_bits_of_a_letter(
    token: str, why: str | None
) -> None:
    assert weakness(token) == why


def test_what_the_standard_library_makes_is_strong() -> None:
    """By a fixed throw of the dice: one in some three million of `token_hex` is all digits.

    Of 16 bytes in base64 one in a hundred has no digit, and could be 22 letters that somebody drew.
    """
    dice, weak = Random(128), set()
    for _ in range(5_000):
        short, long = dice.randbytes(16), dice.randbytes(32)
        base = [base64.urlsafe_b64encode(b).rstrip(b"=").decode() for b in (short, long)]
        made = [short.hex(), base[1]] + ([] if base[0].isalpha() else base[:1])
        weak |= {token for token in made if weakness(token)}
    assert weak == set()
    assert {len(secrets.token_hex(16)), len(secrets.token_urlsafe(16))} == {len(made[0]), 22}


@given(st.text())
def test_whatever_is_strong_can_be_sent_in_a_header_and_is_long(token: str) -> None:
    if weakness(token) is None:
        assert token.isascii() and token.isprintable() and token == token.strip()
        assert len(token) >= 22 and len(set(token)) >= 8


@given(st.text(st.characters(codec="ascii"), max_size=21))
def test_nothing_shorter_than_22_letters_is_strong(token: str) -> None:
    assert weakness(token) is not None


# ---------------------------------------------------------------- every state of the file


@pytest.fixture
def folder() -> Iterator[Path]:
    with shared_folder() as made:
        write_private(made / "token", GOOD)
        yield made


def test_a_strong_token_is_kept_and_nothing_is_said(folder: Path) -> None:
    assert site_token(folder) == (GOOD, None)
    (folder / "token").write_text(f"{GOOD}\r\n")
    assert site_token(folder) == (GOOD, None)


REPLACED = {
    "missing": None,
    "empty": "empty",
    "blank": "blank",
    "truncated": "too short (96 bits; at least 128 are needed)",
    "binary": "not UTF-8",
    "a directory": "unreadable (Is a directory)",
    "no permission": "unreadable (Permission denied)",
    "open to others": "open to other users (mode 0644)",
    "a dangling link": "a link to a file that does not exist",
    "a pipe": "unreadable (A pipe or a device, not a file)",
}


def replaced(folder: Path) -> str:
    """What is said of the token, which is strong, and kept for the next start."""
    token, said = site_token(folder)
    assert weakness(token) is None and token != GOOD
    assert (folder / "token").stat().st_mode & 0o777 == 0o600
    assert site_token(folder) == (token, None)
    return said or "nothing"


@pytest.mark.parametrize("state", STATES)
def test_a_token_that_is_no_good_is_replaced_and_that_is_said(folder: Path, state: str) -> None:
    bring(folder / "token", state)
    why = REPLACED[state]
    said = f"the token was replaced: it was {why}" if why else "nothing"
    assert told(replaced, folder, state) == said


def test_that_it_was_replaced_is_logged_once_and_without_the_token(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bring(folder / "token", "empty")
    token, said = site_token(folder)
    assert caplog.messages == [said]
    assert token not in caplog.text
    assert GOOD not in caplog.text


def test_what_was_in_a_directory_in_its_place_is_kept(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        bring(folder / "token", "a directory")
        site_token(folder)
        assert (folder / f"token.aside-{number}" / "in it").exists()
        assert (
            f"token was a directory; it was renamed to {folder}/token.aside-{number}" in caplog.text
        )


# ---------------------------------------------------------------- where it cannot be kept


def in_memory(folder: Path) -> str:
    """What is said of a token that is strong and new each time, with the disk as it was."""
    before = [(file.name, file.lstat().st_mode) for file in sorted(folder.iterdir())]
    (one, said), (other, _) = site_token(folder), site_token(folder)
    assert weakness(one) is None and weakness(other) is None and len({one, other, GOOD}) == 3
    assert before == [(file.name, file.lstat().st_mode) for file in sorted(folder.iterdir())]
    return said or "nothing"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_on_a_disk_that_takes_no_more_it_lives_in_memory_and_that_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, state: str, call: str
) -> None:
    real = getattr(os, call)

    def full(*said: object, **more: object) -> int:
        if call == "fsync" or (isinstance(said[1], int) and said[1] & os.O_CREAT):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(real(*said, **more))

    if state == "no permission" and os.geteuid() == 0:
        pytest.skip("root is not refused, and nobody's disk is not full")
    bring(folder / "token", state)
    monkeypatch.setattr(private_files.os, call, full)
    why = REPLACED[state]
    first = f"the token was replaced: it was {why}; " if why else ""
    assert soon(lambda: in_memory(folder)) == (
        f"{first}the new token is valid for this run only: "
        f"{folder}/token cannot be written: No space left on device"
    )


def unwritable(folder: Path) -> str:
    folder.chmod(0o500)
    return in_memory(folder)


def test_in_a_folder_that_takes_nothing_it_lives_in_memory(folder: Path) -> None:
    bring(folder / "token", "empty")
    said = told(unwritable, folder, "no permission")
    assert said.endswith(
        f"valid for this run only: {folder}/token cannot be written: Permission denied"
    )


def test_a_folder_that_is_gone_does_not_stop_it(folder: Path) -> None:
    token, said = site_token(folder / "gone")
    assert weakness(token) is None
    assert said and said.startswith("the new token is valid for this run only")


def test_a_directory_that_cannot_be_moved_leaves_it_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(self: Path, target: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    bring(folder / "token", "a directory")
    monkeypatch.setattr(Path, "rename", busy)
    said = in_memory(folder)
    assert said.startswith("the token was replaced: it was unreadable (Is a directory); ")
    assert said.endswith("token cannot be written: Device or resource busy")


def test_on_a_file_system_without_permissions_it_is_not_left_on_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def open_to_all(file: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = real(file, flags, mode)
        if flags & os.O_CREAT:
            os.fchmod(descriptor, 0o777)
        return descriptor

    bring(folder / "token", "open to others")
    monkeypatch.setattr(private_files.os, "open", open_to_all)
    token, said = site_token(folder)
    assert weakness(token) is None and not list(folder.iterdir())
    assert said and said.endswith("after writing, the file was open to other users (mode 0777)")


# ---------------------------------------------------------------- a write that is cut off


class Cut(BaseException):
    """The power is gone."""


@pytest.mark.parametrize("before", [GOOD, "", None])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace", "settle"])
def test_a_write_that_is_cut_off_leaves_the_old_token_or_the_new_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, before: str | None
) -> None:
    file, new = folder / "token", "N" + GOOD
    file.write_text(before) if before is not None else file.unlink()
    with monkeypatch.context() as patch:
        _cut(patch, call)
        with pytest.raises(Cut):
            write_private(file, new)
    left = file.read_text() if file.exists() else None
    assert left == (new if call == "settle" else before)
    write_private(file, new)
    assert read_token(folder) == (new, None)
    assert [one.name for one in folder.iterdir()] == ["token"]


def _cut(patch: pytest.MonkeyPatch, call: str) -> None:
    def cut(*_: object, **__: object) -> None:
        raise Cut

    def half(new: Path, content: bytes) -> None:
        new.write_bytes(content[:5])
        raise Cut

    match call:
        case "write":
            patch.setattr(private_files, "_fill", half)
        case "replace":
            patch.setattr(Path, "replace", cut)
        case "settle":
            patch.setattr(private_files, "_settle", cut)
        case _:
            patch.setattr(private_files.os, call, cut)


@pytest.mark.parametrize("state", [state for state in STATES if state != "missing"])
def test_whatever_lies_where_the_next_token_is_written_is_harmless(
    folder: Path, state: str
) -> None:
    left = folder / "token.new"
    write_private(left, GOOD)
    bring(left, state)
    bring(folder / "token", "empty")
    assert told(replaced, folder, state) == "the token was replaced: it was empty"
    assert not os.path.lexists(left) and not (folder / "nowhere").exists()


# ---------------------------------------------------------------- a site on a network


LAN = STEADY.replace("listen: 127.0.0.1:8080", "listen: 0.0.0.0:8080", 1)


def test_an_empty_token_opens_a_page_on_the_network_to_nobody(
    tmp_path: Path,
) -> None:
    state = tmp_path / ".venctl" / "volttron_local"
    state.mkdir(parents=True)
    (state / "token").touch(0o600)
    site = Site(tmp_path, LAN).start()
    site.ready["web"] = site.ready["web"].replace("0.0.0.0", "127.0.0.1")
    try:
        assert site.http("GET", "/api/v1/state")[0] == 401
        assert site.http("GET", "/api/v1/state", Authorization="Bearer ")[0] == 401
        assert site.http("POST", "/api/v1/session", {"token": ""})[0] == 401
        bearer = {"Authorization": f"Bearer {(state / 'token').read_text()}"}
        assert site.http("GET", "/api/v1/state", **bearer)[0] == 200
        until(lambda: "state    " in site.said(), "the greeting")
        lines = [line for line in site.said().splitlines() if "it was empty" in line]
        assert lines[1:] == ["token    the token was replaced: it was empty"]
        assert "WARNING venctl.folder.site_token: the token was replaced: it was empty" in lines[0]
        assert site.venctl("state").returncode == 0
    finally:
        site.close()
