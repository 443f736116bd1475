"""What is wrong with the program itself becomes an alarm; every alarm has its lines in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from statemachine.state.alarm import MOST_TEXT, Alarm, id_of
from statemachine.state.triggers import Noticed, Trigger

from ..base.clocks import clocks

log = logging.getLogger(__name__)


class Alarms:
    """Tells the core what is found, once for each change. Before `open` it is kept back.

    `standing` answers the alarms that the core knows of, by their ids.
    """

    def __init__(
        self, standing: Callable[[], Mapping[str, Alarm]], post: Callable[[Trigger], None]
    ) -> None:
        self._standing, self._post = standing, post
        self._early: list[tuple[str, str, str | None]] | None = []

    def open(self) -> None:
        """The core has begun: what was found before is told now."""
        early, self._early = self._early or [], None
        for kind, about, text in early:
            self._tell(kind, about, text)

    def sound(self, kind: str, text: str, about: str = "") -> None:
        """Something is wrong, or still is, in words."""
        self._tell(kind, about, text)

    def end(self, kind: str, about: str = "") -> None:
        """It is well again, if it was not."""
        self._tell(kind, about, None)

    def _tell(self, kind: str, about: str, text: str | None) -> None:
        if self._early is not None:
            self._early.append((kind, about, text))
            return
        text = text and text[:MOST_TEXT]  # as the core keeps it, or it would be news each time
        known = self._standing().get(id_of(kind, about))
        if (known and known.text) != text:
            at_ms, mono_ms = clocks()
            said = Noticed(at_ms=at_ms, mono_ms=mono_ms, kind=kind, about=about, text=text)
            self._post(said)


def log_alarms(before: Mapping[str, Alarm], after: Mapping[str, Alarm]) -> None:
    """A line for each alarm that was raised, is over, or was acknowledged."""
    if before is after:
        return
    for id in {**before, **after}:
        was, now = before.get(id), after.get(id)
        if was is None and now is not None:
            log.error("%s", now.text)
        elif was is not None and now is None:
            log.warning("over: %s", was.text)
        elif was is not None and now is not None and was.by != now.by:
            log.warning("acknowledged by %s: %s", now.by, now.text)
