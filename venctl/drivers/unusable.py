"""The driver of a circuit that nothing can reach: every call fails with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from .links import LinkFault


class Unusable:
    """For a circuit whose declaration this version cannot use."""

    timeout_s = last_s = 1.0

    def __init__(self, why: str) -> None:
        self.why = why

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        raise LinkFault(self.why)

    async def switch(self, circuit: str, enabled: bool) -> None:
        raise LinkFault(self.why)

    async def readings(self) -> Mapping[str, object]:
        raise LinkFault(self.why)
