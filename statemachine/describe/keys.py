"""Every setting of a ven.yaml as a row: its path, how it is written, its default, its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .schema import Schema, schema


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. In `path`, `*` is a name that the user chooses, and `[]` an item of a list."""

    path: str
    form: str
    default: str
    meaning: str


def all_keys() -> list[Key]:
    """All settings, in file order."""
    whole = schema()
    return list(_keys(whole, whole["$defs"], ""))


def _keys(part: Schema, parts: Schema, above: str) -> Iterator[Key]:
    needed = part.get("required", [])
    for name, said in part.get("properties", {}).items():
        path, inner, mark = f"{above}{name}", _inner(said, parts), ""
        default = "needed" if name in needed else _text(said.get("default", ""))
        yield Key(path, _form(said), default, said["description"])
        if inner is not None:
            mark = "" if "$ref" in said else "[]" if said.get("type") == "array" else ".*"
            yield from _keys(inner, parts, f"{path}{mark}.")


def _inner(said: Schema, parts: Schema) -> Schema | None:
    """The section, or the item of a list or mapping, that a setting has; None if none."""
    for place in (said, said.get("items", {}), said.get("additionalProperties", {})):
        if "$ref" in place:
            found: Schema = parts[place["$ref"].rpartition("/")[2]]
            return found
    return None


def _form(said: Schema) -> str:
    """How a value is written, in a few words."""
    if "$ref" in said or "additionalProperties" in said:
        return "settings"
    if said.get("type") == "array":
        inner = said["items"]
        return "list" if "$ref" in inner else f"list, {_form(inner)}"
    if "anyOf" in said:
        return "name or list of names"
    if "enum" in said:
        return ", ".join(said["enum"])
    if "examples" in said:
        return f"like {said['examples'][0]}"
    kinds = {"boolean": "true, false", "integer": "whole number", "string": "text"}
    return kinds.get(str(said.get("type")), "name or list of names")


def _text(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)
