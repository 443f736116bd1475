"""Drivers that hold, switch and read circuits, and the panel that commands them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .panel import TIMEOUT_S, Panel

__all__ = ["TIMEOUT_S", "Driver", "Panel"]


class Driver(Protocol):
    """Holds and switches circuits, and reads how much they draw.

    Every hold is a lease: a capable device restores the circuit at `until_ms` by itself. A failed
    call raises, with the device's message. A call that takes longer than `TIMEOUT_S` is cancelled;
    the driver must not reuse what that call had open.
    """

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        """Keep a circuit at or below `watts`; None removes the limit."""

    async def switch(self, circuit: str, enabled: bool) -> None:
        """Turn a circuit on or off."""

    async def readings(self) -> Mapping[str, int]:
        """The present draw of its circuits in W; a circuit that cannot be read is absent."""
