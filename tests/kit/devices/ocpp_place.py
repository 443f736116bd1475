"""Links that chargers connect to, and chargers, on clocks that stand still."""

from __future__ import annotations

from pathlib import Path

from statemachine.device.declaration import LinkDeclaration
from tests.kit.devices.hand_clocks import HandClocks
from tests.kit.devices.ocpp_charger import FakeCharger
from tests.kit.mqtt.mosquitto import free_port
from venctl.drivers.links.ocpp.link import OcppLink

WORDS = {"env:ONE": "s3cret", "env:ALL": "common"}


class Place:
    """Where chargers connect, and the clock of all of them."""

    def __init__(self, beside: Path) -> None:
        self.clock, self.port, self.beside = HandClocks(), free_port(), beside
        self.links: list[OcppLink] = []
        self.chargers: list[FakeCharger] = []

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def link(self, host: str = "127.0.0.1", **settings: str) -> OcppLink:
        declared = LinkDeclaration("ocpp", f"{host}:{self.port}", settings)
        self.links.append(OcppLink(declared, WORDS.__getitem__, self.beside, self.clock))
        return self.links[-1]

    def charger(self, id: str = "CP001") -> FakeCharger:
        self.chargers.append(FakeCharger(lambda: self.clock()[0], id))
        return self.chargers[-1]

    def pass_s(self, seconds: float) -> None:
        self.clock.now_ms += round(seconds * 1000)

    async def close(self) -> None:
        for charger in self.chargers:
            await charger.leave()
        for link in self.links:
            await link.close()
