"""Walks from this machine to the shadow, one step after the other, and says where the way ends."""

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
from ..link.endpoint import LOOPBACK, Endpoint, declared, stand_in
from ..link.tls import SOON_S, Wrong, check_files, secured, utc
from ..reach.preflight import addresses, greet, open_port
from .probes import Visitor, Witness, Word


@dataclass(frozen=True, slots=True)
class Case:
    """What is examined. `running` and `state`, what it says of itself: None where none runs."""

    spec: Spec
    file: Path
    folder: Path
    running: Running | None
    state: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One step: whether it went well, how long it took, what was found and what to do."""

    step: str
    ok: bool
    took_ms: float
    said: str
    advice: str


class Visit:
    """One walk. A step answers with what it found, or raises `Wrong`."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.witness: Witness | None = None

    def files(self) -> str:
        """What is on this disk: ven.yaml, certificate, key, CA, password."""
        case = self.case
        if case.spec.cloud.kind == "local":
            return str(case.file)
        folder = case.file.resolve().parent
        self.endpoint = declared(case.spec.cloud, folder, case.spec.site.id)
        dates = check_files(self.endpoint)
        if dates is None:
            return str(case.file)
        left_s = dates.ends_s - time.time()
        soon = f" (in {left_s // 86_400:.0f} days)" if left_s < SOON_S else ""
        return f"{case.file}, our certificate holds until {utc(dates.ends_s)}{soon}"

    def controller(self) -> str:
        """Whose name we go by: a second connection by one name cuts off the first."""
        spec, state = self.case.spec, self.case.state
        if spec.cloud.kind == "local":
            self.endpoint = self._stand_in()
        if state is not None and spec.cloud.kind == "aws":
            self.witness = Word(spec, state, self.case.folder / "journal.db")
            return "runs, and keeps its connection: from `connect` on this is its word"
        me = self.endpoint
        if spec.cloud.kind != "aws":
            me = replace(me, client_id=f"venctl-doctor-{secrets.token_hex(3)}", session_s=0)
        served = state is not None or spec.cloud.shadow != "serve"
        self.witness = Visitor(spec, me, served)
        who = "runs" if state is not None else "none runs"
        return f"{who}; we go by the name of {me.client_id}"

    def _stand_in(self) -> Endpoint:
        if self.case.running is None:
            said = "none runs, and the stand-in for the cloud is part of it"
            raise Wrong(said, "start it with `venctl run` and ask again")
        return stand_in(self.case.running.mqtt, self.case.running.tls, self.case.spec.site.id)

    def dns(self) -> str:
        """Where the broker's name leads."""
        return ", ".join(addresses(self.endpoint))

    def tcp(self) -> str:
        """Whether the port is open."""
        with open_port(self.endpoint):
            return f"{self.endpoint.host}:{self.endpoint.port} is open"

    def tls(self) -> str:
        """Whether both ends take each other's certificate."""
        if not secured(self.endpoint):
            bare = self.endpoint.password and self.endpoint.host not in LOOPBACK
            return "none" + (", so the password travels in clear; give `ca`" if bare else "")
        with open_port(self.endpoint) as plain:
            greeting = greet(self.endpoint, plain)
        return f"{greeting.version}, its certificate holds until {utc(greeting.dates.ends_s)}"

    async def connect(self) -> str:
        """Whether the broker lets us in."""
        return await self._witness.connect()

    async def subscribe(self) -> str:
        """Whether we may hear commands, and the shadow's answers."""
        return await self._witness.subscribe()

    async def publish(self) -> str:
        """Whether we may answer."""
        return await self._witness.publish()

    async def shadow(self) -> str:
        """Whether the shadow answers a GET."""
        return await self._witness.shadow()

    async def clock(self) -> str:
        """How far this machine's clock is from the shadow's."""
        return await self._witness.clock()

    @property
    def _witness(self) -> Witness:
        assert self.witness is not None
        return self.witness


STEPS: tuple[Callable[[Visit], str] | Callable[[Visit], Awaitable[str]], ...] = (
    Visit.files,
    Visit.controller,
    Visit.dns,
    Visit.tcp,
    Visit.tls,
    Visit.connect,
    Visit.subscribe,
    Visit.publish,
    Visit.shadow,
    Visit.clock,
)


async def examine(case: Case) -> AsyncIterator[Finding]:
    """Every step up to the first that fails."""
    visit = Visit(case)
    try:
        for step in STEPS:
            began = time.monotonic()
            try:
                said, advice, ok = await _taken(step, visit), "", True
            except Wrong as wrong:
                said, advice, ok = wrong.said, wrong.advice, False
            took_ms = (time.monotonic() - began) * 1000
            yield Finding(step.__name__, ok, round(took_ms, 1), said, advice)
            if not ok:
                return
    finally:
        if visit.witness is not None:
            await visit.witness.leave()


async def _taken(step: Callable[[Visit], Any], visit: Visit) -> str:
    if asyncio.iscoroutinefunction(step):
        return str(await step(visit))
    return str(await asyncio.to_thread(step, visit))
