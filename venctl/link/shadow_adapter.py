"""Turns messages of the shadows into triggers, and the core's effects into requests."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from awscrt import mqtt5

from statemachine.shadow.wishes import acked_ids, read_desired
from statemachine.site.named_shadows import circuits_by_shadow
from statemachine.site.spec import Spec
from statemachine.state import cloud_triggers as t
from statemachine.state.effects import GetShadow, Report
from statemachine.state.triggers import Trigger

from ..base.clocks import clocks
from .shadow_client import (
    ShadowClient,
    ShadowDelta,
    ShadowDocument,
    ShadowRejected,
    UpdateAccepted,
    service_over,
)

log = logging.getLogger(__name__)


class ShadowAdapter:
    """All shadows of one site over one client. Call from the loop only."""

    def __init__(
        self,
        spec: Spec,
        client: mqtt5.Client,
        post: Callable[[Trigger], None],
        service: Callable[[mqtt5.Client], Any] = service_over,
    ) -> None:
        self._spec, self._post = spec, post
        self._twin = ShadowClient(client, spec.site.id, self._hear, service)

    def open(self) -> None:
        """Receive deltas from now on."""
        self._twin.open(circuits_by_shadow(self._spec))

    def use(self, spec: Spec) -> None:
        """Use a changed ven.yaml: receive deltas of the shadows that it needs."""
        self._spec = spec
        self.open()

    def follow(self, client: mqtt5.Client) -> None:
        """Use another client from now on."""
        self._twin.follow(client)

    def close(self) -> None:
        """Stop receiving deltas."""
        self._twin.close()

    async def perform(self, effect: GetShadow | Report) -> None:
        """Send the request and post the answer, which may be a refusal or a timeout."""
        answer = await self._ask(effect)
        if isinstance(answer, t.Refused):
            key = answer.key or "classic"
            log.info("shadow %s: request refused: %s %s", key, answer.code, answer.message)
        self._post(answer)

    async def _ask(self, effect: GetShadow | Report) -> t.Document | t.Answered | t.Refused:
        if isinstance(effect, GetShadow):
            document = await self._twin.get(effect.key)
            return document_trigger(effect, document, *clocks())
        answer = await self._twin.update(
            effect.key,
            reported=effect.reported,
            clear_desired=effect.clears,
            version=effect.version,
        )
        return update_trigger(effect, answer, *clocks())

    def _hear(self, key: str, delta: ShadowDelta) -> None:
        self._post(delta_trigger(key, delta, *clocks()))


def delta_trigger(key: str, delta: ShadowDelta, at_ms: int, mono_ms: int) -> t.Delta:
    """A delta as a trigger."""
    return t.Delta(
        at_ms=at_ms,
        mono_ms=mono_ms,
        key=key,
        version=delta.version,
        server_s=delta.timestamp_s,
        **read_desired(delta.state, delta.metadata),
    )


def document_trigger(
    request: GetShadow, answer: ShadowDocument | ShadowRejected, at_ms: int, mono_ms: int
) -> t.Document | t.Refused:
    """The answer to a GET, as a trigger."""
    if isinstance(answer, ShadowRejected):
        return _refused(request, answer, at_ms, mono_ms)
    return t.Document(
        at_ms=at_ms,
        mono_ms=mono_ms,
        key=request.key,
        token=request.token,
        version=answer.version,
        server_s=answer.timestamp_s,
        acked=acked_ids(answer.reported),
        **read_desired(answer.desired, answer.desired_metadata),
    )


def update_trigger(
    report: Report, answer: UpdateAccepted | ShadowRejected, at_ms: int, mono_ms: int
) -> t.Answered | t.Refused:
    """The answer to an update, as a trigger."""
    if isinstance(answer, ShadowRejected):
        return _refused(report, answer, at_ms, mono_ms)
    return t.Answered(
        at_ms=at_ms,
        mono_ms=mono_ms,
        key=report.key,
        token=report.token,
        settles=report.settles,
        version=answer.version,
        server_s=answer.timestamp_s,
    )


def _refused(
    request: GetShadow | Report, answer: ShadowRejected, at_ms: int, mono_ms: int
) -> t.Refused:
    return t.Refused(
        at_ms=at_ms,
        mono_ms=mono_ms,
        key=request.key,
        token=request.token,
        code=answer.code,
        message=answer.message,
    )
