"""Every setting of a ven.yaml as a row: its path, how it is written, its default, its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .schema import Schema, schema
from .writer import scalar


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
    for name, setting in part.get("properties", {}).items():
        path, inner, mark = f"{above}{name}", _inner(setting, parts), ""
        default = "needed" if name in needed else _text(setting.get("default", ""))
        yield Key(path, _form(setting), default, setting["description"])
        if inner is not None:
            mark = "" if "$ref" in setting else "[]" if setting.get("type") == "array" else ".*"
            yield from _keys(inner, parts, f"{path}{mark}.")


def _inner(setting: Schema, parts: Schema) -> Schema | None:
    """The section, or the item of a list or mapping, that a setting has; None if none."""
    for part in (setting, setting.get("items", {}), setting.get("additionalProperties", {})):
        if "$ref" in part:
            section: Schema = parts[part["$ref"].rpartition("/")[2]]
            return section
    return None


def _form(setting: Schema) -> str:
    """How a value is written, in a few words."""
    if "$ref" in setting or "additionalProperties" in setting:
        return "settings"
    if setting.get("type") == "array":
        inner = setting["items"]
        return "list" if "$ref" in inner else f"list, {_form(inner)}"
    if "examples" in setting and isinstance(setting["examples"][0], dict):
        words: list[str] = next((part["enum"] for part in setting["anyOf"] if "enum" in part), [])
        return ", ".join([*words, f"{'or ' if words else ''}like {scalar(setting['examples'][0])}"])
    if "anyOf" in setting:
        return "name or list of names"
    if "enum" in setting:
        return ", ".join(setting["enum"])
    if "examples" in setting:
        return f"like {setting['examples'][0]}"
    kinds = {"boolean": "true, false", "integer": "whole number", "string": "text"}
    return kinds.get(str(setting.get("type")), "name or list of names")


def _text(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)
