"""Topic names and filters as at AWS IoT: which subscribers a topic reaches.

MQTT 5, section 4.7, with two differences: `a/#` does not match `a`, and a name has at most 7
slashes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MAX_BYTES = 256
MAX_SLASHES = 7


@dataclass(slots=True)
class _Node(Generic[K, V]):
    below: dict[str, _Node[K, V]] = field(default_factory=dict)
    here: dict[K, V] = field(default_factory=dict)


class TopicFilters(Generic[K, V]):
    """Values by filter and key, found by a topic that matches the filter."""

    def __init__(self) -> None:
        self._root: _Node[K, V] = _Node()

    def put(self, pattern: str, key: K, value: V) -> None:
        node = self._root
        for level in pattern.split("/"):
            node = node.below.setdefault(level, _Node())
        node.here[key] = value

    def drop(self, pattern: str, key: K) -> bool:
        """Remove a value and empty branches; False if it was not there."""
        path, node = [], self._root
        for level in pattern.split("/"):
            if level not in node.below:
                return False
            path.append((node, level))
            node = node.below[level]
        known = key in node.here
        node.here.pop(key, None)
        for parent, level in reversed(path):
            if parent.below[level].below or parent.below[level].here:
                break
            del parent.below[level]
        return known

    def match(self, topic: str) -> list[tuple[K, V]]:
        """Every key and value whose filter matches `topic`; a key occurs once for each filter."""
        matches: list[tuple[K, V]] = []
        reached = [self._root]
        for at, level in enumerate(topic.split("/")):
            ahead = []
            for node in reached:
                if at > 0 or not level.startswith("$"):
                    if (rest := node.below.get("#")) is not None:
                        matches += rest.here.items()
                    if (wildcard := node.below.get("+")) is not None:
                        ahead.append(wildcard)
                if (same := node.below.get(level)) is not None:
                    ahead.append(same)
            reached = ahead
        for node in reached:
            matches += node.here.items()
        return matches


def is_name(topic: str) -> bool:
    """Whether messages can be published on this topic."""
    return bool(topic) and not has_wildcard(topic) and _fits(topic)


def is_filter(pattern: str) -> bool:
    """Whether a filter is valid: `#` only at the end, `+` only as a whole level, not empty."""
    levels = pattern.split("/")
    return (
        bool(pattern)
        and _fits(pattern)
        and all("#" not in level for level in levels[:-1])
        and (levels[-1] == "#" or "#" not in levels[-1])
        and all(level == "+" or "+" not in level for level in levels)
    )


def has_wildcard(pattern: str) -> bool:
    """Whether a filter can match more than one name."""
    return "+" in pattern or "#" in pattern


def _fits(name: str) -> bool:
    return name.count("/") <= MAX_SLASHES and len(name.encode()) <= MAX_BYTES
