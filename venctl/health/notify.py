"""Notifies the service manager as in sd_notify(3): datagrams with lines `NAME=value`."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Notify:
    """Sends lines to the socket of $NOTIFY_SOCKET; does nothing if there is none.

    `watchdog_s` is how long the manager waits for a sign of life before a restart; None: forever.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(environ) if self._address else None

    def say(self, fields: Mapping[str, str]) -> bool:
        """Send at once or not at all. Returns True if it was sent or there is no socket."""
        if self._address is None:
            return True
        lines = "\n".join(f"{name}={value}" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.setblocking(False)
                out.sendto(lines.encode(), self._address)
        except OSError as error:
            log.debug("the service manager could not be notified: %s", error)
            return False
        return True


def _address(named: str) -> bytes | None:
    """A path, or `@name` for an abstract socket; systemd uses no other kinds."""
    if named[:1] == "@":
        return b"\0" + os.fsencode(named[1:])
    return os.fsencode(named) if named[:1] == "/" else None


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID")
    meant = pid is None or pid == str(os.getpid())
    return int(usec) / 1e6 if meant and usec.isdecimal() and int(usec) else None
