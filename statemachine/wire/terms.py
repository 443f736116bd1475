"""Reads the terms of an event, in every spelling that existing backends use.

Of start, end and duration two give the third; without any, the event starts now and lasts an hour.
An unknown key that looks like one of them refuses the event, because an hour that nobody requested
is worse than a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .values import Fields, milliseconds_hint, moment_ms, number, quoted, whole_number

MAX_SHED_W = 1_000_000
MAX_DURATION_MS = 31 * 86_400_000
MAX_AHEAD_MS = 366 * 86_400_000
MAX_RANDOM_MS = 3_600_000
DEFAULT_MS = 3_600_000
SLACK_MS = 1_000  # start, end and duration may each have been rounded to seconds

EVENT_ID = ("event_id", "eventId")
SHED = ("shed_kw", "requestedReductionKw")
DURATION = ("duration_sec", "duration_s", "durationS")
START = ("start_ts", "startTime")
END = ("end_ts", "endTime")
TIMES = (*DURATION, *START, *END)
LIKE_TIMES = ("duration", "start", "end")


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of an event. `start_ms` None: now; `issued_ms` None: not given."""

    shed_w: int
    start_ms: int | None
    duration_ms: int
    revision: int
    issued_ms: int | None
    randomize_ms: int


def terms_of(fields: Fields, at_ms: int) -> Terms:
    """The terms of an event that came at `at_ms`. Raises ValueError with the invalid field."""
    _all_read(fields)
    revision = whole_number("revision", fields.get("revision", 0))
    start_ms, duration_ms = _span(fields, at_ms, revision)
    return Terms(
        shed_w=_shed_w(fields),
        start_ms=start_ms,
        duration_ms=duration_ms,
        revision=revision,
        issued_ms=moment_ms("issued_at", fields.get("issued_at")),
        randomize_ms=_randomize_ms(fields),
    )


def _all_read(fields: Fields) -> None:
    strange = [name for name in fields if name.casefold().startswith(LIKE_TIMES)]
    if unread := [name for name in strange if name not in TIMES and fields[name] is not None]:
        choices = ", ".join(TIMES)
        raise ValueError(f"`{_first_of(unread)}` is not a known field; use one of: {choices}")


def _first_of(names: Iterable[str]) -> str:
    return min(names)[:40].encode("utf-8", "backslashreplace").decode()


def _one(
    fields: Fields, names: Iterable[str], read: Callable[[str, Any], float | None]
) -> tuple[str, float | None]:
    """The name and value of the first field of `names` that is given; all given must agree."""
    values = {name: read(name, fields[name]) for name in names if fields.get(name) is not None}
    if len(set(values.values())) > 1:
        raise ValueError(f"{' and '.join(values)} contradict each other")
    return next(iter(values.items()), (next(iter(names)), None))


def _shed_w(fields: Fields) -> int:
    name, shed_kw = _one(fields, SHED, number)
    if shed_kw is None:
        raise ValueError("`shed_kw` is missing")
    shed_w = round(shed_kw * 1000)
    if not 1 <= shed_w <= MAX_SHED_W:
        hint = "; is it in watts?" if shed_w > MAX_SHED_W else ""
        raise ValueError(f"{name} must be 0.001 to 1000, got {quoted(fields[name])}{hint}")
    return shed_w


def _span(fields: Fields, at_ms: int, revision: int) -> tuple[int | None, int]:
    """The start in UTC ms, None: now, and the duration in ms."""
    start_name, start_ms = _one(fields, START, moment_ms)
    end_name, end_ms = _one(fields, END, moment_ms)
    length_name, length_ms = _length_ms(fields)
    if start_ms is None and end_ms is not None:
        if length_ms is None and revision:
            raise ValueError(f"a revision with `{end_name}` must also have a start or a duration")
        start_name = end_name
        start_ms = min(at_ms, end_ms - 1_000) if length_ms is None else end_ms - length_ms
    if start_ms is not None and start_ms > at_ms + MAX_AHEAD_MS:
        raise ValueError(f"{start_name} is more than 366 days ahead; is it in milliseconds?")
    if start_ms is None or end_ms is None:
        return _rounded(start_ms), round(DEFAULT_MS if length_ms is None else length_ms)
    if not 1_000 <= end_ms - start_ms <= MAX_DURATION_MS:
        raise ValueError(
            f"{end_name} must be 1 s to 31 days after the start; is it in milliseconds?"
        )
    if length_ms is not None and abs(end_ms - start_ms - length_ms) > SLACK_MS:
        raise ValueError(f"{start_name}, {end_name} and {length_name} contradict each other")
    return round(start_ms), round(end_ms - start_ms)


def _rounded(ms: float | None) -> int | None:
    return None if ms is None else round(ms)


def _length_ms(fields: Fields) -> tuple[str, float | None]:
    name, length_s = _one(fields, DURATION, number)
    if length_s is None:
        return name, None
    duration_ms = round(length_s * 1000)
    if not 1_000 <= duration_ms <= MAX_DURATION_MS:
        hint = milliseconds_hint(duration_ms, MAX_DURATION_MS)
        raise ValueError(f"{name} must be 1 to 2678400, got {quoted(fields[name])}{hint}")
    return name, duration_ms


def _randomize_ms(fields: Fields) -> int:
    within = fields.get("randomize_sec")
    within_ms = 0 if within in (None, 0) else round(number("randomize_sec", within) * 1000)
    if within_ms > MAX_RANDOM_MS:
        hint = milliseconds_hint(within_ms, MAX_RANDOM_MS)
        raise ValueError(f"randomize_sec must be 0 to 3600, got {quoted(within)}{hint}")
    return within_ms
