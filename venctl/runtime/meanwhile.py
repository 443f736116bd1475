"""What is asked while the journal cannot be read, to be done anew once it can."""

from __future__ import annotations

from dataclasses import replace

from statemachine.state.triggers import Command

from .decision import NOBODY

MOST = 10_000


class Meanwhile:
    """The newest command of each kind for each thing, in the order in which they came."""

    def __init__(self) -> None:
        self._all: dict[tuple[object, ...], Command] = {}

    def keep(self, command: Command) -> None:
        """It was done in memory; what it takes the place of counts no more."""
        names = [getattr(command, name, None) for name in ("event_id", "circuit")]
        kind = (type(command), *names)
        self._all.pop(kind, None)
        self._all[kind] = command
        if len(self._all) > MOST:
            self._all.pop(next(iter(self._all)))

    def taken(self, at_ms: int, mono_ms: int) -> tuple[Command, ...]:
        """All of them, as if asked now by nobody who waits; they are kept no longer."""
        done, self._all = self._all.values(), {}
        return tuple(replace(one, reply=NOBODY, at_ms=at_ms, mono_ms=mono_ms) for one in done)
