"""Connects to the cloud, and explains why that fails for as long as it does."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path

from statemachine import Spec

from ..base.worker import run_in_thread
from ..health.tasks import Tasks
from ..link.endpoint import Endpoint
from ..link.tls import ConfigProblem, check_usable
from ..link.uplink import Uplink
from .preflight import preflight
from .shadow_server import shadow_server_for

log = logging.getLogger(__name__)
ASK_AGAIN_S = 60
FILES_AGAIN_S = 5


class ConnectionSupervisor:
    """Checks the connection before the first attempt, and each minute while the link is down.

    Findings appear on the page and in the log. None of them stops the attempts, except a
    certificate or key that cannot be used: the site runs on and tries again until it can be.
    """

    def __init__(
        self, spec: Spec, endpoint: Endpoint, folder: Path, uplink: Uplink, tasks: Tasks
    ) -> None:
        self._near = spec.cloud.kind == "local"
        self._endpoint, self._uplink, self._tasks = endpoint, uplink, tasks
        self._keeper = shadow_server_for(spec, endpoint, folder)
        self._hindrance = ""
        self._gone = False

    async def run(self) -> None:
        """Connect, then keep checking."""
        while not self._gone:
            self._gone = await self._set_out()
            if not self._gone:
                await asyncio.sleep(FILES_AGAIN_S)
        while not self._near:
            await asyncio.sleep(ASK_AGAIN_S)
            if self._uplink.view().state != "connected":
                await self._explain()

    async def stop(self) -> None:
        """Disconnect; call once `run` is cancelled."""
        await self._uplink.stop()
        if self._keeper is not None:
            await self._keeper.stop()

    async def _set_out(self) -> bool:
        try:
            check_usable(self._endpoint)
            if not self._near:
                await self._explain()
            if self._keeper is not None:
                self._keeper.start(self._tasks)
            self._uplink.start()
        except (ConfigProblem, OSError, RuntimeError) as error:
            if (wrong := str(error)) != self._hindrance:
                log.error("cannot connect to the broker: %s", wrong)
                self._uplink.note_obstacle(wrong)
            self._hindrance = wrong
            return False
        return True

    async def _explain(self) -> None:
        try:
            wrong = await run_in_thread("preflight", partial(preflight, self._endpoint))
        except Exception:
            log.exception("the connection to the broker could not be checked")
            return
        if wrong and wrong != self._uplink.view().detail:
            log.warning("the broker cannot be reached: %s", wrong)
        self._uplink.explain(wrong)
