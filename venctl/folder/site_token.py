"""The site's token: found, judged, and made anew where it is missing or would keep nobody out."""

from __future__ import annotations

import logging
import math
import secrets
import string
from contextlib import suppress
from pathlib import Path

from ..base.private_files import look, write_private

log = logging.getLogger(__name__)
Token = tuple[str, str | None]  # and a sentence, where there is something to say of it
LEAST_BITS, LEAST_LETTERS, MOST_BYTES = 128, 8, 4096
BASE32 = (  # RFC 4648, the same "extended hex", and Crockford's
    "abcdefghijklmnopqrstuvwxyz234567",
    "0123456789abcdefghijklmnopqrstuv",
    "0123456789abcdefghjkmnpqrstvwxyz",
)
_LOWER = string.ascii_lowercase
_OF_ONE_CASE = ((26, _LOWER), *((32, one) for one in BASE32), (36, _LOWER + string.digits))
ALPHABETS = (  # how many letters are in each, the smallest first; 64 is for all the rest
    (10, frozenset(string.digits)),
    (16, frozenset(string.hexdigits)),
    *((kinds, frozenset(one)) for kinds, low in _OF_ONE_CASE for one in (low, low.upper())),
    (52, frozenset(string.ascii_letters)),
    (62, frozenset(string.ascii_letters + string.digits)),
)


def weakness(token: str) -> str | None:
    """Why a token could be guessed or not be sent, to be said after "it is"; None: it is strong.

    It is worth its length times the bits of a letter of the smallest of `ALPHABETS` that holds all
    of them. Padding at its end is worth nothing.
    """
    if not token.strip():
        return "blank" if token else "empty"
    if not all(" " < letter <= "~" for letter in token):
        return "not one word of plain letters"
    drawn = token.rstrip("=")
    letters = set(drawn)
    kinds = next((kinds for kinds, alphabet in ALPHABETS if letters <= alphabet), 64)
    bits = int(len(drawn) * math.log2(kinds))
    if bits < LEAST_BITS:
        return f"short ({bits} bit, and {LEAST_BITS} are needed)"
    if len(letters) < LEAST_LETTERS:
        return f"made of too few letters ({len(letters)}, and {LEAST_LETTERS} are needed)"
    return None


def read_token(folder: Path) -> tuple[str, str | None]:
    """The token that is kept, or "" and why it is none, to be said after "it is"."""
    file = folder / "token"
    try:
        found = look(file, MOST_BYTES)
        held = found.content.decode("utf-8")
    except FileNotFoundError:
        return "", "a link to nothing" if file.is_symlink() else "missing"
    except UnicodeDecodeError:
        return "", "not UTF-8"
    except OSError as error:
        return "", f"unreadable ({error.strerror})"
    why = found.exposed or weakness(held.strip() or held)
    return ("", why) if why else (held.strip(), None)


def site_token(folder: Path) -> Token:
    """The token to run with, never a weak one; and a sentence if it was replaced or is not kept.

    The sentence is also logged. Made without a word at the first start. Raises nothing.
    """
    kept, why = read_token(folder)
    if kept:
        return kept, None
    file, made = folder / "token", secrets.token_urlsafe(32)
    trouble = _keep(folder, made)
    said = [] if why == "missing" else [f"the token was replaced: it was {why}"]
    if trouble:
        said.append(f"the new one is in memory only and ends with this run: {file} {trouble}")
    if said:
        log.warning("%s", "; ".join(said))
    return made, "; ".join(said) or None


def passing_token(folder: Path) -> Token:
    """A token for this run alone, where the disk does not answer; and a sentence that says so."""
    said = f"the token is in memory only and ends with this run: {folder / 'token'} is out of reach"
    log.warning("%s", said)
    return secrets.token_urlsafe(32), said


def _keep(folder: Path, made: str) -> str | None:
    """Write it and read it again; answers what went wrong, to be said after the file's name."""
    file = folder / "token"
    try:
        write_private(file, made)
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    kept, why = read_token(folder)
    if kept == made:
        return None
    # A file system without permissions shows to everybody what it is given.
    with suppress(OSError):
        file.unlink()
    return f"cannot be kept: once written it was {why or 'another one'}"
