"""The log on stderr, as text or as JSON lines."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable

FORM = "%Y-%m-%d %H:%M:%S%z"
BURST, EACH_S = 100, 1.0  # log lines of one cause at once, and the time until the next is allowed
MOST_CAUSES = 1_000


def to_stderr(format: str, verbose: bool) -> None:
    """Log to stderr from now on; `format` is `text` or `json`."""
    out = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", FORM)
    text.converter = time.localtime
    out.setFormatter(_Json() if format == "json" else text)
    out.addFilter(LogLimit(time.monotonic))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, handlers=[out])
    logging.getLogger("venctl").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("transitions").setLevel(logging.ERROR)


class LogLimit(logging.Filter):
    """Limits the log lines of each cause, and adds to the next line how many were suppressed.

    The cause of a line is its place in the source. Debug lines are not limited. `clock` returns
    seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._room: dict[tuple[str, int], tuple[float, float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.INFO:
            return True
        cause, now = (record.pathname, record.lineno), self._clock()
        room, at, out = self._room.pop(cause, (float(BURST), now, 0))
        room = min(float(BURST), room + (now - at) / EACH_S)
        if len(self._room) >= MOST_CAUSES:
            del self._room[next(iter(self._room))]
        fits = room >= 1
        self._room[cause] = (room - 1, now, 0) if fits else (room, now, out + 1)
        if fits and out:
            record.msg, record.args = (
                f"{record.getMessage()} ({out:,} similar lines suppressed)",
                (),
            )
        return fits


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(entry | ({"error": repr(record.exc_info[1])} if record.exc_info else {}))
