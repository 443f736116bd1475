"""The only clocks of the program."""

from __future__ import annotations

import time


def clocks() -> tuple[int, int]:
    """UTC and monotonic milliseconds."""
    return time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000
