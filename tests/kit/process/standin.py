"""`venctl cloud` as a user starts it, in a process of its own that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.kit.paths import ROOT
from tests.kit.process.site import until


class StandIn:
    """One process at a time, on the same ports and the same state."""

    def __init__(self, folder: Path, *flags: str, env: dict[str, str] | None = None) -> None:
        self.folder, self._flags, self._env = folder, flags, env or {}
        self.said: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        ports = [f"--{name}-port={self._port(name)}" for name in ("mqtt", "data")]
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "venctl", "cloud", *ports, *self._flags,
                 "--state", str(self.folder / "state"), "--ready-file", str(ready)],
                cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT), **self._env},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        until(lambda: ready.exists() or self.process.poll() is not None, "ready file")
        assert ready.exists(), self.output()
        self.said = json.loads(ready.read_text())

    def output(self) -> str:
        return (self.folder / "output.txt").read_text()

    @property
    def mqtt_port(self) -> int:
        return int(self._port("mqtt"))

    @property
    def data_port(self) -> int:
        return int(self._port("data"))

    def file(self, name: str) -> Path:
        """`ca`, `cert` or `key` of an operator."""
        return Path(self.said["tls"][name])

    def tls(self) -> tuple[Path, Path, Path]:
        return self.file("ca"), self.file("cert"), self.file("key")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def _port(self, name: str) -> str:
        return self.said.get(name, "x:0").rpartition(":")[2]
