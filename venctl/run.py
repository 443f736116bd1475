"""Runs one site with its lock, store, controller and page until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp.web import SockSite

from statemachine import Spec
from web.alarms import alarm_list
from web.app import access_for, make_app
from web.http.server import Runner

from .base.background_files import BackgroundFiles
from .base.ports import port_user_text
from .base.worker import ThreadWorker
from .controller import Controller, Options
from .folder.claim import Claim
from .folder.site_token import Token, site_token, temporary_token
from .folder.state_folder import IN_FORCE
from .greeting import addresses, lines
from .health.notify import Notify
from .link.endpoint import Endpoint, declared_endpoint, plain_endpoint
from .link.tls import ConfigProblem
from .standin.start import CannotStart, Ports, StandIn, stand_in_of
from .store.start import open_store

CONNECT_S = 1.0
NOTE_S = 1.0


async def serve(spec: Spec, text: str, options: Options) -> None:
    """Run a site until SIGTERM or SIGINT; `text` is its file. Raises `CannotStart`,
    `StateFolderInUse`.
    """
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with AsyncExitStack() as last, AsyncExitStack() as stack:
        claim = Claim(options.folder)
        last.callback(claim.close)
        store = await open_store(spec, options.folder)
        last.callback(store.notes.remove, options.folder / IN_FORCE)
        endpoint, stand_in = _endpoint(spec, options)
        if stand_in is not None:
            stack.callback(stand_in.cloud.stop)
        controller = Controller(spec, options, endpoint, stand_in, store, Notify(os.environ))
        stack.push_async_callback(controller.stop)
        await controller.start(claim)
        loop.add_signal_handler(signal.SIGHUP, controller.editing.on_hangup)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        token = await store.notes.run(
            partial(site_token, options.folder), NOTE_S, partial(temporary_token, options.folder)
        )
        web = await _serve_page(controller, options, token[0], stack)
        info = {
            "ven_id": spec.site.id,
            "file": str(options.file.resolve()),
            "pid": os.getpid(),
            "web": web,
            "mqtt": f"{endpoint.host}:{endpoint.port}",
            "data": None,
            **(stand_in.addresses() if stand_in else {}),
        }
        controller.editing.note(text)
        mine = options.folder / "controller.json"
        stack.callback(store.notes.remove, mine)
        await _noted(store.notes, mine, info)
        if (
            options.ready_file is not None
        ):  # it may be on another disk, so a faulty one delays nothing else
            await _noted(BackgroundFiles(ThreadWorker("ready file")), options.ready_file, info)
        controller.watchdog.started()
        await controller.uplink.note_attempt(CONNECT_S)
        _greet(spec, options, info, token, controller)
        await stopping.wait()
        controller.watchdog.stopping()


async def _noted(notes: BackgroundFiles, file: Path, info: Mapping[str, Any]) -> None:
    notes.write(file, json.dumps(info) + "\n")
    await notes.written(file, NOTE_S)


def _endpoint(spec: Spec, options: Options) -> tuple[Endpoint, StandIn | None]:
    beside, ven_id = options.file.resolve().parent, spec.site.id
    if spec.cloud.kind == "local":
        ports = Ports(options.mqtt_port, options.data_port)
        stand_in = stand_in_of(spec, beside, options.folder / "cloud", ports)
        cert, key, ca = stand_in.files_of_device()
        where = plain_endpoint("127.0.0.1", stand_in.cloud.mqtt_port, ven_id)
        return replace(where, cert=cert, key=key, ca=ca), stand_in
    try:
        return declared_endpoint(spec.cloud, beside, ven_id), None
    except ConfigProblem as wrong:
        raise CannotStart(str(wrong)) from None


async def _serve_page(
    controller: Controller, options: Options, secret: str, stack: AsyncExitStack
) -> str:
    host, _, named = controller.spec.web.listen.rpartition(":")
    host = host.strip("[]")
    listening = _bound(host, int(named) if options.port is None else options.port)
    port = listening.getsockname()[1]
    web = controller.spec.web
    access = access_for(host, port, web.hostnames, os.environ, secret, web.listen)
    runner = Runner(make_app(controller, access), shutdown_s=1)
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
            f"the page cannot listen on {host}:{port}: {error.strerror}{port_user_text(port)}; "
            "choose another with --port"
        ) from None
    return listening


def _greet(
    spec: Spec, options: Options, info: Mapping[str, Any], token: Token, controller: Controller
) -> None:
    link, alarms = controller.link, alarm_list(controller.memory)
    secret, replaced = token
    pages = addresses(info["web"], spec.web.hostnames, os.environ)
    if options.as_json:
        more: dict[str, Any] = {"link": link.state, "detail": link.detail, "pages": pages}
        more["state"] = str(options.folder)
        more |= {"token": replaced} if replaced else {}
        print(json.dumps({**info, **more}), flush=True)
        return
    name = spec.site.name or spec.site.id
    print(f"venctl   {name} ({spec.site.id}), {len(spec.circuits)} circuits")
    print("\n".join(lines(info["web"], pages, secret)))
    if replaced:
        print(f"token    {replaced}")
    print(f"broker   {info['mqtt']}, {link.state}" + (f": {link.detail}" if link.detail else ""))
    if info["data"]:
        scheme = "https" if "tls" in info else "http"
        print(f'shadow   {scheme}://{info["data"]} (eval "$(venctl env)", then aws iot-data ...)')
    wrong = [f"ALARM    {alarm['text']}; {alarm['do']}" for alarm in alarms]
    print("\n".join([f"state    {options.folder}", *wrong]))
    sys.stdout.flush()
