"""Hides passwords and tokens in the lines of a ven.yaml that messages show.

A hidden secret keeps its length, so that carets still fit. A key that nearly names a secret is one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

SECRETS = frozenset(("password", "passphrase", "passwd", "secret", "token", "api_key", "pin"))
NO_SECRETS = frozenset(("password_file",))
NEARLY = 0.8
_WRITTEN = re.compile(rf"""(\b(?:{"|".join(sorted(SECRETS))})["']?\s*:\s*)(\S.*)""", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^/\s@:]*:)([^/\s@]+)(?=@)")


def hidden_by_words(text: str) -> str:
    """The text without what follows a word for a secret: all that can be done if it is no YAML."""
    return _IN_URL.sub(_stars, _WRITTEN.sub(_stars, text))


def _stars(match: re.Match[str]) -> str:
    return match[1] + "*" * len(match[2])


def hidden_by_keys(lines: Collection[str], root: yaml.Node, more: Collection[str]) -> list[str]:
    """The lines without the values of all keys that are secrets; `more` are names of such keys."""
    known, shown = SECRETS | set(more), list(lines)
    for node in _secret_values(root, known):
        _hide(shown, node.start_mark, node.end_mark)
    return shown


def _secret_values(root: yaml.Node, known: frozenset[str]) -> Iterator[yaml.Node]:
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if isinstance(node, SequenceNode):
            nodes += node.value
        elif isinstance(node, MappingNode):
            for key, value in node.value:
                if isinstance(key, ScalarNode) and _is_secret(str(key.value), known):
                    yield value
                else:
                    nodes += [key, value]


def _is_secret(name: str, known: Collection[str]) -> bool:
    name = name.strip().lower()
    if name in NO_SECRETS:
        return False
    return name in known or bool(len(name) > 4 and get_close_matches(name, known, 1, NEARLY))


def _hide(lines: list[str], start: yaml.Mark, end: yaml.Mark) -> None:
    for number in range(start.line, min(end.line, len(lines) - 1) + 1):
        line = lines[number]
        first = start.column if number == start.line else 0
        last = end.column if number == end.line else len(line)
        middle = re.sub(r"\S", "*", line[first:last])
        lines[number] = line[:first] + middle + line[last:]
