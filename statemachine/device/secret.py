"""Secrets in a ven.yaml: only where each one is kept, never the secret itself."""

from __future__ import annotations

import re

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:\S{1,250}")


def is_reference(text: str) -> bool:
    """Whether it is `env:NAME` or `file:NAME`."""
    return _REFERENCE.fullmatch(text) is not None


def advice(name: str) -> str:
    """What to write instead of the secret called `name`."""
    return f"write {name}: env:NAME and set that variable, or {name}: file:NAME"
