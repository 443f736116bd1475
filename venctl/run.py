"""Builds one controller out of a ven.yaml and keeps it running."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp.web import AppRunner, SockSite

from statemachine import Spec, Ven
from statemachine.effects import Effect, Hold, Switch
from statemachine.memory import Memory, Passed
from statemachine.triggers import Command, Held, Restarted, Switched
from web.app import access_for, make_app
from web.desk import Edit, LinkView, Sample

from .approach import Approach
from .drivers import Panel
from .drivers.sim import SimPanel
from .editing import Editing
from .endpoint import Endpoint, declared, plain
from .journal import Journal, connect
from .place import announce, claim, forget_in_force, keep_in_force, token
from .ports import who_has
from .runtime import Runtime, clocks
from .standin import CannotStart, Ports, StandIn, stand_in_of
from .telemetry import Telemetry
from .tls import Wrong
from .uplink import Uplink

log = logging.getLogger(__name__)
CONNECT_S = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says beside the ven.yaml. A port of None: the default one."""

    file: Path
    folder: Path
    port: int | None
    mqtt_port: int | None
    data_port: int | None
    ready_file: Path | None
    as_json: bool


class Controller:
    """One site at work: the `Desk` the page is served from."""

    def __init__(
        self, spec: Spec, options: Options, endpoint: Endpoint, stand_in: StandIn | None
    ) -> None:
        self._stand_in = stand_in
        self._journal = Journal(connect(options.folder / "journal.db"))
        self._sim = sim = SimPanel(spec, options.folder, lambda: clocks()[0])
        self.runtime = Runtime(Ven(spec), self._journal, self._perform)
        drivers = dict.fromkeys([*spec.circuits, *self.memory.leaving], sim)
        self.panel = Panel(drivers, self._held, self._switched, self._look)
        self.uplink = Uplink(spec, endpoint, self._journal, self.runtime.post)
        self.telemetry = Telemetry(
            self.runtime, self.panel, self._journal, sim.unmetered_w, self.uplink.telemetry
        )
        self.editing = Editing(
            options.file, options.folder, self.runtime, self._use, self.uplink.connected
        )
        self._approach = Approach(spec, endpoint, options.folder, self.uplink)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def spec(self) -> Spec:
        return self.runtime.ven.spec

    @property
    def memory(self) -> Memory:
        return self.runtime.memory

    @property
    def rev(self) -> int:
        return self.runtime.rev

    @property
    def link(self) -> LinkView:
        return self.uplink.view()

    @property
    def recent(self) -> list[Sample]:
        return list(self.telemetry.recent)

    @property
    def waits(self) -> tuple[str, ...]:
        return self.editing.waits

    def clocks(self) -> tuple[int, int]:
        return clocks()

    async def reload(self) -> Edit:
        return await self.editing.reload()

    async def submit(self, command: Command) -> Mapping[str, Any]:
        return await self.runtime.submit(command)

    def watch(self) -> AsyncIterator[Passed | None]:
        return self.runtime.watch()

    async def start(self) -> None:
        """The safe state first: what was remembered is restated before anybody is let in."""
        at_ms, mono_ms = clocks()
        self.panel.start()
        self.runtime.post(Restarted(at_ms=at_ms, mono_ms=mono_ms, boot=_boot()))
        await self.telemetry.read()
        runs = (self.telemetry.run(), self.editing.run(), self._approach.run())
        self._tasks = [asyncio.create_task(run) for run in runs]

    async def stop(self) -> None:
        """Leave load as `restore.on_stop` says, then go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.runtime.stop()
        await self.panel.stop()
        if self.spec.restore.on_stop == "restore":
            await self.panel.let_go(self._may_be_held())
        await self._approach.stop()
        self._journal.close()

    def _perform(self, effect: Effect, number: int | None) -> None:
        match effect:
            case Hold() | Switch():
                self.panel.put(effect)
            case _:
                self.uplink.perform(effect, number)

    def _switched(self, circuit: str, enabled: bool, fault: str | None) -> None:
        at_ms, mono_ms = clocks()
        self.runtime.post(
            Switched(at_ms=at_ms, mono_ms=mono_ms, circuit=circuit, enabled=enabled, fault=fault)
        )

    def _held(self, circuit: str, watts: int | None, fault: str | None) -> None:
        at_ms, mono_ms = clocks()
        self.runtime.post(
            Held(at_ms=at_ms, mono_ms=mono_ms, circuit=circuit, watts=watts, fault=fault)
        )

    def _may_be_held(self) -> list[str]:
        """What may be held by us; a site that only observes leaves all else alone."""
        lives, observes = self.memory.circuits.items(), self.spec.observes
        held = [id for id, live in lives if live.held_w is not None or not observes]
        return [*held, *self.memory.leaving]

    def _look(self) -> None:
        self.telemetry.look()

    def _use(self, spec: Spec) -> None:
        self._sim.use(spec)
        self.panel.use(dict.fromkeys(spec.circuits, self._sim))
        if self._stand_in is not None:
            self._stand_in.use(spec)
        self.uplink.use(spec)


async def serve(spec: Spec, text: str, options: Options) -> None:
    """Run a site, `text` as read, until SIGTERM or SIGINT. Raises `CannotStart`."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with AsyncExitStack() as last, AsyncExitStack() as stack:
        lock = claim(options.folder)
        last.callback(lock.close)
        endpoint, stand_in = _endpoint(spec, options)
        if stand_in is not None:
            stack.callback(stand_in.cloud.stop)
        controller = Controller(spec, options, endpoint, stand_in)
        stack.push_async_callback(controller.stop)
        await controller.start()
        loop.add_signal_handler(signal.SIGHUP, controller.editing.on_hangup)
        secret = token(options.folder)
        web = await _serve_page(controller, options, secret, stack)
        said = {
            "ven_id": spec.site.id,
            "file": str(options.file.resolve()),
            "pid": os.getpid(),
            "web": web,
            "mqtt": f"{endpoint.host}:{endpoint.port}",
            "data": None,
            **(stand_in.addresses() if stand_in else {}),
        }
        keep_in_force(options.folder, options.file, text)
        last.callback(forget_in_force, options.folder)
        mine = options.folder / "controller.json"
        announce(mine, said)
        stack.callback(mine.unlink, missing_ok=True)
        if options.ready_file is not None:
            announce(options.ready_file, said)
        await controller.uplink.tried(CONNECT_S)
        _greet(spec, options, said, secret, controller.link)
        await stopping.wait()


def _endpoint(spec: Spec, options: Options) -> tuple[Endpoint, StandIn | None]:
    beside, ven_id = options.file.resolve().parent, spec.site.id
    if spec.cloud.kind == "local":
        ports = Ports(options.mqtt_port, options.data_port)
        stand_in = stand_in_of(spec, beside, options.folder / "cloud", ports)
        cert, key, ca = stand_in.files_of_device()
        where = plain("127.0.0.1", stand_in.cloud.mqtt_port, ven_id)
        return replace(where, cert=cert, key=key, ca=ca), stand_in
    try:
        return declared(spec.cloud, beside, ven_id), None
    except Wrong as wrong:
        raise CannotStart(str(wrong)) from None


async def _serve_page(
    controller: Controller, options: Options, secret: str, stack: AsyncExitStack
) -> str:
    host, _, named = controller.spec.web.listen.rpartition(":")
    host = host.strip("[]")
    listening = _bound(host, int(named) if options.port is None else options.port)
    port = listening.getsockname()[1]
    access = access_for(host, port, controller.spec.web.hostnames, os.environ, secret)
    app = make_app(controller, access)
    runner = AppRunner(
        app, access_log=None, keepalive_timeout=15, lingering_time=1, shutdown_timeout=1
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await SockSite(runner, listening).start()
    return f"{host}:{port}"


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise CannotStart(
            f"the page cannot listen on {host}:{port}: {error.strerror}{who_has(port)}; "
            "--port takes another"
        ) from None
    return listening


def _greet(
    spec: Spec, options: Options, said: Mapping[str, Any], secret: str, link: LinkView
) -> None:
    if options.as_json:
        more = {"link": link.state, "detail": link.detail, "state": str(options.folder)}
        print(json.dumps({**said, **more}), flush=True)
        return
    name = spec.site.name or spec.site.id
    print(f"venctl   {name} ({spec.site.id}), {len(spec.circuits)} circuits")
    print(f"page     http://{said['web']}")
    codespace = os.environ.get("CODESPACE_NAME")
    domain = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    if codespace and domain:
        port = said["web"].rpartition(":")[2]
        print(f"         https://{codespace}-{port}.{domain}/#token={secret}")
    elif not said["web"].startswith(("127.0.0.1:", "::1:", "localhost:")):
        print(f"         http://{said['web']}/#token={secret}")
    print(f"broker   {said['mqtt']}, {link.state}" + (f": {link.detail}" if link.detail else ""))
    if said["data"]:
        scheme = "https" if "tls" in said else "http"
        print(f'shadow   {scheme}://{said["data"]} (eval "$(venctl env)", then aws iot-data ...)')
    print(f"state    {options.folder}", flush=True)


def _boot() -> str:
    """Tells this run of the machine from others; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
