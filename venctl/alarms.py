"""What is wrong with the controller itself: for the page, `venctl state` and the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from web.desk import Alarm

log = logging.getLogger(__name__)


class Alarms:
    """Each is told once when it begins and once when it is over, however often it is found.

    `changed` is called whenever `all` is another than before.
    """

    def __init__(self, now_ms: Callable[[], int], changed: Callable[[], None]) -> None:
        self._now_ms, self._changed = now_ms, changed
        self._all: dict[str, Alarm] = {}

    @property
    def all(self) -> tuple[Alarm, ...]:
        """Those that stand, the oldest first."""
        return tuple(self._all.values())

    def sound(self, id: str, text: str, error: BaseException | None = None) -> None:
        """Something is wrong, or still is."""
        known = self._all.get(id)
        if known is not None and known.text == text:
            return
        if known is None:
            log.error("%s", text, exc_info=error)
            self._all[id] = Alarm(id, self._now_ms() / 1000, text)
        else:
            log.info("%s", text)
            self._all[id] = replace(known, text=text)
        self._changed()

    def end(self, id: str) -> None:
        """It is well again, if it was not."""
        if (known := self._all.pop(id, None)) is not None:
            log.warning("over: %s", known.text)
            self._changed()
