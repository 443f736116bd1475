"""Commands received while the journal cannot be read, to be repeated once it can."""

from __future__ import annotations

from dataclasses import replace

from statemachine.state.triggers import Command

from .decision import NOBODY

MOST = 10_000


class DeferredCommands:
    """The newest command of each kind for each event or circuit, in order of arrival."""

    def __init__(self) -> None:
        self._all: dict[tuple[object, ...], Command] = {}

    def keep(self, command: Command) -> None:
        """Keep a command that took effect in memory, in place of an earlier one of its kind."""
        names = [getattr(command, name, None) for name in ("event_id", "circuit")]
        kind = (type(command), *names)
        self._all.pop(kind, None)
        self._all[kind] = command
        if len(self._all) > MOST:
            self._all.pop(next(iter(self._all)))

    def taken(self, at_ms: int, mono_ms: int) -> tuple[Command, ...]:
        """Take all commands, with the present time and without anyone waiting for a reply."""
        done, self._all = self._all.values(), {}
        return tuple(
            replace(command, reply=NOBODY, at_ms=at_ms, mono_ms=mono_ms) for command in done
        )
