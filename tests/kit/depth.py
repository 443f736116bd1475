"""How deep the searching tests go: shallow in every run, ten times as deep by `make deep`."""

from __future__ import annotations

import os

DEPTH = int(os.environ.get("DEPTH", "1"))


def examples(count: int) -> int:
    """How many examples to try where `count` are enough for every day."""
    return count * DEPTH
