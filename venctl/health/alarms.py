"""Raises alarms about the program itself, and logs every alarm."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from statemachine.state.alarm import MOST_TEXT, Alarm, alarm_id
from statemachine.state.triggers import Noticed, Trigger

from ..base.clocks import clocks

log = logging.getLogger(__name__)


class Alarms:
    """Posts each change of an alarm to the core. Changes before `open` are kept until then.

    `standing` returns the alarms that the core knows, by id.
    """

    def __init__(
        self, standing: Callable[[], Mapping[str, Alarm]], post: Callable[[Trigger], None]
    ) -> None:
        self._standing, self._post = standing, post
        self._early: list[tuple[str, str, str | None]] | None = []

    def open(self) -> None:
        """The core is running: post what was found before."""
        early, self._early = self._early or [], None
        for kind, about, text in early:
            self._tell(kind, about, text)

    def raise_alarm(self, kind: str, text: str, about: str = "") -> None:
        """Raise an alarm, or repeat it; `text` says what is wrong."""
        self._tell(kind, about, text)

    def end(self, kind: str, about: str = "") -> None:
        """End the alarm, if it was raised."""
        self._tell(kind, about, None)

    def _tell(self, kind: str, about: str, text: str | None) -> None:
        if self._early is not None:
            self._early.append((kind, about, text))
            return
        text = (
            text and text[:MOST_TEXT]
        )  # as the core stores it, or it would look changed each time
        alarm = self._standing().get(alarm_id(kind, about))
        if (alarm and alarm.text) != text:
            at_ms, mono_ms = clocks()
            notice = Noticed(at_ms=at_ms, mono_ms=mono_ms, kind=kind, about=about, text=text)
            self._post(notice)


def log_alarms(before: Mapping[str, Alarm], after: Mapping[str, Alarm]) -> None:
    """Log each alarm that was raised, ended or acknowledged."""
    if before is after:
        return
    for id in {**before, **after}:
        was, now = before.get(id), after.get(id)
        if was is None and now is not None:
            log.error("%s", now.text)
        elif was is not None and now is None:
            log.warning("alarm ended: %s", was.text)
        elif was is not None and now is not None and was.by != now.by:
            log.warning("alarm acknowledged by %s: %s", now.by, now.text)
