"""What devices report beside their readings: a person moved one, or something is wrong with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from statemachine.returns.ending import begun_events
from statemachine.state.memory import Memory
from statemachine.state.triggers import Command
from statemachine.wire.commands import Origin, command_from

from .base.clocks import clocks
from .drivers import Panel
from .health.alarms import Alarms
from .runtime.runtime import Runtime

log = logging.getLogger(__name__)
DEVICE = "device"  # the source of commands that people give at the device itself


class DeviceReports:
    """A `DeviceListener`. A person at a device counts as a person at the site.

    Whoever switches a circuit on during events keeps it out of them. `panel` and `alarms` are asked
    for late, since they are built after the devices.
    """

    def __init__(
        self, runtime: Runtime, panel: Callable[[], Panel], alarms: Callable[[], Alarms]
    ) -> None:
        self._runtime, self._panel, self._alarms = runtime, panel, alarms
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Nothing is noticed yet: what an earlier run noticed is counted anew."""
        for circuit in self._runtime.memory.circuits:
            self.noticed(circuit, None)

    def doubted(self, circuit: str) -> None:
        self._panel().doubt(circuit)

    def moved(self, circuit: str, on: bool) -> None:
        memory, spec = self._runtime.memory, self._runtime.ven.spec
        live = memory.circuits.get(circuit)
        if live is None:
            return
        if on and live.held_w is not None:
            for event in begun_events(spec, memory, clocks()[0]):
                self._submit({"op": "optOut", "event_id": event, "loadId": circuit})
        if live.enabled != on:
            self._submit({"op": "setLoad", "loadId": circuit, "enabled": on})

    def noticed(self, circuit: str, text: str | None) -> None:
        if text is None:
            self._alarms().end("device", f"{circuit}-restarts")
        else:
            name = self._runtime.ven.spec.name_of(circuit)
            self._alarms().raise_alarm("device", f"{name}: {text}", f"{circuit}-restarts")

    def _submit(self, fields: dict[str, Any]) -> None:
        confirmed = {"confirm_operator": True, "confirm_critical": True}
        door = Origin(DEVICE, "", *clocks())
        site = self._runtime.ven.spec.site.id
        command = replace(command_from({**fields, **confirmed}, site, door), key="")
        task = asyncio.create_task(self._answered(command, fields["loadId"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answered(self, command: Command, circuit: str) -> None:
        """What the core refuses stays as it is; the device keeps its fault."""
        ack = await self._runtime.submit(command)
        if ack.get("status") == "rejected":
            log.warning("%s was moved at the device, but: %s", circuit, ack.get("detail"))


def may_be_off(memory: Memory, circuit: str) -> bool | None:
    """Whether this program may have switched a circuit off before it stopped.

    None: nothing is remembered, as at the very first start.
    """
    live = memory.circuits[circuit]
    if not memory.boot:
        return None
    return not live.enabled or live.held_w is not None or not live.sure or bool(live.fault)
