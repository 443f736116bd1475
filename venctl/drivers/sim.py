"""The modelled panel as a driver. A file keeps its breakers, as a real panel would through a kill.

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

from statemachine.site.spec import Spec
from statemachine.verify.world.loads import Loads
from statemachine.verify.world.panel import Breaker, Breakers

from .driver_call import LAST_S, TIMEOUT_S

log = logging.getLogger(__name__)


class SimPanel:
    """Circuits that draw as `sim:` says: steady at rated power, drifting, or cycling by type."""

    timeout_s, last_s = TIMEOUT_S, LAST_S

    def __init__(self, spec: Spec, folder: Path, now_ms: Callable[[], int]) -> None:
        self._file, self._now_ms = folder / "panel.json", now_ms
        self._spec, self._room, self._fails = spec, 0, False
        self._breakers = Breakers(spec, Loads(spec))
        self._odd: dict[str, Any] = {}
        for id, kept in self._found().items():
            if _fits(kept):
                self._breakers.all[id] = Breaker(kept["on"], kept["hold_w"], kept["until_ms"])
            else:
                self._odd[id] = kept
        self.use(spec)

    def use(self, spec: Spec) -> None:
        """Use a changed ven.yaml; breakers that it no longer names are kept."""
        for id in self._odd.keys() & spec.circuits.keys():
            log.warning(
                "%s: the entry of %s is not valid; its breaker starts as ven.yaml says",
                self._file,
                id,
            )
            del self._odd[id]
        self._spec = spec
        self._breakers.use(spec, Loads(spec))

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        self._find(circuit)
        self._breakers.hold(circuit, watts, until_ms)
        self._keep()

    async def switch(self, circuit: str, enabled: bool) -> None:
        self._find(circuit)
        self._breakers.switch(circuit, enabled)
        self._keep()

    async def readings(self) -> Mapping[str, int]:
        now_ms = self._now_ms()
        return {id: self._breakers.drawn_w(id, now_ms) for id in self._spec.circuits}

    def unmetered_w(self) -> int:
        """The power drawn outside the circuits, in W."""
        return self._breakers.loads.unmetered_w(self._now_ms())

    def _find(self, id: str) -> None:
        """A circuit that the file no longer names is given back like any other."""
        self._odd.pop(id, None)
        self._breakers.all.setdefault(id, Breaker(on=True))

    def _found(self) -> dict[str, Any]:
        try:
            raw = self._file.read_bytes()
            self._room = len(raw)
            content = json.loads(raw)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            content = error
        if isinstance(content, dict):
            return content
        log.warning("%s cannot be read; all breakers start as ven.yaml says", self._file)
        return {}

    def _keep(self) -> None:
        """Write the breakers down; a disk that refuses is logged once."""
        try:
            self._write()
        except OSError as error:
            if not self._fails:
                log.warning("%s cannot be written: %s", self._file, error)
            self._fails = True
        else:
            self._fails = False

    def _write(self) -> None:
        """Overwrite the file in one call, which a kill cannot split; a new file would be slower."""
        content = json.dumps(self._odd | self._kept()).encode()
        self._room = max(self._room, len(content))
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, content.ljust(self._room), 0)
        finally:
            os.close(file)

    def _kept(self) -> dict[str, Any]:
        breakers = self._breakers.all.items()
        return {
            id: {"on": breaker.on, "hold_w": breaker.hold_w, "until_ms": breaker.until_ms}
            for id, breaker in breakers
        }


def _fits(breaker: Any) -> bool:
    """Whether this is a valid breaker; anything else in the file is ignored."""
    if not isinstance(breaker, dict) or type(breaker.get("on")) is not bool:
        return False
    hold_w, until_ms = breaker.get("hold_w", ""), breaker.get("until_ms")
    return (hold_w is None or type(hold_w) is int) and type(until_ms) is int
