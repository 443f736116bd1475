"""Serves the shadow of one thing on a broker without a shadow service, as an MQTT client."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from statemachine import Spec

from ..base.worker import run_in_thread
from ..health.tasks import Tasks
from ..link.endpoint import Endpoint
from ..link.link import Denied, Link, Message, News, SendFailed, SendRefused
from ..standin.shadow.documents import dumps
from ..standin.shadow.service import ShadowService
from ..standin.shadow.store import ShadowStore
from ..standin.shadow.topics import messages_about

log = logging.getLogger(__name__)
OPERATIONS = ("get", "update", "delete")


def shadow_server_for(spec: Spec, endpoint: Endpoint, folder: Path) -> ShadowServer | None:
    """The shadow server of a site that says `shadow: serve`; None for other sites."""
    if spec.cloud.kind != "mqtt" or not spec.cloud.has_shadow:
        return None
    return ShadowServer(endpoint, spec.site.id, folder / "shadows.db")


class ShadowServer:
    """Answers get, update and delete on `$aws/things/{thing}/shadow`, classic and named.

    A request is committed to `file` before it is acknowledged, and acknowledged before it is
    answered: if the broker sends it again, an old request cannot become a new one. Nothing waits
    for a faulty disk; everything is written once it works again. Requests made while this client
    was away wait in the broker's session, for an hour at most. Retained messages are not requests.
    """

    def __init__(self, endpoint: Endpoint, thing: str, file: Path) -> None:
        prefix = f"$aws/things/{thing}/shadow"
        roots = (prefix, f"{prefix}/name/+")
        topics = [f"{root}/{operation}" for root in roots for operation in OPERATIONS]
        self._store = ShadowStore(file, asyncio.get_running_loop().call_soon_threadsafe)
        self._service = ShadowService(self._store, time.time)
        self._me = replace(endpoint, client_id=f"{endpoint.client_id}-shadow")
        self._topics = topics
        self._link: Link | None = None
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    def start(self, tasks: Tasks) -> None:
        """Connect, and start the work in `tasks`. Raises like `Link`; may then be called again."""
        if self._link is None:
            self._link = Link(self._me, self._topics, None, self._hear)
            tasks.start("the shadow server", self._answer)
            tasks.start("the shadow server's answers", partial(self._speak, self._link))
            self._link.start()

    async def stop(self) -> None:
        """Stop, which takes about a second; every shadow is then on disk, unless the disk fails.

        Call once its tasks are stopped.
        """
        if self._link is not None:
            await self._link.stop()
        await run_in_thread("closes shadows", self._store.close)

    def _hear(self, news: News) -> None:
        match news:
            case Message(topic, _, puback, stored=True):
                puback()
                log.warning("ignored a retained message on %s; delete it from the broker", topic)
            case Message():
                self._asked.put_nowait(news)
            case Denied(topic, why):
                log.warning(
                    "the shadow cannot be served: the broker refuses a subscription to %s: %s",
                    topic,
                    why,
                )

    async def _answer(self) -> None:
        await self._store.opened()
        while True:
            message = await self._asked.get()
            try:
                answers = messages_about(self._service, message.topic, message.payload)
            except Exception:  # one bad request must not affect the next
                log.exception("a request to the shadow on %s could not be handled", message.topic)
                answers = []
            await self._store.settled()
            message.puback()
            for topic, body in answers:
                self._answers.put_nowait((topic, dumps(body)))

    async def _speak(self, link: Link) -> None:
        while True:
            topic, payload = await self._answers.get()
            try:
                await link.publish(topic, payload)
            except SendFailed as error:
                log.debug("an answer on %s was not sent: %s", topic, error)
            except SendRefused as error:
                log.warning("the shadow server cannot answer: %s", error)
