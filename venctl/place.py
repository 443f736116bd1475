"""Where a site keeps its state, and how a command finds the controller that runs it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from .claim import claimed

IN_FORCE, _FROM = "in-force.yaml", "# as read from "


@dataclass(frozen=True, slots=True)
class Running:
    """A controller that runs: its ven.yaml, its page and the token that asks for, its broker.

    `tls`: the files an operator shows to a stand-in that speaks TLS, by `cert`, `key` and `ca`.
    """

    ven_id: str
    file: Path
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


def token(folder: Path) -> str:
    """The site's token, made at the first start and kept where only its owner reads it."""
    file = folder / "token"
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32))
    return file.read_text().strip()


def find(file: Path, chosen: Path | None) -> Running | None:
    """The controller that runs for this ven.yaml, whatever an edit made of it since; or None.

    Raises OSError or ValueError where none runs and the file names no site.
    """
    if folder := chosen or _of_systemd():
        return _running(folder)
    mine = [one for one in map(_running, _beside(file)) if one and one.file == file.resolve()]
    return mine[0] if mine else _running(state_folder(file, site_id(file), None))


def in_force(file: Path, text: str) -> str:
    """What `IN_FORCE` says while `text` is in force, as read from `file`."""
    return f"{_FROM}{file.resolve()}\n{text}"


def cut_off(file: Path, chosen: Path | None) -> tuple[Path, str] | None:
    """Where the controller of this ven.yaml was cut off, and the text that was in force then."""
    there = chosen or _of_systemd()
    for folder in [there] if there else _beside(file):
        try:
            first, _, text = (folder / IN_FORCE).read_text("utf-8").partition("\n")
        except (OSError, UnicodeDecodeError):
            continue
        if first == f"{_FROM}{file.resolve()}" and not claimed(folder):
            return folder, text
    return None


def _of_systemd() -> Path | None:
    said = os.environ.get("STATE_DIRECTORY")
    return Path(said) if said else None


def _beside(file: Path) -> list[Path]:
    """The state folders of this ven.yaml and of its neighbours, the one used last first."""
    folders = (file.resolve().parent / ".venctl").glob("*/")
    return sorted(folders, key=lambda folder: (-folder.stat().st_mtime, folder.name))


def _running(folder: Path) -> Running | None:
    try:
        said = json.loads((folder / "controller.json").read_text())
        secret = (folder / "token").read_text().strip()
        file, tls = Path(said["file"]), said.get("tls") or {}
        return Running(said["ven_id"], file, said["web"], secret, said["mqtt"], tls)
    except (OSError, ValueError, KeyError):
        return None


def write_private(file: Path, text: str) -> None:
    """Write a small file for its owner only, so that nobody ever reads half of it.

    On disk when this returns. Raises OSError, with the file as it was.
    """
    new = file.with_name(file.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
