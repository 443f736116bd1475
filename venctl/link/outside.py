"""What a controller meets outside itself: threads, broker, circuits, chance and this machine.

A simulation passes its own; the clocks it replaces in `clocks`, and the loop's with the loop.
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
    """A driver of all circuits of a site, and the meter of what is beside them."""

    def unmetered_w(self) -> int:
        """What the site draws beside its circuits."""

    def use(self, spec: Spec) -> None:
        """The site is declared so from now on."""


def simulated(spec: Spec, folder: Path) -> Circuits:
    """Simulated circuits, whose breakers lie in the state folder."""
    return SimPanel(spec, folder, lambda: clocks()[0])


def boot_id() -> str:
    """Tells this run of the machine from others; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything is real where nothing else is said.

    `worker` makes one by its name, `client` is awscrt's MQTT client, `service` the shadow service
    over one, `uniform(low, high)` is chance, and `circuits` makes the driver of a site.
    """

    worker: Callable[[str], Worker] = Thread
    client: Callable[[mqtt5.ClientOptions], mqtt5.Client] = mqtt5.Client
    service: Callable[[mqtt5.Client], Any] = service_over
    uniform: Callable[[float, float], float] = random.SystemRandom().uniform
    circuits: Callable[[Spec, Path], Circuits] = simulated
    boot: Callable[[], str] = boot_id


REAL = Outside()
