"""Starts the stand-in for AWS IoT for `venctl run` and `venctl cloud`: ports, identities."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.policy import documents
from ..base.ports import port_user_text
from ..base.private_files import read_text, write_private
from ..folder.claim import Claim
from .broker.policy_rights import Document, PolicyError, read_policy
from .server import DeviceIdentity, PortInUse, StandInServer, TlsContexts

if TYPE_CHECKING:
    from statemachine import Spec

    from .certificates import Identities

log = logging.getLogger(__name__)
MQTT_PORT, DATA_PORT, TLS_PORT = 1883, 8090, 8883


class CannotStart(Exception):
    """The program cannot start; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports from the command line. None means the default, or a free port if that is in use."""

    mqtt: int | None
    data: int | None


@dataclass(frozen=True, slots=True)
class StandIn:
    """The running stand-in. `who` has the identities to connect with, if it uses TLS."""

    cloud: StandInServer
    who: Identities | None

    def files_of_device(self) -> tuple[Path, Path, Path] | tuple[None, None, None]:
        """Certificate, key and CA of the VEN."""
        if self.who is None:
            return None, None, None
        return self.who.device.cert, self.who.device.key, self.who.ca

    def use(self, spec: Spec) -> None:
        """Allow the VEN what the changed site needs, unless ven.yaml names a policy."""
        if spec.cloud.policy is None:
            self.cloud.hold(documents(spec, "local", "000000000000"))

    def addresses(self) -> dict[str, Any]:
        """The addresses for a ready file. `tls` has the files that an operator connects with."""
        addresses: dict[str, Any] = {
            "mqtt": f"127.0.0.1:{self.cloud.mqtt_port}",
            "data": f"127.0.0.1:{self.cloud.data_port}",
        }
        if self.who is not None:
            files = {
                "ca": self.who.ca,
                "cert": self.who.operator.cert,
                "key": self.who.operator.key,
            }
            addresses["tls"] = {name: str(file.resolve()) for name, file in files.items()}
        return addresses


def stand_in_of(spec: Spec, beside: Path, folder: Path, ports: Ports) -> StandIn:
    """Start the stand-in of a site, with a policy for its VEN. Raises `CannotStart`.

    The policy is the one that `venctl aws policy` prints, or the one that ven.yaml names.
    """
    named = spec.cloud.policy
    held = (
        documents(spec, "local", "000000000000")
        if named is None
        else _policy(beside / named, named)
    )
    return start(folder, ports, bool(spec.cloud.tls), DeviceIdentity(spec.site.id, held))


def _policy(file: Path, named: str) -> list[Document]:
    advice = "correct `policy`, or remove it to use the one that `venctl aws policy` prints"
    try:
        return read_policy(read_text(file), named)
    except OSError as error:
        raise CannotStart(f"the policy {file} cannot be read: {error.strerror}; {advice}") from None
    except PolicyError as fault:
        raise CannotStart(f"the policy cannot be used: {fault}; {advice}") from None


def start(folder: Path, ports: Ports, tls: bool, device: DeviceIdentity | None) -> StandIn:
    """Start the stand-in, with its state in `folder`. Raises `CannotStart`."""
    who, contexts = _identities(folder) if tls else (None, None)
    wanted = {
        "mqtt": (TLS_PORT if tls else MQTT_PORT) if ports.mqtt is None else ports.mqtt,
        "data": DATA_PORT if ports.data is None else ports.data,
    }
    for _ in range(3):
        try:
            cloud = StandInServer.start(
                mqtt_port=wanted["mqtt"], data_port=wanted["data"],
                folder=folder, device=device, tls=contexts,
            )  # fmt: skip
        except PortInUse as taken:
            if (ports.mqtt if taken.what == "mqtt" else ports.data) is not None:
                raise CannotStart(_taken(taken)) from None
            print(f"port {taken.port} is in use; using a free one instead", file=sys.stderr)
            wanted[taken.what] = 0
        else:
            return StandIn(cloud, who)
    raise CannotStart(
        "no free port was found for the stand-in; choose one with --mqtt-port or --data-port"
    )


def _identities(folder: Path) -> tuple[Identities, TlsContexts]:
    from . import certificates  # imported here because it loads slowly

    mine = folder / "tls"
    try:
        folder.mkdir(exist_ok=True)
        who = certificates.identities(mine, datetime.now(UTC))
        return who, certificates.contexts(who)
    except OSError as error:
        raise CannotStart(
            "the stand-in cannot use TLS: it has no certificates and cannot create them in "
            f"{mine}: {error.strerror or error}; make that folder writable, or remove `tls`"
        ) from None


async def serve_alone(folder: Path, ports: Ports, tls: bool, ready_file: Path | None) -> None:
    """Run the stand-in without a VEN until SIGTERM or SIGINT. Raises `CannotStart`,
    `StateFolderInUse`.
    """
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    with ExitStack() as stack:
        stack.callback(Claim(folder).close)
        stand_in = start(folder, ports, tls, None)
        stack.callback(stand_in.cloud.stop)
        info = {"pid": os.getpid(), **stand_in.addresses()}
        if ready_file is not None:
            _announce(ready_file, info)
        print("\n".join(_lines(info, folder)), flush=True)
        await stopping.wait()


def _announce(file: Path, info: Mapping[str, Any]) -> None:
    try:
        write_private(file, json.dumps(info) + "\n")
    except OSError as error:
        log.error("%s cannot be written: %s; the stand-in runs anyway", file, error)


def _lines(info: Mapping[str, Any], folder: Path) -> list[str]:
    tls = info.get("tls")
    scheme = "https" if tls else "http"
    lines = [f"broker   {info['mqtt']}", f"shadow   {scheme}://{info['data']}"]
    if tls:
        lines += [f"{name:<8} {file}" for name, file in tls.items()]
    return [*lines, f"state    {folder}"]


def _taken(taken: PortInUse) -> str:
    flag = f"--{taken.what}-port"
    return f"port {taken.port} is in use{port_user_text(taken.port)}; choose another with {flag}"
