"""Ten thousand wishes in a row, and how soon after the last one shadow and site agree.

`python -m bench.deltas [COUNT]`
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from .brokers import Client, resident_kb
from .children import controller
from .wire import publish

COUNT = 10_000
ABREAST = 50
PATIENCE_S = 60.0
SHADOW = "$aws/things/bench/shadow"


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as made, controller(Path(made)) as (process, said):
        client = Client(int(said["mqtt"].rpartition(":")[2]), "wishes")
        began_s = time.perf_counter()
        wish(client, count)
        last_s = time.perf_counter()
        version = settled(client)
        now_s = time.perf_counter()
        print(
            f"{count} wishes in {last_s - began_s:.1f} s, version {version}; settled "
            f"{now_s - last_s:.2f} s after the last (5)   {resident_kb(process) / 1024:.0f} MB"
        )


def wish(client: Client, count: int) -> None:
    """Every wish another one, of two circuits in turn, as fast as the broker takes them."""
    client.subscribe(f"{SHADOW}/get/accepted", f"{SHADOW}/get/rejected")
    under_way = 0
    for n in range(count):
        circuit = ("lights1", "misc1")[n % 2]
        body = {"state": {"desired": {"circuits": {circuit: {"enabled": n % 4 < 2}}}}}
        client.socket.sendall(publish(f"{SHADOW}/update", n % 65_535 + 1, json.dumps(body)))
        under_way += 1
        while under_way >= ABREAST:
            client.next()
            under_way -= 1
    for _ in range(under_way):
        client.next()


def settled(client: Client) -> int:
    """The version of the shadow in which nothing is left to be wished. Raises TimeoutError."""
    until_s = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < until_s:
        client.socket.sendall(publish(f"{SHADOW}/get", 1, ""))
        while not hasattr(packet := client.next(), "payload"):
            pass
        document = json.loads(bytes(packet.payload))
        if "delta" not in document.get("state", {"delta": "throttled"}):
            return int(document["version"])
        time.sleep(0.1)
    raise TimeoutError("the shadow never settled")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
