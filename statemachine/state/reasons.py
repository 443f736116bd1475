"""Why a command can be refused: the one list of the words that acks, problems and docs share."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "blackout",
    "conflict",
    "critical",
    "device",
    "expired",
    "invalid",
    "limit",
    "locked_out",
    "not_found",
    "operator",
    "opted_out",
    "overloaded",
    "stale_revision",
    "storage",
    "unknown_op",
]
Refusal = tuple[Reason, str]  # and what happened, in words
