"""A person's switch whose relay has not moved yet: all that its one ack will need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .triggers import Toggle

OURS = ("due_ms", "copy")


@dataclass(frozen=True, kw_only=True)
class Pending:
    """Answered when its driver has done it, at the latest at `due_ms`. `copy`: it was delivered
    again meanwhile, and is answered as a copy. The other fields are the command's own.
    """

    circuit: str
    enabled: bool
    due_ms: int
    at_ms: int
    op: str
    source: str
    reply: str
    correlation: str | None
    key: str
    digest: str
    issued_ms: int | None = None
    copy: bool = False
    ids: Mapping[str, Any] = field(default_factory=dict)

    def command(self) -> Toggle:
        """The command that it was."""
        own = {name: value for name, value in vars(self).items() if name not in OURS}
        return Toggle(**own, mono_ms=0, confirmed=True)


def pending(asked: Toggle, due_ms: int, copy: bool) -> Pending:
    """What is to be remembered of a command until it is answered."""
    names = [name for name in Pending.__dataclass_fields__ if name not in OURS]
    own = {name: getattr(asked, name) for name in names}
    return Pending(**own, due_ms=due_ms, copy=copy)
