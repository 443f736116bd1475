"""Links: the connections over which devices are asked and told, one module a protocol.

A link is opened with its first request and never at the start, so a device that is away holds up
nothing. It makes one request at a time, orders before queries, and ends each within its own time
limits: 1 s to connect, 2 s for an answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import LinkAnswer, Order, Query

from .bacnet.link import BacnetLink
from .faults import LinkFault
from .http import HttpLink
from .mqtt import MqttLink
from .ocpp.link import OcppLink
from .settings import Secrets, secret_reader
from .state import LinkState

__all__ = ["DeviceLink", "LinkFault", "LinkState", "Secrets", "open_link", "secret_reader"]


class DeviceLink(Protocol):
    """A connection that several devices may share."""

    async def ask(self, query: Query) -> LinkAnswer:
        """What a device answers. Raises LinkFault."""

    async def tell(self, order: Order) -> None:
        """Send an order. Raises LinkFault, with the device's own words if it refuses.

        That it was taken does not mean that it was done: read it back.
        """

    def state(self) -> LinkState:
        """How it does."""

    async def close(self) -> None:
        """Close the connection; the next request opens another."""


def open_link(declaration: LinkDeclaration, secrets: Secrets, beside: Path = Path()) -> DeviceLink:
    """The link of a declaration; make one for each `LinkDeclaration.key`. Connects to nothing yet.

    `secrets` reads `env:NAME` and `file:NAME`, as `secret_reader` does. The file of a `ca` is
    relative to the folder `beside`.
    Raises LinkFault if the declaration itself cannot be followed.
    """
    match declaration.speaks:
        case "http":
            return HttpLink(declaration, secrets, beside)
        case "mqtt":
            return MqttLink(declaration, secrets, beside)
        case "ocpp":
            return OcppLink(declaration, secrets, beside)
        case "bacnet":
            return BacnetLink(declaration)
        case "modbus":
            from .modbus import ModbusLink  # pymodbus is loaded only where it is needed

            return ModbusLink(declaration, secrets, beside)
    raise LinkFault(f"this version of venctl speaks no {declaration.speaks!r}", lasting=True)
