"""A modelled cloud: one shadow document, its version, and the answers to what a VEN asks of it."""

from __future__ import annotations

from typing import Any

from .effects import GetShadow, Report
from .triggers import Answered, Delta, Document, Refused, Trigger, Wish


class CloudModel:
    """The shadow as AWS keeps it, as far as circuits are desired."""

    def __init__(self) -> None:
        self.version = 0
        self.desired: dict[str, Wish] = {}

    def wish(self, circuit: str, enabled: bool, at_s: int) -> None:
        """Somebody desires a circuit on or off."""
        self.version += 1
        self.desired[circuit] = Wish(circuit, enabled, at_s)

    def delta(self, stamps: dict[str, int]) -> Delta:
        """Desired and reported differ: what the cloud says when something is desired."""
        said: dict[str, Any] = {**stamps, "version": self.version, "server_s": 0}
        return Delta(**said, wishes=self._wishes())

    def answer(self, asked: GetShadow | Report, stamps: dict[str, int]) -> Trigger:
        """The answer to a request; an update guarded by an old version is refused."""
        said: dict[str, Any] = {**stamps, "token": asked.token}
        if isinstance(asked, GetShadow):
            return Document(**said, version=self.version, wishes=self._wishes(), server_s=0)
        if asked.version not in (None, self.version):
            return Refused(**said, code=409, message="version conflict")
        self.version += 1
        if asked.settles:
            self.desired = {}
        return Answered(**said, settles=asked.settles, version=self.version, server_s=0)

    def _wishes(self) -> tuple[Wish, ...] | None:
        return tuple(self.desired.values()) or None
