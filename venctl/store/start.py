"""Opens the store of a site: the journal's thread, the stored state, and small files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from statemachine import Spec, Ven
from statemachine.journal.salvage import salvage_parts
from statemachine.state.parts import from_parts
from statemachine.state.triggers import Restarted

from ..base.background_files import BackgroundFiles
from ..base.clocks import clocks
from ..base.worker import ThreadWorker
from .opening import JournalContent, read_journal
from .storage import Storage

PATIENCE_S = 4.0  # how long a start waits for a journal that another program has locked


@dataclass(frozen=True, slots=True)
class Store:
    """`found` is the stored state; empty at the first start, or if it cannot be read now."""

    storage: Storage
    found: JournalContent
    notes: BackgroundFiles


async def open_store(spec: Spec, folder: Path) -> Store:
    """Open the store in `folder`, even if the disk refuses."""
    journal = folder / "journal.db"
    look = partial(read_journal, journal, partial(fits, spec), partial(salvage_parts, spec))
    storage = Storage(ThreadWorker("journal"), look, clocks()[0])
    return Store(storage, await storage.open(PATIENCE_S), BackgroundFiles(ThreadWorker("notes")))


def fits(spec: Spec, parts: Mapping[str, Any]) -> None:
    """Raises any exception if `parts` are not a state from which a decision can be made."""
    at_ms, mono_ms = clocks()
    Ven(spec).decide(from_parts(spec, parts), Restarted(at_ms=at_ms, mono_ms=mono_ms, boot=""))
