"""The settings of a link as they are declared: where it leads, its pause, its secrets and its CA.

| setting | links | what it is |
|---|---|---|
| `pause` | all | the least time between two requests, such as `100 ms` |
| `ca` | http, mqtt | a file with the CA (PEM) that signed the other end's certificate |
| `auth` | http | `basic`, `digest` or `bearer`; without it, what a password or token needs |
| `username`, `password` | http, mqtt | the password as `env:NAME` or `file:NAME` |
| `token` | http | as `env:NAME` or `file:NAME` |
| `poll` | mqtt | the least time between two messages that ask one device to report |
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from statemachine.kit.quantity import millis

from ...base.private_files import read_file
from .faults import LinkFault, device_words

Secrets = Callable[[str], str]
MOST_PAUSE_MS = 10_000
MOST_SECRET = 65_535  # bytes, the limit of MQTT


@dataclass(frozen=True, slots=True)
class Address:
    """Where a link leads."""

    scheme: str
    host: str
    port: int
    path: str
    usual: bool
    """Whether the port is that of the scheme."""

    @property
    def authority(self) -> str:
        """The host with its port, as a URL has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def text(self) -> str:
        """The same for people, without a port that goes without saying."""
        return self.host if self.usual else self.authority


def address_of(to: str, schemes: Mapping[str, int]) -> Address:
    """Read an address. `schemes` has the port of each; the first is meant where none is given.

    Raises LinkFault if that is no address, or has a password in it.
    """
    first = next(iter(schemes))
    fault = f"{device_words(to)!r} is no address; write it like 192.168.1.40 or {first}://host"
    try:
        parts = urlsplit(to if "://" in to else f"{first}://{to}")
        host, port = parts.hostname, parts.port or schemes.get(parts.scheme)
    except ValueError:
        raise LinkFault(fault, lasting=True) from None
    if "@" in parts.netloc:
        said = f"the address of {host} has a user name in it; write username: and password:"
        raise LinkFault(said, lasting=True)
    odd = parts.query or parts.fragment or not (host or "").isprintable() or " " in (host or "")
    if not host or not port or odd or parts.scheme not in schemes:
        raise LinkFault(fault, lasting=True)
    usual = port == schemes[parts.scheme]
    return Address(parts.scheme, host, port, parts.path.rstrip("/"), usual)


def pause_of(settings: Mapping[str, str], name: str = "pause", otherwise_ms: int = 0) -> int:
    """A time between requests, in ms, of at most 10 s."""
    try:
        return min(MOST_PAUSE_MS, millis(settings[name])) if name in settings else otherwise_ms
    except ValueError as error:
        raise LinkFault(f"{name}: {error}", lasting=True) from None


def secret_of(settings: Mapping[str, str], name: str, secrets: Secrets) -> str | None:
    """The password or token of this name; None if there is none. Raises LinkFault."""
    if name not in settings:
        return None
    try:
        return secrets(settings[name])
    except (ValueError, OSError) as error:
        raise LinkFault(f"{name}: {error}", lasting=True, everywhere=True) from None


def ca_of(settings: Mapping[str, str], beside: Path) -> bytes | None:
    """The own CA; None if there is none. Raises LinkFault."""
    if "ca" not in settings:
        return None
    file = beside / settings["ca"]
    try:
        return read_file(file).content
    except OSError as error:
        said = f"the CA {file} cannot be read: {error.strerror}"
        raise LinkFault(said, lasting=True, everywhere=True) from None


def trusting(own: bytes | None) -> ssl.SSLContext:
    """A context that trusts an own CA, or those of this machine. Raises ssl.SSLError, ValueError.

    Python 3.13 refuses a CA without key identifiers, as many devices have it. Who names a CA trusts
    it, on every Python.
    """
    context = ssl.create_default_context(cadata=own.decode("ascii") if own else None)
    if own:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def secret_reader(beside: Path) -> Secrets:
    """Reads `env:NAME` and `file:NAME`, whose files are relative to the folder `beside`.

    What it returns raises ValueError with a sentence, never with the secret in it.
    """

    def read(reference: str) -> str:
        kind, _, name = reference.partition(":")
        if kind == "env" and name:
            return _plain(os.environ.get(name), f"the environment variable {name}")
        if kind == "file" and name:
            return _plain(_of_file(beside / name), f"the file {beside / name}")
        raise ValueError("a secret is written as env:NAME or file:NAME")

    return read


def _of_file(file: Path) -> str:
    try:
        found = read_file(file, MOST_SECRET)
    except OSError as error:
        raise ValueError(f"the file {file} cannot be read: {error.strerror}") from None
    if found.exposed:
        raise ValueError(f"the file {file} is {found.exposed}; run `chmod 600 {file}`")
    try:
        return found.content.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"the file {file} is not text in UTF-8") from None


def _plain(word: str | None, what: str) -> str:
    if word is None:
        raise ValueError(f"{what} is not set")
    if not word.strip():
        raise ValueError(f"{what} is empty")
    if not word.isprintable():
        raise ValueError(f"{what} has control characters in it, or more than one line")
    return word
