"""What the core wants done. It never does any of it.

Each effect says a whole truth, so that doing it twice does no harm: after a crash nobody may
know whether it got as far as the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BY_EVENT = "event"


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep a circuit at or below `watts` until `until_ms`; None lets it draw what it likes.

    A hold is a lease, renewed while it stands: if this program dies, a device that can gives
    the circuit back by itself.
    """

    circuit: str
    watts: int | None
    until_ms: int


@dataclass(frozen=True, slots=True)
class Switch:
    """Turn a circuit on or off; the driver answers with `Switched`.

    `by`: who wants it, a door or "file". Unless somebody does it is the event's own, which may do
    less (`interlock.py`).
    """

    circuit: str
    enabled: bool
    by: str = field(default=BY_EVENT, compare=False)


@dataclass(frozen=True, slots=True)
class Wake:
    """Send a Timer trigger at `at_ms`. A later Wake replaces it; None: nothing is due."""

    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Ack:
    """The one answer to a command, in the words of the wire. `key` "" is not remembered.

    `also` is another key to remember it by: the id of an event that came without one.
    """

    reply: str
    body: Mapping[str, Any]
    key: str
    revision: int
    digest: str
    also: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """A message about an event's life, in the words of the wire."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GetShadow:
    """Ask for a shadow, "" for the classic one; `token` names the one answer that counts."""

    token: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Update a shadow. What it `clears` it takes out of desired, guarded by `version`."""

    token: int
    reported: Mapping[str, Any]
    clears: tuple[str, ...] = ()
    version: int | None = None
    key: str = ""

    @property
    def settles(self) -> bool:
        """This answers the cloud's wishes and takes them out."""
        return bool(self.clears)


Effect = Hold | Switch | Wake | Ack | Status | GetShadow | Report
