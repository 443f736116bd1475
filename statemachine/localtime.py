"""What a time of day that somebody typed means: resolved in a zone, or refused with what to say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

_SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?")


def instant_s(text: str, zone: tzinfo) -> float:
    """Epoch seconds of `2026-11-24T18:00` in `zone`, or of RFC 3339 text with its own offset.

    Raises `ValueError` where the text is no time, where the clock jumps over it in spring, and
    where it comes twice in autumn; each says what to write instead.
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a time; write it like 2026-11-24T18:00")
    try:
        said = datetime.fromisoformat(text)
        return said.timestamp() if said.tzinfo else _local_s(said, zone)
    except OverflowError:
        raise ValueError(f"{text!r} is too far away") from None


def _local_s(said: datetime, zone: tzinfo) -> float:
    first, second = said.replace(tzinfo=zone, fold=0), said.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first.timestamp()
    seen = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if seen != said:
        raise ValueError(
            f"{said:%H:%M} does not exist on {said:%Y-%m-%d}, the clock jumps over it; "
            f"write {seen.isoformat(timespec='minutes')}"
        )
    one, other = (time.isoformat(timespec="minutes") for time in (first, second))
    raise ValueError(
        f"{said:%H:%M} comes twice on {said:%Y-%m-%d}; add the offset: {one} or {other}"
    )
