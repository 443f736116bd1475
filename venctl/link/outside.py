"""What a controller uses from outside: threads, broker, circuits, randomness and this machine.

A simulation passes its own; it replaces the clocks in `clocks`, and the loop's with the loop.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from awscrt import mqtt5

from statemachine.site.spec import Spec

from ..base.clocks import clocks
from ..base.worker import Thread, Worker
from ..drivers import Driver
from ..drivers.sim import SimPanel
from .shadow_client import service_over


class Circuits(Driver, Protocol):
    """A driver of all circuits of a site, and the meter of its other load."""

    def unmetered_w(self) -> int:
        """The power drawn outside the circuits, in W."""

    def use(self, spec: Spec) -> None:
        """Use a changed ven.yaml."""


def simulated(spec: Spec, folder: Path) -> Circuits:
    """Simulated circuits, whose breakers are stored in the state folder."""
    return SimPanel(spec, folder, lambda: clocks()[0])


def boot_id() -> str:
    """An id of this boot of the machine; "" if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Outside:
    """Defaults are the real things.

    `worker` creates a worker by name, `client` an MQTT client like awscrt's, `service` the shadow
    service over one, and `circuits` the driver of a site; `uniform(low, high)` is randomness.
    """

    worker: Callable[[str], Worker] = Thread
    client: Callable[[mqtt5.ClientOptions], mqtt5.Client] = mqtt5.Client
    service: Callable[[mqtt5.Client], Any] = service_over
    uniform: Callable[[float, float], float] = random.SystemRandom().uniform
    circuits: Callable[[Spec, Path], Circuits] = simulated
    boot: Callable[[], str] = boot_id


REAL = Outside()
