"""Simulated circuits. A file keeps their breakers, as a real panel would if the program is killed.

The file stands for real hardware, which a disk fault cannot break: if it cannot be written,
circuits switch all the same, and if it is not valid, breakers start as ven.yaml says.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from statemachine.site.panel import Circuit
from statemachine.site.spec import Spec
from statemachine.verify.world.loads import load_w

log = logging.getLogger(__name__)


class SimPanel:
    """Circuits that draw as `sim:` says: steady at rated power, drifting, or cycling by type."""

    def __init__(self, spec: Spec, folder: Path, now_ms: Callable[[], int]) -> None:
        self._spec, self._file, self._now_ms = spec, folder / "panel.json", now_ms
        self._room, self._fails = 0, False
        self._breakers: dict[str, Any] = self._found()
        self.use(spec)

    def use(self, spec: Spec) -> None:
        """Use a changed ven.yaml; breakers that it no longer names are kept."""
        self._spec = spec
        for id, circuit in spec.circuits.items():
            if id in self._breakers and not _fits(self._breakers[id]):
                log.warning(
                    "%s: the entry of %s is not valid; its breaker starts as ven.yaml says",
                    self._file,
                    id,
                )
                del self._breakers[id]
            self._breakers.setdefault(id, _first(circuit.enabled))

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        self._move(circuit, {"hold_w": watts, "until_ms": until_ms})

    async def switch(self, circuit: str, enabled: bool) -> None:
        self._move(circuit, {"on": enabled})

    async def readings(self) -> Mapping[str, int]:
        now_ms = self._now_ms()
        return {id: self._drawn_w(id, now_ms) for id in self._spec.circuits}

    def unmetered_w(self) -> int:
        """The power drawn outside the circuits, in W."""
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
        return load_w(id, circuit.rated, circuit.kind, sim.load, sim.seed, now_ms)

    def _move(self, circuit: str, news: dict[str, int | bool | None]) -> None:
        known: Any = self._breakers.get(circuit)
        self._breakers[circuit] = (known if _fits(known) else _first(True)) | news
        try:
            self._keep()
        except OSError as error:
            if not self._fails:
                log.warning("%s cannot be written: %s", self._file, error)
            self._fails = True
        else:
            self._fails = False

    def _found(self) -> dict[str, Any]:
        try:
            raw = self._file.read_bytes()
            self._room = len(raw)
            found = json.loads(raw)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            found = error
        if isinstance(found, dict):
            return found
        log.warning("%s cannot be read; all breakers start as ven.yaml says", self._file)
        return {}

    def _keep(self) -> None:
        """Overwrite the file in one call, which a kill cannot split; a new file would be slower."""
        said = json.dumps(self._breakers).encode()
        self._room = max(self._room, len(said))
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, said.ljust(self._room), 0)
        finally:
            os.close(file)


def _first(enabled: bool) -> dict[str, int | bool | None]:
    return {"on": enabled, "hold_w": None, "until_ms": 0}


def _fits(breaker: Any) -> bool:
    """Whether this is a valid breaker; anything else in the file is ignored."""
    if not isinstance(breaker, dict) or type(breaker.get("on")) is not bool:
        return False
    hold_w, until_ms = breaker.get("hold_w", ""), breaker.get("until_ms")
    return (hold_w is None or type(hold_w) is int) and type(until_ms) is int
