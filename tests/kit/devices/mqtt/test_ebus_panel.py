"""The smart panel of another hand on a real broker, wired to our house."""

from __future__ import annotations

import pytest

from tests.kit.devices.clock import soon
from tests.kit.devices.mqtt.ebus_panel import EbusPanel
from tests.kit.devices.wiring import Wiring
from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.mqtt.peers import Peer


@pytest.mark.filterwarnings("ignore:Callback API version 1")
async def test_its_relay_opens_and_the_main_meter_falls(broker: Mosquitto) -> None:
    wiring = Wiring(unmetered_w=300)
    oven, pump = wiring.outlet("oven", 2000), wiring.outlet("pump", 700)
    peer = Peer(broker.port, "peer")
    peer.subscribe("ebus/#")

    def newest(topic: str) -> str:
        said = [one.payload for one in list(peer.heard) if one.topic == f"ebus/5/{topic}"]
        return said[-1].decode() if said else ""

    async with EbusPanel(wiring, {"oven": oven, "pump": pump}, broker=broker.port, every_s=0.05):
        await soon(lambda: newest("oven/switch/relay") == "CLOSED")
        await soon(lambda: float(newest("oven/meter/active-power") or 0) == -2000)
        peer.client.publish("ebus/5/oven/switch/relay/set", "OPEN")
        await soon(lambda: newest("oven/switch/relay") == "OPEN")
        assert wiring.main.watts == 1000
        await soon(lambda: float(newest("oven/meter/active-power")) == 0)
        peer.client.publish("ebus/5/oven/switch/relay/set", "CLOSED")
        await soon(lambda: wiring.main.watts == 3000)
    peer.close()
