"""Fast copies of frozen values with some fields replaced; a decision makes dozens of them."""

from __future__ import annotations

from typing import Any, TypeVar

_Frozen = TypeVar("_Frozen")


def changed(thing: _Frozen, **news: Any) -> _Frozen:
    """A copy with the fields of `news`: `dataclasses.replace`, but faster.

    Only for dataclasses without slots and `__post_init__`. Raises TypeError for an unknown name.
    """
    fields = thing.__dict__
    merged = fields | news
    if len(merged) > len(fields):
        raise TypeError(f"{type(thing).__name__} has no {', '.join(news.keys() - fields.keys())}")
    copy = object.__new__(type(thing))
    object.__setattr__(copy, "__dict__", merged)
    return copy
