"""Tests the connection from this machine to the shadow, step by step, until one step fails."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from statemachine import Spec

from ..folder.state_folder import Running
from ..link.endpoint import LOOPBACK, Endpoint, declared_endpoint, stand_in_endpoint
from ..link.tls import SOON_S, ConfigProblem, check_files, uses_tls, utc
from ..reach.preflight import handshake, open_port, resolve_addresses
from .probes import OwnConnection, Probe, RunningController


@dataclass(frozen=True, slots=True)
class Subject:
    """What to examine. `running` and the `state` it reports are None if no controller runs."""

    spec: Spec
    file: Path
    folder: Path
    running: Running | None
    state: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of one step: success, duration, what was found and what to do."""

    step: str
    ok: bool
    took_ms: float
    said: str
    advice: str


class Examination:
    """One run of all steps. A step returns what it found, or raises `ConfigProblem`."""

    def __init__(self, case: Subject) -> None:
        self.case = case
        self.witness: Probe | None = None

    def files(self) -> str:
        """The files on this machine: ven.yaml, certificate, key, CA, password."""
        case = self.case
        if case.spec.cloud.kind == "local":
            return str(case.file)
        folder = case.file.resolve().parent
        self.endpoint = declared_endpoint(case.spec.cloud, folder, case.spec.site.id)
        dates = check_files(self.endpoint)
        if dates is None:
            return str(case.file)
        left_s = dates.ends_s - time.time()
        soon = f" ({left_s // 86_400:.0f} days left)" if left_s < SOON_S else ""
        return f"{case.file}; the client certificate is valid until {utc(dates.ends_s)}{soon}"

    def controller(self) -> str:
        """Which client id to use: a second connection with the same id disconnects the first."""
        spec, state = self.case.spec, self.case.state
        if spec.cloud.kind == "local":
            self.endpoint = self._stand_in()
        if state is not None and spec.cloud.kind == "aws":
            self.witness = RunningController(spec, state, self.case.folder / "journal.db")
            return "is running; the steps from `connect` on report its connection"
        me = self.endpoint
        if spec.cloud.kind != "aws":
            me = replace(me, client_id=f"venctl-doctor-{secrets.token_hex(3)}", session_s=0)
        served = state is not None or spec.cloud.shadow != "serve"
        self.witness = OwnConnection(spec, me, served)
        who = "is running" if state is not None else "is not running"
        return f"{who}; doctor connects as {me.client_id}"

    def _stand_in(self) -> Endpoint:
        if self.case.running is None:
            problem = "is not running, and it provides the stand-in for the cloud"
            advice = "start it with `venctl run`, then run `venctl doctor` again"
            raise ConfigProblem(problem, advice)
        return stand_in_endpoint(
            self.case.running.mqtt, self.case.running.tls, self.case.spec.site.id
        )

    def dns(self) -> str:
        """The addresses of the broker's host name."""
        return ", ".join(resolve_addresses(self.endpoint))

    def tcp(self) -> str:
        """Whether the port is open."""
        with open_port(self.endpoint):
            return f"{self.endpoint.host}:{self.endpoint.port} is open"

    def tls(self) -> str:
        """Whether both sides accept each other's certificate."""
        if not uses_tls(self.endpoint):
            bare = self.endpoint.password and self.endpoint.host not in LOOPBACK
            return "none" + (
                ", so the password is sent unencrypted; set `ca` to use TLS" if bare else ""
            )
        with open_port(self.endpoint) as plain:
            greeting = handshake(self.endpoint, plain)
        ends = utc(greeting.dates.ends_s)
        return f"{greeting.version}; the broker's certificate is valid until {ends}"

    async def connect(self) -> str:
        """Whether the broker accepts our connection."""
        return await self._witness.connect()

    async def subscribe(self) -> str:
        """Whether we may receive commands and the shadow's answers."""
        return await self._witness.subscribe()

    async def publish(self) -> str:
        """Whether we may publish acks and status."""
        return await self._witness.publish()

    async def shadow(self) -> str:
        """Whether the shadow answers a GET."""
        return await self._witness.shadow()

    async def clock(self) -> str:
        """How much this machine's clock differs from the shadow's."""
        return await self._witness.clock()

    @property
    def _witness(self) -> Probe:
        assert self.witness is not None
        return self.witness


STEPS: tuple[Callable[[Examination], str] | Callable[[Examination], Awaitable[str]], ...] = (
    Examination.files,
    Examination.controller,
    Examination.dns,
    Examination.tcp,
    Examination.tls,
    Examination.connect,
    Examination.subscribe,
    Examination.publish,
    Examination.shadow,
    Examination.clock,
)


async def examine(case: Subject) -> AsyncIterator[StepResult]:
    """Run every step, up to and including the first that fails."""
    visit = Examination(case)
    try:
        for step in STEPS:
            began = time.monotonic()
            try:
                text, advice, ok = await _taken(step, visit), "", True
            except ConfigProblem as wrong:
                text, advice, ok = wrong.said, wrong.advice, False
            took_ms = (time.monotonic() - began) * 1000
            yield StepResult(step.__name__, ok, round(took_ms, 1), text, advice)
            if not ok:
                return
    finally:
        if visit.witness is not None:
            await visit.witness.leave()


async def _taken(step: Callable[[Examination], Any], visit: Examination) -> str:
    if asyncio.iscoroutinefunction(step):
        return str(await step(visit))
    return str(await asyncio.to_thread(step, visit))
