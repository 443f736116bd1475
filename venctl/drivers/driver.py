"""What the panel commands: holds and switches circuits, and reads how much they draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Driver(Protocol):
    """Holds and switches circuits, and reads how much they draw.

    Every hold is a lease: a capable device restores the circuit at `until_ms` by itself. A failed
    call raises, with the device's message. A call that takes longer than `timeout_s` is cancelled;
    the driver must not reuse what that call had open.
    """

    @property
    def timeout_s(self) -> float:
        """How long one hold or switch may take until it is done and seen."""

    @property
    def last_s(self) -> float:
        """How long a release may take while the program stops."""

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        """Keep a circuit at or below `watts`; None removes the limit."""

    async def switch(self, circuit: str, enabled: bool) -> None:
        """Turn a circuit on or off."""

    async def readings(self) -> Mapping[str, Any]:
        """The present draw of its circuits in W, or a `Measured` with its age.

        A circuit that cannot be read, or was not read since the last call, is absent.
        """
