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
from ..base.worker import ThreadWorker, Worker
from ..drivers import Driver
from ..drivers.sim import SimPanel
from .shadow_client import service_over


class CircuitDriver(Driver, Protocol):
    """A driver of all circuits of a site, and the meter of its other load."""

    def unmetered_w(self) -> int:
        """The power drawn outside the circuits, in W."""

    def use(self, spec: Spec) -> None:
        """Use a changed ven.yaml."""


def simulated_circuits(spec: Spec, folder: Path) -> CircuitDriver:
    """Simulated circuits, whose breakers are stored in the state folder."""
    return SimPanel(spec, folder, lambda: clocks()[0])


def boot_id() -> str:
    """An id of this boot of the machine; "" if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Environment:
    """Defaults are the real things.

    `worker` creates a worker by name, `client` an MQTT client like awscrt's, `service` the shadow
    service over one, and `circuits` the driver of a site; `uniform(low, high)` is randomness.
    """

    worker: Callable[[str], Worker] = ThreadWorker
    client: Callable[[mqtt5.ClientOptions], mqtt5.Client] = mqtt5.Client
    service: Callable[[mqtt5.Client], Any] = service_over
    uniform: Callable[[float, float], float] = random.SystemRandom().uniform
    circuits: Callable[[Spec, Path], CircuitDriver] = simulated_circuits
    boot: Callable[[], str] = boot_id


REAL = Environment()
