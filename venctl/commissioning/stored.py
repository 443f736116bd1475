"""What the journal says of a site at which no controller runs, read without changing it."""

from __future__ import annotations

from pathlib import Path

from statemachine.journal.upgrade import upgrade_parts
from statemachine.site.spec import Spec
from statemachine.state.memory import Memory
from statemachine.state.parts import from_parts

from ..store.reading import JournalDamaged, JournalUnavailable, read_rows, size


def stored_memory(spec: Spec, folder: Path) -> Memory:
    """The memory of the last run; the first one if there was none.

    Raises ValueError, since without it nobody knows whether an event is live.
    """
    file = folder / "journal.db"
    try:
        rows = read_rows(file) if size(file) else None
        return from_parts(spec, {} if rows is None else upgrade_parts(rows.format, rows.parts))
    except (JournalDamaged, JournalUnavailable, OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file} cannot be read, so it is not known whether an event is live: {error}; "
            "start `venctl run` once, which mends it"
        ) from None
