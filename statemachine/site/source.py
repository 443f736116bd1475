"""YAML text as plain values, each with its position.

The setting decides what a value means, never YAML: `off`, `22:00` and `010` all arrive as typed.
That is why nodes are read here instead of the dicts of `yaml.safe_load`, which would turn those
into False, 1320 and 8, and lose their positions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from ..kit.errors import Finding, Mark, SpecError
from .hidden import hidden_by_keys, hidden_by_words

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
Path: TypeAlias = tuple[str | int, ...]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
UNREADABLE = "check that the file is YAML in UTF-8"
NO_ANCHORS = "anchors (&) and aliases (*) are not supported"


@dataclass(slots=True)
class Source:
    """A file as read: `value` is text, lists and dicts; `mark` is the position of a path."""

    file: str
    lines: tuple[str, ...]
    value: Value = None
    faults: list[Finding] = field(default_factory=list)
    _marks: dict[Path, Mark] = field(default_factory=dict)
    _keys: dict[Path, Mark] = field(default_factory=dict)

    def mark(self, path: Path) -> Mark:
        """The position of the value at `path`, or of its nearest parent in the file."""
        while path and path not in self._marks:
            path = path[:-1]
        return self._marks.get(path, Mark(self.file, 1, 1, self.lines[0] if self.lines else ""))

    def has(self, path: Path) -> bool:
        """Whether the file has a value at `path`."""
        return path in self._marks

    def key(self, path: Path) -> Mark:
        """The position of the key at `path`."""
        return self._keys.get(path) or self.mark(path)


def parse(text: str, file: str, secrets: Collection[str] = ()) -> Source:
    """Read YAML text. Syntax errors come one at a time, all other findings are collected.

    Anchors, aliases, keys written twice, and more than 256 KB or 12 levels are refused. In the
    lines that are shown, the values of passwords and of all keys in `secrets` are hidden.
    Raises `SpecError` if nothing can be read.
    """
    source = Source(file, tuple(hidden_by_words(text).splitlines()))
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SpecError(
            [
                Finding(
                    source.mark(()),
                    "yaml",
                    "the file is larger than 256 KB",
                    "describe one site a file",
                )
            ]
        )
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        raise SpecError([_syntax(source, error.problem or "this is not YAML", at)]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        first = (str(error) or "this is not YAML").splitlines()[0]
        raise SpecError([Finding(source.mark(()), "yaml", first, UNREADABLE)]) from None
    if root is None:
        empty = Finding(source.mark(()), "yaml", "the file is empty", "`venctl init` writes one")
        raise SpecError([empty])
    source.lines = tuple(hidden_by_keys(source.lines, root, secrets))
    source.value = _value(source, root, (), 0)
    return source


class _Loader(yaml.SafeLoader):
    """Composes nodes, but no aliases, so that each value stands where it is used."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem=NO_ANCHORS, problem_mark=event.start_mark)
        return super().compose_node(parent, index)


def _syntax(source: Source, problem: str, at: yaml.Mark | None) -> Finding:
    line = at.line if at else 0
    text = source.lines[line] if line < len(source.lines) else ""
    hint = "check indentation, commas, quotes and brackets here"
    if problem == NO_ANCHORS:
        hint = "write the value out"
    elif "{venId}" in text:
        hint = "write each topic on its own line: {venId} cannot stand within { }"
    mark = Mark(source.file, line + 1, (at.column if at else 0) + 1, text)
    return Finding(mark, "yaml", problem, hint)


def _value(source: Source, node: yaml.Node, path: Path, depth: int) -> Value:
    source._marks[path] = mark = _mark(source, node)
    if depth > MAX_DEPTH:
        source.faults.append(Finding(mark, "yaml", "this is nested more than 12 levels deep"))
        return None
    match node:
        case MappingNode():
            return _mapping(source, node, path, depth)
        case SequenceNode():
            items = enumerate(node.value)
            return [_value(source, item, (*path, i), depth + 1) for i, item in items]
        case ScalarNode():
            return None if node.value == "" and node.style is None else str(node.value)
    return None


def _mapping(source: Source, node: MappingNode, path: Path, depth: int) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for key, value in node.value:
        mark = _mark(source, key)
        if not isinstance(key, ScalarNode):
            source.faults.append(Finding(mark, "yaml", "a key must be a single word"))
            continue
        name = str(key.value)
        if name in out:
            first = source._keys[(*path, name)].line
            source.faults.append(
                Finding(
                    mark,
                    "twice",
                    f"{name!r} is written twice",
                    f"first in line {first}; remove one",
                )
            )
            continue
        source._keys[(*path, name)] = mark
        out[name] = _value(source, value, (*path, name), depth + 1)
    return out


def _mark(source: Source, node: yaml.Node) -> Mark:
    line = node.start_mark.line
    text = source.lines[line] if line < len(source.lines) else ""
    return Mark(source.file, line + 1, node.start_mark.column + 1, text)


def child(value: Value, name: str) -> Value:
    """The value of a key; None if there is none."""
    return value.get(name) if isinstance(value, Mapping) else None
