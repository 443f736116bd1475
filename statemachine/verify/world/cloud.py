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
        fields: dict[str, Any] = {**stamps, "version": self.shadows[key].version}
        return Delta(**fields, key=key, wishes=self.shadows[key].wishes)

    def answer(self, request: GetShadow | Report, stamps: dict[str, int]) -> Trigger:
        """The answer to a request; an update with an old version is refused."""
        fields: dict[str, Any] = {**stamps, "token": request.token, "key": request.key}
        shadow = self.shadows[request.key]
        if isinstance(request, GetShadow):
            return Document(**fields, version=shadow.version, wishes=shadow.wishes)
        if request.version not in (None, shadow.version):
            return Refused(**fields, code=409, message="version conflict")
        shadow.version += 1
        if CIRCUITS in request.clears:
            shadow.desired = {}
        return Answered(**fields, settles=request.settles, version=shadow.version)
