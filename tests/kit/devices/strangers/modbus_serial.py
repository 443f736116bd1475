"""modbus-serial of npm: a Modbus server by another hand, and a client that judges our fakes."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

from tests.kit.mqtt.mosquitto import free_port
from tests.kit.process.site import until
from tests.kit.tools import stranger, tool

HERE = Path(__file__).parent
Image = dict[str, dict[int, int]]
"""Registers by table (coil, discrete, holding, input); others are refused as illegal."""


class ModbusSerial:
    """`with ModbusSerial({"input": {14: 1482}}) as server: ... server.port, server.writes`."""

    def __init__(self, image: Image) -> None:
        stranger(HERE, "modbus-serial")
        self.port = free_port()
        self._image = image
        self._heard: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        command = [tool("node"), str(HERE / "server.js"), str(self.port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        until(lambda: any("listening" in one for one in self._heard), "the server listens")
        self.set(self._image)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    @property
    def writes(self) -> list[dict[str, Any]]:
        """Each as unit, table, register and value."""
        return [one for one in self._heard if "register" in one]

    def set(self, image: Image) -> None:
        """These registers have these values from now on."""
        assert self._process.stdin is not None
        taken = self._taken()
        self._process.stdin.write(json.dumps(image) + "\n")
        self._process.stdin.flush()
        until(lambda: self._taken() > taken, "the registers are set")

    def _taken(self) -> int:
        return sum("taken" in one for one in self._heard)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._heard.append(json.loads(line))


def judge(port: int, unit: int, *deeds: list[Any]) -> list[Any]:
    """What modbus-serial's client got for each of `["readInputRegisters", 12, 2]` and so on."""
    stranger(HERE, "modbus-serial")
    command = [tool("node"), str(HERE / "client.js"), str(port), str(unit), json.dumps(deeds)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ran.returncode == 0, ran.stderr
    answers: list[Any] = json.loads(ran.stdout)
    return answers
