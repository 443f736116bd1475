"""The least that a durable answer over MQTT costs: awscrt, one fsync'd commit, the same bytes back.

Run as `python bench/echo.py PORT FOLDER`; FOLDER/echo.ready appears once it listens.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Any

from awscrt import mqtt5

QOS = mqtt5.QoS.AT_LEAST_ONCE


async def run(port: int, folder: Path) -> None:
    loop, inbox = asyncio.get_running_loop(), asyncio.Queue[Any]()
    db = sqlite3.connect(folder / "echo.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE IF NOT EXISTS said (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    def on_publish(data: Any) -> None:
        control = data.acquire_publish_acknowledgement_control()
        loop.call_soon_threadsafe(inbox.put_nowait, (data.publish_packet.payload, control))

    up = asyncio.Event()
    client = mqtt5.Client(
        mqtt5.ClientOptions(
            host_name="127.0.0.1",
            port=port,
            connect_options=mqtt5.ConnectPacket(client_id="bench-echo"),
            on_publish_callback_fn=on_publish,
            on_lifecycle_event_connection_success_fn=lambda _: loop.call_soon_threadsafe(up.set),
        )
    )
    client.start()
    await up.wait()
    wanted = mqtt5.SubscribePacket([mqtt5.Subscription("echo/cmd", QOS)])
    await asyncio.wrap_future(client.subscribe(wanted))
    (folder / "echo.ready").touch()
    while True:
        payload, control = await inbox.get()
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO said (body) VALUES (?)", (payload,))
        db.execute("COMMIT")
        sent = client.publish(mqtt5.PublishPacket(topic="echo/ack", payload=payload, qos=QOS))
        await asyncio.wrap_future(sent)
        client.invoke_publish_acknowledgement(control)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), Path(sys.argv[2])))
