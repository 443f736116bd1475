"""A modelled cloud: the shadows of one thing, their versions, and its answers to a VEN."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...shadow.wishes import CIRCUITS
from ...site.named_shadows import circuits_by_shadow
from ...site.spec import Spec
from ...state.cloud_triggers import Answered, Delta, Document, Refused
from ...state.desires import Wish
from ...state.effects import GetShadow, Report
from ...state.triggers import Trigger


@dataclass(slots=True)
class _Document:
    version: int = 0
    desired: dict[str, Wish] = field(default_factory=dict)

    @property
    def wishes(self) -> tuple[Wish, ...] | None:
        return tuple(self.desired.values()) or None


class CloudModel:
    """The shadows as AWS keeps them, limited to desired circuits."""

    def __init__(self, spec: Spec) -> None:
        self._shards = circuits_by_shadow(spec)
        self.shadows = {key: _Document() for key in self._shards}

    def wish(self, circuit: str, enabled: bool, at_s: int) -> str:
        """Somebody desires a circuit on or off; returns the key of the shadow it is written to."""
        key = next((key for key, ids in self._shards.items() if circuit in ids), "")
        self.shadows[key].version += 1
        self.shadows[key].desired[circuit] = Wish(circuit, enabled, at_s)
        return key

    def delta(self, key: str, stamps: dict[str, int]) -> Delta:
        """The delta that the cloud sends after something was desired."""
        said: dict[str, Any] = {**stamps, "version": self.shadows[key].version}
        return Delta(**said, key=key, wishes=self.shadows[key].wishes)

    def answer(self, asked: GetShadow | Report, stamps: dict[str, int]) -> Trigger:
        """The answer to a request; an update with an old version is refused."""
        said: dict[str, Any] = {**stamps, "token": asked.token, "key": asked.key}
        known = self.shadows[asked.key]
        if isinstance(asked, GetShadow):
            return Document(**said, version=known.version, wishes=known.wishes)
        if asked.version not in (None, known.version):
            return Refused(**said, code=409, message="version conflict")
        known.version += 1
        if CIRCUITS in asked.clears:
            known.desired = {}
        return Answered(**said, settles=asked.settles, version=known.version)
