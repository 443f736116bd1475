"""The templates that a ven.yaml can name: those shipped here, and the user's own beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from statemachine import SpecError
from statemachine.audit.reader import findings_of
from statemachine.device.form import INLINE, Template, TemplateError
from statemachine.kit.errors import Finding, Mark
from statemachine.site.source import Source, parse

from ..base.private_files import read_text

FOLDER = "devices"
MOST_FILES = 200
WORDS = INLINE | {"sim", "own", "none"}


@dataclass(frozen=True, slots=True)
class Devices:
    """Templates by their names, and what is wrong with those that could not be read.

    `replaced` are the shipped ones in place of which a nearer one counts.
    """

    templates: Mapping[str, Template]
    faults: Sequence[Finding] = field(default=())
    replaced: frozenset[str] = frozenset()


@cache
def shipped() -> Mapping[str, Template]:
    """The templates of this program.

    They are read without positions, by PyYAML's reader in C where there is one: ten times as fast.
    """
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every value is text
    found = [
        Template.model_validate(yaml.load(entry.read_text("utf-8"), loader))
        for entry in files(__package__ or "venctl.devices").iterdir()
        if entry.name.endswith(".yaml")
    ]
    return {template.device: template for template in sorted(found, key=lambda one: one.device)}


def catalog(folder: Path | None) -> Devices:
    """The shipped templates and those in `folder`; of two with the same name the latter counts.

    A template that cannot be used is left out, and all its faults are told.
    """
    own: dict[str, Template] = {}
    faults: list[Finding] = []
    for file in _files(folder, faults):
        template = _read(file, faults)
        if template is None:
            continue
        if template.device in own:
            problem = f"a device called {template.device!r} is in another file of this folder too"
            faults.append(Finding(_start(file), "twice", problem, "remove one"))
        own.setdefault(template.device, template)
    replaced = frozenset(own) & frozenset(shipped())
    return Devices({**shipped(), **own}, tuple(faults), replaced)


def devices_beside(file: Path) -> Mapping[str, Template]:
    """All templates for the ven.yaml `file`. Raises SpecError with every fault of the user's."""
    found = catalog(file.parent / FOLDER)
    if found.faults:
        raise SpecError(found.faults)
    return found.templates


def _files(folder: Path | None, faults: list[Finding]) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    try:
        found = sorted(file for file in folder.iterdir() if file.name.endswith(".yaml"))
    except OSError as error:
        faults.append(_unread(folder, error))
        return []
    if len(found) > MOST_FILES:
        problem = f"there are more than {MOST_FILES} files here; the rest is not read"
        faults.append(Finding(_start(folder), "out-of-range", problem, "remove some"))
    return found[:MOST_FILES]


def _read(file: Path, faults: list[Finding]) -> Template | None:
    try:
        source = parse(read_text(file), str(file))
        faults += source.faults
        template = Template.model_validate(source.value)
    except SpecError as error:
        faults += error.faults
    except ValidationError as error:
        faults += _faults(source, error)
    except OSError as error:
        faults.append(_unread(file, error))
    else:
        return template if _named(source, template.device, faults) else None
    return None


def _named(source: Source, name: str, faults: list[Finding]) -> bool:
    if re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name) and name not in WORDS:
        return True
    hint = "write small letters, digits and _" if name not in WORDS else "it means something else"
    problem = f"a device cannot be called {name!r}"
    faults.append(Finding(source.mark(("device",)), "bad-value", problem, hint))
    return False


def _faults(source: Source, error: ValidationError) -> Iterator[Finding]:
    """What is wrong with a template, each at its place."""
    for found, details in zip(findings_of(source, error, Template), error.errors(), strict=True):
        whole = details.get("ctx", {}).get("error")
        if not isinstance(whole, TemplateError):
            yield found
            continue
        for fault in whole.faults:
            problem, _, hint = fault.sentence.partition("; ")
            yield Finding(source.mark(fault.path), "bad-value", problem, hint)


def _unread(file: Path, error: OSError) -> Finding:
    why = (error.strerror or str(error)).lower()
    return Finding(_start(file), "yaml", f"this cannot be read: {why}", "check the file")


def _start(file: Path) -> Mark:
    return Mark(str(file), 1, 1)
