"""Times of a scenario: elapsed since its start, written like 1:30:05."""

from __future__ import annotations

import re

_ELAPSED = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3}))?)?")


def parse_elapsed(value: object) -> int:
    """`1:30:05` as 5405000 ms. Raises ValueError with a message for people."""
    match = _ELAPSED.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a time since the start; write it like 18:30:00")
    hours, minutes, seconds, thousandths = (part or "0" for part in match.groups())
    whole_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole_s * 1000 + int(thousandths.ljust(3, "0"))


def elapsed_text(ms: int) -> str:
    """5405000 ms as `1:30:05`, which `elapsed` reads back."""
    seconds, rest = divmod(ms, 1000)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{rest:03}" if rest else text
