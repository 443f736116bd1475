"""Simulated circuits, whose breakers live in a file, as a real panel's would through a kill."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from statemachine.loads_model import load_w
from statemachine.panel import Circuit
from statemachine.spec import Spec

log = logging.getLogger(__name__)


class SimPanel:
    """Circuits that draw as `sim:` says: steady at rated power, drifting, or cycling by type."""

    def __init__(self, spec: Spec, folder: Path, now_ms: Callable[[], int]) -> None:
        self._spec, self._file, self._now_ms = spec, folder / "panel.json", now_ms
        self._room = self._file.stat().st_size if self._file.exists() else 0
        self._breakers: dict[str, dict[str, int | bool | None]] = self._found()
        self.use(spec)

    def use(self, spec: Spec) -> None:
        """Another panel; breakers that it no longer names stay on the wall."""
        self._spec = spec
        for id, circuit in spec.circuits.items():
            first = {"on": circuit.enabled, "hold_w": None, "until_ms": 0}
            self._breakers.setdefault(id, first)

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        self._breakers[circuit] |= {"hold_w": watts, "until_ms": until_ms}
        self._keep()

    async def switch(self, circuit: str, enabled: bool) -> None:
        self._breakers[circuit] |= {"on": enabled}
        self._keep()

    async def readings(self) -> Mapping[str, int]:
        now_ms = self._now_ms()
        return {id: self._drawn_w(id, now_ms) for id in self._spec.circuits}

    def unmetered_w(self) -> int:
        """What the site draws beside its circuits."""
        rated_w = self._spec.site.unmetered
        load = "steady" if self._spec.sim.load == "steady" else "drift"
        return load_w("unmetered", rated_w, "other", load, self._spec.sim.seed, self._now_ms())

    def _drawn_w(self, id: str, now_ms: int) -> int:
        breaker, circuit = self._breakers[id], self._spec.circuits[id]
        if not breaker["on"]:
            return 0
        drawn_w = self._load_w(id, circuit, now_ms)
        hold_w, until_ms = breaker["hold_w"], breaker["until_ms"]
        leased = hold_w is not None and now_ms < int(until_ms or 0)
        return min(drawn_w, int(hold_w or 0)) if leased else drawn_w

    def _load_w(self, id: str, circuit: Circuit, now_ms: int) -> int:
        sim = self._spec.sim
        return load_w(id, circuit.rated, circuit.type, sim.load, sim.seed, now_ms)

    def _found(self) -> dict[str, dict[str, int | bool | None]]:
        try:
            return dict(json.loads(self._file.read_text())) if self._room else {}
        except ValueError:
            log.warning("%s cannot be read; breakers stand as on the first day", self._file)
            return {}

    def _keep(self) -> None:
        """Written over in one go, which no kill splits; a new file would take ten times as long."""
        said = json.dumps(self._breakers).encode()
        self._room = max(self._room, len(said))
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, said.ljust(self._room), 0)
        finally:
            os.close(file)
