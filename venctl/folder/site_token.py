"""The site's token: read, checked, and replaced if it is missing or too weak."""

from __future__ import annotations

import logging
import math
import secrets
import string
from contextlib import suppress
from pathlib import Path

from ..base.private_files import read_file, write_private

log = logging.getLogger(__name__)
Token = tuple[str, str | None]  # the token, and a message about it or None
LEAST_BITS, LEAST_LETTERS, MOST_BYTES = 128, 8, 4096
BASE32 = (  # RFC 4648, the same "extended hex", and Crockford's
    "abcdefghijklmnopqrstuvwxyz234567",
    "0123456789abcdefghijklmnopqrstuv",
    "0123456789abcdefghjkmnpqrstvwxyz",
)
_LOWER = string.ascii_lowercase
_OF_ONE_CASE = ((26, _LOWER), *((32, letters) for letters in BASE32), (36, _LOWER + string.digits))
ALPHABETS = (  # with their sizes, the smallest first; 64 stands for anything else
    (10, frozenset(string.digits)),
    (16, frozenset(string.hexdigits)),
    *((kinds, frozenset(letters)) for kinds, low in _OF_ONE_CASE for letters in (low, low.upper())),
    (52, frozenset(string.ascii_letters)),
    (62, frozenset(string.ascii_letters + string.digits)),
)


def weakness(token: str) -> str | None:
    """Why a token is weak or cannot be sent, as a phrase after "it is"; None if it is strong.

    Its strength is its length times the bits per letter of the smallest of `ALPHABETS` that has all
    its letters. Padding at its end does not count.
    """
    if not token.strip():
        return "blank" if token else "empty"
    if not all(" " < letter <= "~" for letter in token):
        return "not a single word of printable ASCII characters"
    drawn = token.rstrip("=")
    letters = set(drawn)
    kinds = next((kinds for kinds, alphabet in ALPHABETS if letters <= alphabet), 64)
    bits = int(len(drawn) * math.log2(kinds))
    if bits < LEAST_BITS:
        return f"too short ({bits} bits; at least {LEAST_BITS} are needed)"
    if len(letters) < LEAST_LETTERS:
        few = f"{len(letters)}; at least {LEAST_LETTERS} are needed"
        return f"made of too few different letters ({few})"
    return None


def read_token(folder: Path) -> tuple[str, str | None]:
    """The stored token; or "" and why it cannot be used, as a phrase after "it is"."""
    file = folder / "token"
    try:
        token_file = read_file(file, MOST_BYTES)
        secret = token_file.content.decode("utf-8")
    except FileNotFoundError:
        return "", "a link to a file that does not exist" if file.is_symlink() else "missing"
    except UnicodeDecodeError:
        return "", "not UTF-8"
    except OSError as error:
        return "", f"unreadable ({error.strerror})"
    why = token_file.exposed or weakness(secret.strip() or secret)
    return ("", why) if why else (secret.strip(), None)


def site_token(folder: Path) -> Token:
    """The token to use, which is never weak; and a message if it was replaced or cannot be stored.

    The message is also logged. The first start makes a token without a message. Raises nothing.
    """
    kept, why = read_token(folder)
    if kept:
        return kept, None
    file, made = folder / "token", secrets.token_urlsafe(32)
    trouble = _keep(folder, made)
    notes = [] if why == "missing" else [f"the token was replaced: it was {why}"]
    if trouble:
        notes.append(f"the new token is valid for this run only: {file} {trouble}")
    if notes:
        log.warning("%s", "; ".join(notes))
    return made, "; ".join(notes) or None


def temporary_token(folder: Path) -> Token:
    """A token for this run only, if the disk does not answer; and a message about it."""
    note = f"the token is valid for this run only: {folder / 'token'} cannot be reached"
    log.warning("%s", note)
    return secrets.token_urlsafe(32), note


def _keep(folder: Path, made: str) -> str | None:
    """Write the token and read it back; returns what failed, as a phrase after the file name."""
    file = folder / "token"
    try:
        write_private(file, made)
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    kept, why = read_token(folder)
    if kept == made:
        return None
    # A file system without permissions shows the token to every user.
    with suppress(OSError):
        file.unlink()
    return f"cannot be used: after writing, the file was {why or 'different'}"
