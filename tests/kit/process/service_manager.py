"""The service manager's end of sd_notify: a socket, and all that was said to it."""

from __future__ import annotations

import socket


class Manager:
    """Listens at `address`, a path or `@name`; `environ` is what it gives a service along."""

    def __init__(self, address: str, watchdog_s: float | None = None) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address[0] == "@" else address)
        self._socket.setblocking(False)
        self._heard: list[dict[str, str]] = []
        self.environ = {"NOTIFY_SOCKET": address}
        if watchdog_s is not None:
            self.environ["WATCHDOG_USEC"] = str(round(watchdog_s * 1e6))

    def heard(self) -> list[dict[str, str]]:
        """Every datagram so far, in order, as its lines by name."""
        while True:
            try:
                text = self._socket.recv(65_536).decode()
            except BlockingIOError:
                return list(self._heard)
            self._heard.append(dict(line.split("=", 1) for line in text.split("\n")))

    def all(self, name: str) -> list[str]:
        """Every value that `name` had."""
        return [said[name] for said in self.heard() if name in said]

    def close(self) -> None:
        self._socket.close()
