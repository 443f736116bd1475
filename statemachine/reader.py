"""From the text of a ven.yaml to a `Spec`, or to all of its faults with their places."""

from __future__ import annotations

import types
from functools import cache
from importlib.resources import files
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from .audit import audit
from .errors import Fault, SpecError, meant
from .source import Source, Value, child, parse
from .spec import Spec

_CHARTS = ("event", "shadow")


@cache
def standard() -> str:
    """The charts in force where a file has none, as text."""
    return (files(__package__ or "statemachine") / "standard.yaml").read_text("utf-8")


def read(text: str, file: str) -> Spec:
    """Read and check a whole ven.yaml. Raises `SpecError` with every fault that was found."""
    source = parse(text, file)
    whole = _with_charts(source.value)
    try:
        spec = Spec.model_validate(whole)
    except ValidationError as error:
        faults = [_fault(source, found) for found in error.errors()]
        if isinstance(whole, dict):
            spec = Spec.model_validate(_sound(whole, error))
            faults += audit(spec, source)
        raise SpecError([*source.faults, *faults]) from None
    if faults := [*source.faults, *audit(spec, source)]:
        raise SpecError(faults)
    return spec


def _with_charts(value: Value) -> object:
    if not isinstance(value, dict):
        return value
    default = parse(standard(), "standard.yaml").value
    return {**{name: child(default, name) for name in _CHARTS}, **value}


def _sound(whole: dict[str, Value], error: ValidationError) -> dict[str, object]:
    """What did validate, so that it can be audited too; the rest stands as if left out."""
    kept: dict[str, object] = dict(whole)
    for section, *rest in (found["loc"] for found in error.errors()):
        circuits = kept.get("circuits")
        if section == "circuits" and rest and isinstance(circuits, dict):
            kept["circuits"] = {id: said for id, said in circuits.items() if id != rest[0]}
        else:
            kept.pop(str(section), None)
    charts = {name: child(parse(standard(), "standard.yaml").value, name) for name in _CHARTS}
    first = {"site": {"id": "site"}, "circuits": {}}
    sound = {**charts, **first, **kept}
    return {**sound, "circuits": sound["circuits"] or {"any": {"rated": "1 W"}}}


def _fault(source: Source, found: Any) -> Fault:
    path = tuple(part for part in found["loc"] if part != "[key]")
    at = source.mark(path)
    match found["type"]:
        case "extra_forbidden":
            known = _settings(Spec, path[:-1])
            return Fault(
                source.key(path), f"no setting is called {path[-1]!r}", meant(str(path[-1]), known)
            )
        case "missing":
            return Fault(source.mark(path[:-1]), f"`{path[-1]}` is missing")
        case "value_error":
            problem, _, hint = str(found["ctx"]["error"]).partition("; ")
            return Fault(source.key(path) if "[key]" in found["loc"] else at, problem, hint)
        case "dict_type" | "model_type" | "model_attributes_type":
            return Fault(at, "settings are wanted here", "write them as `name: value`")
        case "list_type":
            return Fault(at, "a list is wanted here")
        case "string_type":
            return Fault(at, "one word is wanted here")
    return Fault(at, str(found["msg"]))


def _settings(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The names of the settings that the mapping at `path` may have."""
    kind: Any = model
    for part in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {(f.alias or name): f.annotation for name, f in kind.model_fields.items()}
            kind = fields.get(str(part))
        else:
            kind = get_args(kind)[-1] if get_args(kind) else None
        if get_origin(kind) in (Union, types.UnionType):
            kind = get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [field.alias or name for name, field in kind.model_fields.items()]
    return []
