"""Loads a changed ven.yaml while the site runs, or refuses it and keeps the old one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from statemachine import Spec, SpecError, Ven
from statemachine.describe.changes import Changes, changes
from statemachine.state.triggers import Connected, Reloaded
from web.controller_port import ReloadResult

from .base.background_files import BackgroundFiles
from .base.clocks import clocks
from .base.local_site import read_local_site
from .base.private_files import read_text
from .base.worker import run_in_thread
from .devices.catalog import devices_beside
from .folder.state_folder import IN_FORCE, in_force_text
from .runtime.runtime import Runtime

log = logging.getLogger(__name__)


class Reloader:
    """Applies the file, and stores its text in `folder` in case the program is interrupted.

    `use` gives drivers and link the new site; `reloading` is entered while a file is read and
    applied.

    A changed chart waits until no event is live. A start always applies the whole file, so waiting
    changes are not stored. `connected` says whether the link is up.
    """

    def __init__(
        self,
        file: Path,
        folder: Path,
        notes: BackgroundFiles,
        runtime: Runtime,
        use: Callable[[Spec], None],
        connected: Callable[[], bool],
        reloading: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._file, self._folder, self._notes = file.resolve(), folder, notes
        self._runtime = runtime
        self._use, self._connected, self._reloading = use, connected, reloading
        self._pending: Spec | None = None
        self._hangups: set[asyncio.Task[None]] = set()
        self.waits: tuple[str, ...] = ()

    async def reload(self) -> ReloadResult:
        """Read the file and apply it. Raises SpecError or OSError, with nothing changed."""
        with self._reloading():
            spec, text = await run_in_thread("reads ven.yaml", self._read)
            edits = await self._take(spec)
        self.note(text)
        return ReloadResult(
            str(self._file), edits.taken, edits.waits, edits.restart, tuple(edits.lines)
        )

    def note(self, text: str) -> None:
        """Store `text` as the text in effect."""
        self._notes.write(self._folder / IN_FORCE, in_force_text(self._file, text))

    def on_hangup(self) -> None:
        """Handle SIGHUP: as `reload`, with the result in the log."""
        task = asyncio.create_task(self._log_reload())
        self._hangups.add(task)
        task.add_done_callback(self._hangups.discard)

    async def _log_reload(self) -> None:
        try:
            for line in (await self.reload()).lines:
                log.info("%s: %s", self._file.name, line)
        except SpecError as error:
            for fault in error.faults:
                log.error("the old settings stay in effect: %s", fault.pretty())
        except OSError as error:
            log.error("the old settings stay in effect: %s", error)

    async def run(self) -> None:
        """Apply waiting changes once no event is live, forever."""
        async for _ in self._runtime.watch():
            if self._pending is not None and not self._runtime.memory.events:
                try:
                    log.info(
                        "waiting changes are now in effect: %s",
                        "; ".join((await self._take(self._pending)).lines),
                    )
                except OSError as error:
                    log.error("waiting changes could not be applied yet: %s", error)

    def _read(self) -> tuple[Spec, str]:
        text = read_text(self._file)
        return read_local_site(text, str(self._file), devices_beside(self._file)), text

    async def _take(self, spec: Spec) -> Changes:
        old, memory = self._runtime.ven.spec, self._runtime.memory
        edits = changes(old, spec, live=bool(memory.events))
        if edits.spec != old or edits.taken:
            self._use(edits.spec)
            try:
                await self._runtime.take_over(Ven(edits.spec), _reloaded(old, edits))
            except OSError:
                self._use(old)
                raise
            if self._connected() and _begins_anew(old, edits.spec):
                at_ms, mono_ms = clocks()
                self._runtime.post(Connected(at_ms=at_ms, mono_ms=mono_ms))
        self._pending, self.waits = (spec, edits.waits) if edits.waits else (None, ())
        return edits


def _begins_anew(old: Spec, new: Spec) -> bool:
    """Whether a shadow's chart starts over, and so needs to know that the link is up."""
    return old.shadow != new.shadow or old.circuits.keys() != new.circuits.keys()


def _reloaded(old: Spec, edits: Changes) -> Reloaded:
    at_ms, mono_ms = clocks()
    every_ms = edits.spec.telemetry.every
    return Reloaded(
        at_ms=at_ms,
        mono_ms=mono_ms,
        said=edits.taken,
        every_ms=every_ms if every_ms != old.telemetry.every else None,
    )
