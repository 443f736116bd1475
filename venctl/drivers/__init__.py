"""What holds, switches and reads circuits, and the panel that tells each driver what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .panel import TIMEOUT_S, Panel

__all__ = ["TIMEOUT_S", "Driver", "Panel"]


class Driver(Protocol):
    """Something that holds and switches circuits and reads what they draw.

    Every hold is a lease: a device that can gives the circuit back at `until_ms` by itself. What
    fails raises, in the device's own words. A call that takes longer than `TIMEOUT_S` is
    cancelled, and whatever it had open must not be used again.
    """

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        """Keep a circuit at or below `watts`; None lets it draw what it likes."""

    async def switch(self, circuit: str, enabled: bool) -> None:
        """Turn a circuit on or off."""

    async def readings(self) -> Mapping[str, int]:
        """What its circuits draw now, in watts; one that cannot be read is absent."""
