"""Relays in a process of their own: over HTTP as a Shelly says it, over MQTT as a Tasmota does.

`python relay.py BROKER_PORT FILE`: the file gets the HTTP port.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import paho.mqtt.client as mqtt
from aiohttp import web

STATE = dict.fromkeys(("0", "1", "ours", "bare"), True)


async def rpc(request: web.Request) -> web.Response:
    """JSON-RPC: `Switch.Set` and nothing else."""
    params = (await request.json())["params"]
    id = str(params["id"])
    was, STATE[id] = STATE[id], params["on"]
    return web.json_response({"id": 1, "result": {"was_on": was}})


async def status(request: web.Request) -> web.Response:
    """Where a relay stands."""
    on = STATE[request.query["id"]]
    return web.json_response({"source": "http", "apower": 0.0, "output": on})


async def system(_: web.Request) -> web.Response:
    """The device as a whole, of which only its uptime is asked."""
    return web.json_response({"sys": {"uptime": 1_000}})


def over_mqtt(port: int) -> None:
    """Answer commands on `cmnd/RELAY/+` in the network thread of the client."""

    def hear(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        _, relay, name = message.topic.split("/")
        payload = message.payload.decode()
        if name == "TimedPower1" and payload:
            STATE[relay] = payload.endswith(",1")
        elif name == "Power1" and payload:
            STATE[relay] = payload == "1"
        client.publish(f"stat/{relay}/POWER", "ON" if STATE[relay] else "OFF")

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_message = hear
    client.connect("127.0.0.1", port)
    client.subscribe("cmnd/+/+", 1)
    client.loop_start()


async def main() -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_post("/rpc", rpc)
    app.router.add_get("/rpc/Switch.GetStatus", status)
    app.router.add_get("/rpc/Shelly.GetStatus", system)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    Path(sys.argv[2]).write_text(json.dumps(runner.addresses[0][1]))
    await asyncio.Event().wait()


if __name__ == "__main__":
    over_mqtt(int(sys.argv[1]))
    asyncio.run(main())
