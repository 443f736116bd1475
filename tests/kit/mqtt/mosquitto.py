"""A real mosquitto on a free loopback port, that can be killed, frozen and brought back."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.kit.tools import tool

DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class ServerTls:
    """The broker's own certificate, and the CA its clients must be signed by, or None."""

    cert: Path
    key: Path
    clients: Path | None


class Mosquitto:
    """One broker process at a time, on one port, with its sessions in `folder`."""

    def __init__(self, folder: Path, tls: ServerTls | None, extra: str) -> None:
        self._program = tool("mosquitto")
        self.port = free_port()
        self._log = folder / "broker.log"
        self._conf = folder / "broker.conf"
        self._conf.write_text(_conf(self.port, folder, self._log, tls) + extra)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Return once it listens."""
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._conf)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + DEADLINE_S
        while not _listens(self.port):
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def stop(self) -> None:
        """A goodbye: everything is on disk afterwards."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Gone from one instruction to the next."""
        self._end(signal.SIGKILL)

    def forget(self) -> None:
        """Drop every session and retained message; call while it is not running."""
        assert self._process is None
        (self._conf.parent / "mosquitto.db").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Still there, and silent."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def log(self) -> str:
        """Everything it has written, over all its starts."""
        return self._log.read_text() if self._log.exists() else ""

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(DEADLINE_S)
        self._process = None


def free_port() -> int:
    """A loopback port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _conf(port: int, folder: Path, log: Path, tls: ServerTls | None) -> str:
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "set_tcp_nodelay true",
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 1",
        "autosave_on_changes true",
        f"log_dest file {log}",
        "log_type all",
        "user root",
    ]
    if tls is not None:
        lines += [f"certfile {tls.cert}", f"keyfile {tls.key}"]
        if tls.clients is not None:
            lines += [f"cafile {tls.clients}", "require_certificate true"]
    return "\n".join(lines) + "\n"
