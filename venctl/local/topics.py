"""Topic filters: which subscribers a topic reaches (MQTT 5, section 4.7)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Node(Generic[K, V]):
    below: dict[str, _Node[K, V]] = field(default_factory=dict)
    here: dict[K, V] = field(default_factory=dict)


class Filters(Generic[K, V]):
    """Values by filter and key; found again by a topic that matches the filter."""

    def __init__(self) -> None:
        self._root: _Node[K, V] = _Node()

    def put(self, pattern: str, key: K, value: V) -> None:
        node = self._root
        for level in pattern.split("/"):
            node = node.below.setdefault(level, _Node())
        node.here[key] = value

    def drop(self, pattern: str, key: K) -> bool:
        """Forget one; False if it was not there. Empty branches go with it."""
        path, node = [], self._root
        for level in pattern.split("/"):
            if level not in node.below:
                return False
            path.append((node, level))
            node = node.below[level]
        known = node.here.pop(key, None) is not None
        for parent, level in reversed(path):
            if parent.below[level].below or parent.below[level].here:
                break
            del parent.below[level]
        return known

    def match(self, topic: str) -> Iterator[tuple[K, V]]:
        """Every key and value whose filter matches `topic`; a key comes once for each filter."""
        yield from self._walk(self._root, topic.split("/"), 0)

    def _walk(self, node: _Node[K, V], levels: list[str], at: int) -> Iterator[tuple[K, V]]:
        wild = at > 0 or not levels[0].startswith("$")
        if wild and "#" in node.below:
            yield from node.below["#"].here.items()
        if at == len(levels):
            yield from node.here.items()
            return
        if levels[at] in node.below:
            yield from self._walk(node.below[levels[at]], levels, at + 1)
        if wild and "+" in node.below:
            yield from self._walk(node.below["+"], levels, at + 1)


def valid(pattern: str) -> bool:
    """`#` stands alone at the end, `+` alone in its level, and there is something."""
    levels = pattern.split("/")
    return (
        bool(pattern)
        and len(pattern) <= 256
        and all(
            ("#" not in level or (level == "#" and at == len(levels) - 1))
            and ("+" not in level or level == "+")
            for at, level in enumerate(levels)
        )
    )


def reaches(pattern: str, topic: str) -> bool:
    """One filter against one topic."""
    one: Filters[int, None] = Filters()
    one.put(pattern, 0, None)
    return any(True for _ in one.match(topic))
