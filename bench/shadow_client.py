"""Our shadow service as a client of any broker: `python -m bench.shadow_client PORT FILE`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import mqtt5

import venctl  # noqa: F401  (puts the rooms on the path)
from venctl.standin.shadow.documents import dumps
from venctl.standin.shadow.service import ShadowService
from venctl.standin.shadow.store import SyncedShadowStore

from .brokers import Client


def main() -> None:
    store = SyncedShadowStore(Path(sys.argv[2]), lambda call, found: call(found))
    asyncio.run(store.opened())
    service = ShadowService(store, time.time)
    client = Client(int(sys.argv[1]), "shadow-service")
    client.socket.settimeout(None)
    client.subscribe("$aws/things/+/shadow/update")
    number = 0
    while True:
        packet = client.next()
        if not isinstance(packet, mqtt5.PublishPacket):
            continue
        thing = packet.topic.split("/")[2]
        answer = service.update(thing, "", bytes(packet.payload))
        for end, body in (("update/accepted", answer.body), *answer.messages):
            number = number % 60_000 + 1
            topic = f"$aws/things/{thing}/shadow/{end}"
            qos = mqtt5.QoS.AT_LEAST_ONCE
            client.send(mqtt5.PublishPacket(topic, dumps(body), qos=qos, packet_id=number))


if __name__ == "__main__":
    main()
