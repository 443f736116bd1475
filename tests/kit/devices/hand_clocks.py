"""A clock that stands still until it is moved."""

from __future__ import annotations


class HandClocks:
    """UTC and monotonic ms, as `venctl.base.clocks.clocks` has them."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> tuple[int, int]:
        return 1_796_000_000_000 + self.now_ms, self.now_ms
