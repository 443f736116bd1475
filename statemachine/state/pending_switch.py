"""A person's switch whose relay has not moved yet: all that its one ack will need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .triggers import Toggle

OURS = ("due_ms", "copy")


@dataclass(frozen=True, kw_only=True)
class PendingSwitch:
    """A switch that is answered when its driver has done it."""

    circuit: str
    """The circuit."""
    enabled: bool
    """What was asked: on or off."""
    due_ms: int
    """When it is answered at the latest, in UTC."""
    copy: bool = False
    """It was delivered again meanwhile, and is answered as a copy."""
    at_ms: int
    """When it came, in UTC."""
    op: str
    """Its spelling on the wire."""
    source: str
    """The door it came by."""
    reply: str
    """Whom to answer."""
    correlation: str | None
    """What the asker calls it."""
    key: str
    """What it is remembered by."""
    digest: str
    """Its terms in short, to know a copy."""
    issued_ms: int | None = None
    """When it was issued, in UTC, where it says so."""
    ids: Mapping[str, Any] = field(default_factory=dict)
    """The ids that its answer repeats."""

    def command(self) -> Toggle:
        """The command that it was."""
        own = {name: value for name, value in vars(self).items() if name not in OURS}
        return Toggle(**own, mono_ms=0, confirmed=True)


def pending_switch(command: Toggle, due_ms: int, copy: bool) -> PendingSwitch:
    """What is to be remembered of a command until it is answered."""
    names = [name for name in PendingSwitch.__dataclass_fields__ if name not in OURS]
    own = {name: getattr(command, name) for name in names}
    return PendingSwitch(**own, due_ms=due_ms, copy=copy)
