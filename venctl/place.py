"""Where a site keeps its state, and how a command finds the controller that runs it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

GOOD = "ven.good.yaml"


class Taken(Exception):
    """Another controller runs on this state; says which."""


@dataclass(frozen=True, slots=True)
class Running:
    """A controller that runs: where its page is, the token it asks for, and where its broker is.

    `tls`: the files an operator shows to a stand-in that speaks TLS, by `cert`, `key` and `ca`.
    """

    ven_id: str
    web: str
    token: str
    mqtt: str
    tls: Mapping[str, str]


def site_id(file: Path) -> str:
    """`site.id` of a ven.yaml, and nothing else of it, so that commands start quickly.

    Raises OSError or ValueError with a sentence for people.
    """
    try:
        said = yaml.load(file.read_text("utf-8"), Loader=yaml.BaseLoader)
        found = said["site"]["id"]
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError):
        raise ValueError(f"{file} names no site.id; `venctl check` says more") from None
    return str(found)


def state_folder(file: Path, ven_id: str, chosen: Path | None) -> Path:
    """`--state`, else $STATE_DIRECTORY, else `.venctl/{venId}` beside the ven.yaml."""
    beside = file.resolve().parent / ".venctl" / ven_id.replace(":", "_")
    return chosen or _of_systemd() or beside


def claim(folder: Path) -> IO[str]:
    """The state folder, made 0700 and ours until the answer is closed. Raises `Taken`, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    lock = (folder / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read().strip() or "?"
        lock.close()
        raise Taken(f"a controller already runs on {folder} (process {pid})") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def token(folder: Path) -> str:
    """The site's token, made at the first start and kept where only its owner reads it."""
    file = folder / "token"
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32))
    return file.read_text().strip()


def announce(file: Path, said: Mapping[str, Any]) -> None:
    """Write a small JSON file so that nobody ever reads half of it."""
    write_private(file, json.dumps(said) + "\n")


def keep_good(folder: Path, text: str) -> None:
    """Keep the ven.yaml that is in force from here on."""
    write_private(folder / GOOD, text)


def good_of_cut_off(file: Path, chosen: Path | None) -> Path | None:
    """The ven.yaml that was in force when a controller was cut off; None where none was.

    Who stops in good order leaves no controller.json behind.
    """
    folder = chosen or _of_systemd() or _left(file)
    if folder is None or not (folder / "controller.json").exists():
        return None
    return folder / GOOD if (folder / GOOD).exists() else None


def find(file: Path, chosen: Path | None) -> Running | None:
    """The controller that runs for this ven.yaml; None if there is none."""
    return _running(state_folder(file, site_id(file), chosen))


def find_edited(file: Path, chosen: Path | None) -> Running | None:
    """The same, also where an edit left the file without its `site.id`, or with another one."""
    if chosen is not None:
        return _running(chosen)
    try:
        running = find(file, None)
    except (OSError, ValueError):
        running = None
    folder = _left(file) if running is None else None
    return running if folder is None else _running(folder)


def _of_systemd() -> Path | None:
    said = os.environ.get("STATE_DIRECTORY")
    return Path(said) if said else None


def _left(file: Path) -> Path | None:
    """The one state folder beside the file in which a controller runs, or was cut off."""
    beside = list((file.resolve().parent / ".venctl").glob("*/controller.json"))
    return beside[0].parent if len(beside) == 1 else None


def _running(folder: Path) -> Running | None:
    try:
        said = json.loads((folder / "controller.json").read_text())
        secret = (folder / "token").read_text().strip()
        return Running(said["ven_id"], said["web"], secret, said["mqtt"], said.get("tls") or {})
    except (OSError, ValueError, KeyError):
        return None


def write_private(file: Path, text: str) -> None:
    new = file.with_name(file.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
