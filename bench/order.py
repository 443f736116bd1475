"""A wire between a controller and its broker; notes the order in which commands are delivered.

`python -m bench.order BROKER_PORT PORT_FILE ORDER_FILE`: the port it listens on goes to the one, a
correlation id a line to the other. What a broker reorders is no fault of the controller's.
"""

from __future__ import annotations

import re
import select
import socket
import sys
from pathlib import Path
from typing import BinaryIO

from .wire import packet

PUBLISH = 3
NAME = re.compile(rb'"correlationId": "([^"]+)"')


def main(broker_port: int, port_file: Path, order_file: Path) -> None:
    """One controller after the other, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener, order_file.open("ab", 0) as order:
        port_file.with_suffix(".part").write_text(str(listener.getsockname()[1]))
        port_file.with_suffix(".part").rename(port_file)
        while True:
            controller, _ = listener.accept()
            with controller, socket.create_connection(("127.0.0.1", broker_port)) as broker:
                _between(controller, broker, order)


def _between(controller: socket.socket, broker: socket.socket, order: BinaryIO) -> None:
    for one in (controller, broker):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest = bytearray()
    while True:
        ready, _, _ = select.select([controller, broker], [], [])
        for source in ready:
            data = source.recv(262_144)
            if not data:
                return
            if source is broker:
                rest += data
                order.write(_names(rest))
            (controller if source is broker else broker).sendall(data)


def _names(rest: bytearray) -> bytes:
    """The names of the commands in all whole packets, which are cut off."""
    at, names = 0, b""
    while (found := packet(rest, at)) is not None:
        kind, start, at = found
        name = NAME.search(rest, start, at) if kind >> 4 == PUBLISH else None
        names += name[1] + b"\n" if name else b""
    del rest[:at]
    return names


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
