"""Turns the text of a ven.yaml into a `Spec`, or into all findings with their positions."""

from __future__ import annotations

import types
from functools import cache
from importlib.resources import files
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ..device.catalog import NO_DEVICES, Catalog, secrets_of
from ..kit.errors import Finding, SpecError, suggestion
from ..site.links import SecretInFile
from ..site.source import Source, Value, child, parse
from ..site.spec import Spec
from .audit import audit
from .devices.resolve import with_devices
from .draft import Draft

_CHARTS = ("event", "shadow")
_ROW: dict[str, Value] = {"trigger": "elapsed", "from": "any"}


@cache
def standard_charts() -> str:
    """The default charts, as YAML text. A file without its own charts uses these."""
    return (files(__package__ or "statemachine") / "standard.yaml").read_text("utf-8")


def read(text: str, file: str, catalog: Catalog = NO_DEVICES) -> Spec:
    """Read and check a whole ven.yaml. Raises `SpecError` with every error that was found.

    `catalog` has the devices that it may name.
    """
    spec, faults = examine(text, file, catalog)
    if spec is None:
        raise SpecError(fault for fault in faults if fault.severity == "error")
    return spec


def examine(
    text: str, file: str, catalog: Catalog = NO_DEVICES
) -> tuple[Spec | None, list[Finding]]:
    """The site and every finding about its file; the site is None if the file is refused."""
    try:
        source = parse(text, file, secrets_of(catalog))
    except SpecError as error:
        return None, list(error.faults)
    resolved, found = with_devices(source, catalog)
    whole = _with_charts(resolved)
    try:
        spec, broken, faults = Spec.model_validate(whole), frozenset[str](), list[Finding]()
    except ValidationError as error:
        faults = findings_of(source, error, Spec)
        if not isinstance(whole, dict):
            return None, faults
        spec, broken = _sound(whole, error)
    draft = Draft(spec, source, broken, catalog)
    faults = sorted({*source.faults, *found, *faults, *audit(draft)})
    refused = any(fault.severity == "error" for fault in faults)
    return None if refused else spec, faults


def _with_charts(value: Value) -> object:
    if not isinstance(value, dict):
        return value
    return {**{name: _standard(name) for name in _CHARTS if name not in value}, **value}


@cache
def _standard(chart: str) -> Value:
    return child(parse(standard_charts(), "standard.yaml").value, chart)


def _sound(whole: dict[str, Value], error: ValidationError) -> tuple[Spec, frozenset[str]]:
    """A `Spec` of the valid parts, to be audited too, and the names of the invalid sections."""
    locations = [details["loc"] for details in error.errors()]
    kept = dict(whole)
    for section, *rest in locations:
        kept[str(section)] = _without(kept.get(str(section)), list(rest), str(section))
    broken = frozenset(str(location[0]) for location in locations)
    try:
        return Spec.model_validate(_filled(kept, set())), broken
    except ValidationError as again:
        worse = {str(details["loc"][0]) for details in again.errors()}
        return Spec.model_validate(_filled(kept, worse)), broken | worse


def _filled(kept: dict[str, Value], without: set[str]) -> dict[str, Value]:
    """A complete site, with placeholders for required sections that are missing."""
    needed: dict[str, Value] = {"site": {"id": "site"}, "circuits": {}}
    needed |= {name: _standard(name) for name in _CHARTS}
    values = {k: v for k, v in kept.items() if v is not None and k not in without}
    return needed | values


def _without(value: Value, path: list[str | int], section: str) -> Value:
    """A section without its invalid part; None if nothing is left."""
    if section in _CHARTS and path and isinstance(value, dict):
        return _mended(value, path)
    if isinstance(value, dict) and path and path[0] in value:
        return {name: entry for name, entry in value.items() if name != path[0]}
    return None


def _mended(value: Value, path: list[str | int]) -> Value:
    """A chart with a placeholder for each invalid row or state, so that indexes stay the same."""
    key, *rest = path
    inside = rest and rest[0] != "[key]"
    if isinstance(value, list) and isinstance(key, int):
        row = value[key]
        whole = isinstance(row, dict) and inside and rest[0] in row
        return [*value[:key], _mended(row, rest) if whole else dict(_ROW), *value[key + 1 :]]
    if not isinstance(value, dict) or key not in value:
        return None
    name = str(key)
    if inside and isinstance(value[name], dict | list):
        return {**value, name: _mended(value[name], rest)}
    return {other: entry for other, entry in value.items() if other != name}


def findings_of(source: Source, error: ValidationError, model: type[BaseModel]) -> list[Finding]:
    """The findings for a failed validation, each with its position and a hint."""
    return [_fault(source, details, model) for details in error.errors()]


def _fault(source: Source, details: Any, model: type[BaseModel]) -> Finding:
    path = tuple(part for part in details["loc"] if part != "[key]")
    at = source.mark(path)
    match details["type"]:
        case "extra_forbidden":
            word, known = str(path[-1]), _settings(model, path[:-1])
            problem = f"no setting is called {word!r}"
            return Finding(source.key(path), "unknown-setting", problem, suggestion(word, known))
        case "missing":
            sense = _meaning(model, path)
            return Finding(
                source.mark(path[:-1]), "missing", f"`{path[-1]}` is missing", f"add it: {sense}"
            )
        case "value_error":
            problem, _, hint = str(details["ctx"]["error"]).partition("; ")
            here = source.key(path) if "[key]" in details["loc"] else at
            plain = isinstance(details["ctx"]["error"], SecretInFile)
            return Finding(here, "plain-secret" if plain else "bad-value", problem, hint)
        case "dict_type" | "model_type" | "model_attributes_type":
            hint = "write them as `name: value`"
            return Finding(at, "bad-value", "settings are expected here", hint)
        case "list_type":
            return Finding(at, "bad-value", "a list is expected here", "write it like [a, b]")
        case "string_type":
            return Finding(at, "bad-value", "a single value is expected here")
    return Finding(at, "bad-value", str(details["msg"]))


def _section(model: type[BaseModel], path: tuple[Any, ...]) -> type[BaseModel] | None:
    """The model of the settings at `path`; None if there are none."""
    kind: Any = model
    for part in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {(f.alias or name): f.annotation for name, f in kind.model_fields.items()}
            kind = fields.get(str(part))
        else:
            kind = get_args(kind)[-1] if get_args(kind) else None
        if get_origin(kind) in (Union, types.UnionType):
            kind = get_args(kind)[0]
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _settings(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The names of the settings allowed at `path`."""
    section = _section(model, path)
    fields = section.model_fields if section is not None else {}
    return [field.alias or name for name, field in fields.items()]


def _meaning(model: type[BaseModel], path: tuple[Any, ...]) -> str:
    """What the setting at `path` means, in words."""
    section, name = _section(model, path[:-1]), str(path[-1])
    fields = section.model_fields.items() if section is not None else ()
    descriptions = [field.description for own, field in fields if name in (own, field.alias)]
    return descriptions[0] or "" if descriptions else ""
