"""The folder of a site's state, and how a command finds the running controller."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..base.private_files import read_text
from .claim import claimed
from .site_token import read_token

log = logging.getLogger(__name__)
IN_FORCE, _FROM = "in-force.yaml", "# as read from "


@dataclass(frozen=True, slots=True)
class Running:
    """A running controller: its ven.yaml, its page and the token for it, its broker.

    `tls`: the operator's files for a stand-in with TLS, as `cert`, `key` and `ca`.
    `no_token`: why `token` is empty, if it is.
    """

    ven_id: str
    file: Path
    web: str
    token: str
    mqtt: str
    tls: Mapping[str, str]
    no_token: str | None = None


def site_of(file: Path) -> tuple[str, str | None]:
    """`site.id` and `site.timezone` of a ven.yaml, and nothing else: commands must start quickly.

    Raises OSError or ValueError with a message for people.
    """
    try:
        content = yaml.load(read_text(file), Loader=yaml.BaseLoader)
        id, timezone = content["site"]["id"], content["site"].get("timezone")
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{file} has no site.id; run `venctl check` for details") from None
    return str(id), timezone and str(timezone)


def site_id(file: Path) -> str:
    """`site.id` of a ven.yaml. Raises like `site_of`."""
    return site_of(file)[0]


def state_folder(file: Path, ven_id: str, chosen: Path | None) -> Path:
    """`--state`, else $STATE_DIRECTORY, else `.venctl/{venId}` next to the ven.yaml."""
    beside = file.resolve().parent / ".venctl" / ven_id.replace(":", "_")
    return chosen or _of_systemd() or beside


def find_running(file: Path, chosen: Path | None) -> Running | None:
    """The controller that runs for this ven.yaml, even if the file was edited since; or None.

    Raises OSError or ValueError if none runs and the file has no site.id.
    """
    if folder := chosen or _of_systemd():
        return _running(folder)
    mine = [
        running
        for running in map(_running, _beside(file))
        if running and running.file == file.resolve()
    ]
    return mine[0] if mine else _running(state_folder(file, site_id(file), None))


def in_force_text(file: Path, text: str) -> str:
    """The content of `IN_FORCE` while `text`, read from `file`, is in effect."""
    return f"{_FROM}{file.resolve()}\n{text}"


def interrupted_text(file: Path, chosen: Path | None) -> tuple[Path, str] | None:
    """The state folder of an interrupted run of this ven.yaml, and the text in effect then."""
    there = chosen or _of_systemd()
    for folder in [there] if there else _beside(file):
        try:
            first, _, text = read_text(folder / IN_FORCE).partition("\n")
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("%s cannot be read: %s", folder / IN_FORCE, error.strerror)
            continue
        if first == f"{_FROM}{file.resolve()}" and not claimed(folder):
            return folder, text
    return None


def _of_systemd() -> Path | None:
    folder = os.environ.get("STATE_DIRECTORY")
    return Path(folder) if folder else None


def _beside(file: Path) -> list[Path]:
    """The state folders next to this ven.yaml, the most recently used first."""
    folders = (file.resolve().parent / ".venctl").glob("*/")
    return sorted(folders, key=lambda folder: (-folder.stat().st_mtime, folder.name))


def running_info(folder: Path) -> dict[str, Any] | None:
    """What the controller running on `folder` announced; None if none runs."""
    try:
        info = json.loads(read_text(folder / "controller.json"))
    except (OSError, ValueError, RecursionError):
        return None
    names = ("ven_id", "file", "web", "mqtt")
    complete = isinstance(info, dict) and all(isinstance(info.get(name), str) for name in names)
    return info if complete and isinstance(info.get("tls", {}), dict) else None


def _running(folder: Path) -> Running | None:
    info = running_info(folder)
    if info is None:
        return None
    secret, why = read_token(folder)
    no_token = f"{folder / 'token'} is {why}" if why else None
    file, tls = Path(info["file"]), info.get("tls", {})
    return Running(info["ven_id"], file, info["web"], secret, info["mqtt"], tls, no_token)
