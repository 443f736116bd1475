"""The site's shadows: documents, updates and deltas over the AWS SDK's IotShadowClientV2."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from awscrt import mqtt5
from awscrt import mqtt_request_response as rr
from awsiot import ServiceStreamOptions, V2ServiceException, iotshadow

log = logging.getLogger(__name__)

OPERATION_TIMEOUT_S = 5
ANSWERS, DELTAS = 8, 40  # subscriptions at a time, of the 50 that AWS grants to one connection
NO_SHADOW, UNAVAILABLE, TIMED_OUT = 404, 503, 504
TIMEOUT_NAME = "AWS_ERROR_MQTT_REQUEST_RESPONSE_TIMEOUT"
# The link was lost before the broker acknowledged the request.
LOST_NAME = "AWS_ERROR_MQTT_REQUEST_RESPONSE_PUBLISH_FAILURE"


@dataclass(frozen=True, slots=True)
class ShadowDocument:
    """The whole shadow. A thing without one has version 0 and empty sections.

    `desired_metadata` mirrors `desired`, each leaf `{"timestamp": epoch seconds}`.
    """

    version: int
    desired: Mapping[str, Any]
    desired_metadata: Mapping[str, Any]
    reported: Mapping[str, Any]
    timestamp_s: int | None


@dataclass(frozen=True, slots=True)
class UpdateAccepted:
    """An update was accepted and created this version."""

    version: int
    timestamp_s: int | None


@dataclass(frozen=True, slots=True)
class ShadowRejected:
    """The service's code and text; 504 if no answer came in time, 503 if the request failed.

    A link lost after the request was sent is a 504, because the service may have received it.
    """

    code: int
    message: str


UNREADABLE = ShadowRejected(UNAVAILABLE, "the answer of the shadow service could not be read")


@dataclass(frozen=True, slots=True)
class ShadowDelta:
    """Everything in `desired` that differs from `reported`; `metadata` mirrors `state`."""

    version: int
    state: Mapping[str, Any]
    metadata: Mapping[str, Any]
    timestamp_s: int | None


class ShadowClient:
    """The shadows of one thing, over a client that is started and stopped elsewhere.

    The name of the classic shadow is "". `hear` gets a shadow's name and a delta, on the loop. A
    delta may be lost while the link is down, so get the document after each connect. `service`
    creates the shadow service over a client. Call everything from the loop.
    """

    def __init__(
        self,
        client: mqtt5.Client,
        thing: str,
        hear: Callable[[str, ShadowDelta], None],
        service: Callable[[mqtt5.Client], Any] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._thing, self._hear = thing, hear
        self._streams: dict[str, Any] = {}
        self._over = service or service_over
        self._shadow = self._over(client)

    def open(self, names: Iterable[str]) -> None:
        """Also receive the deltas of these shadows, from now on and after every reconnect."""
        for name in names:
            if name not in self._streams:
                self._streams[name] = self._stream(name)
                self._streams[name].open()

    def follow(self, client: mqtt5.Client) -> None:
        """Use another client; requests over the previous one get no answer."""
        names, self._streams = list(self._streams), {}
        self._shadow = self._over(client)
        self.open(names)

    def close(self) -> None:
        """Stop receiving deltas; a delta on its way is dropped."""
        self._streams = {}

    async def get(self, name: str) -> ShadowDocument | ShadowRejected:
        """Get a document from the service; a 404 gives version 0, not a rejection."""
        answer = await _answer(self._get(name))
        match answer:
            case ShadowRejected(code) if code == NO_SHADOW:
                return ShadowDocument(0, {}, {}, {}, None)
            case ShadowRejected():
                return answer
        state, metadata = answer.state, answer.metadata
        document = ShadowDocument(
            version=answer.version,
            desired=(state and state.desired) or {},
            desired_metadata=(metadata and metadata.desired) or {},
            reported=(state and state.reported) or {},
            timestamp_s=_seconds(answer.timestamp),
        )
        sections = document.desired, document.desired_metadata, document.reported
        return document if _sound(document.version, *sections) else UNREADABLE

    async def update(
        self,
        name: str,
        *,
        reported: Mapping[str, object],
        clear_desired: Sequence[str],
        version: int | None,
    ) -> UpdateAccepted | ShadowRejected:
        """Merge `reported` (None deletes, at any depth) and remove `clear_desired` from desired.

        One request, all or nothing. With a `version`, only if the shadow still has it.
        """
        state = iotshadow.ShadowState(
            reported=dict(reported), desired=dict.fromkeys(clear_desired) or None
        )
        answer = await _answer(self._update(name, state, version))
        if isinstance(answer, ShadowRejected):
            return answer
        accepted = UpdateAccepted(answer.version, _seconds(answer.timestamp))
        return accepted if _sound(accepted.version) else UNREADABLE

    def _get(self, name: str) -> Any:
        if name:
            request = iotshadow.GetNamedShadowRequest(thing_name=self._thing, shadow_name=name)
            return self._shadow.get_named_shadow(request)
        return self._shadow.get_shadow(iotshadow.GetShadowRequest(thing_name=self._thing))

    def _update(self, name: str, state: Any, version: int | None) -> Any:
        fields = {"thing_name": self._thing, "state": state, "version": version}
        if name:
            request = iotshadow.UpdateNamedShadowRequest(shadow_name=name, **fields)
            return self._shadow.update_named_shadow(request)
        return self._shadow.update_shadow(iotshadow.UpdateShadowRequest(**fields))

    def _stream(self, name: str) -> Any:
        options = ServiceStreamOptions(
            incoming_event_listener=lambda event: self._on_delta(name, event),
            subscription_status_listener=_on_status,
            deserialization_failure_listener=_on_garbage,
        )
        if name:
            request = iotshadow.NamedShadowDeltaUpdatedSubscriptionRequest(
                thing_name=self._thing, shadow_name=name
            )
            return self._shadow.create_named_shadow_delta_updated_stream(request, options)
        request = iotshadow.ShadowDeltaUpdatedSubscriptionRequest(thing_name=self._thing)
        return self._shadow.create_shadow_delta_updated_stream(request, options)

    def _on_delta(self, name: str, event: Any) -> None:
        # On awscrt's thread; an exception here would be reported as a broken message.
        delta = ShadowDelta(
            event.version, event.state or {}, event.metadata or {}, _seconds(event.timestamp)
        )
        if not _sound(delta.version, delta.state, delta.metadata):
            log.warning("a shadow delta could not be read: %s", delta)
            return
        try:
            self._loop.call_soon_threadsafe(self._deliver, name, delta)
        except RuntimeError:
            log.debug("a delta was dropped because the loop is closed")

    def _deliver(self, name: str, delta: ShadowDelta) -> None:
        if name in self._streams:
            self._hear(name, delta)


def service_over(client: mqtt5.Client) -> iotshadow.IotShadowClientV2:
    """The shadow service over `client`."""
    options = rr.ClientOptions(
        max_request_response_subscriptions=ANSWERS,
        max_streaming_subscriptions=DELTAS,
        operation_timeout_in_seconds=OPERATION_TIMEOUT_S,
    )
    return iotshadow.IotShadowClientV2(client, options)


async def _answer(sent: Future[Any]) -> Any:
    """The SDK's response, or `ShadowRejected`. Shielded: the SDK fails on a cancelled future."""
    answer = asyncio.wrap_future(sent)
    answer.add_done_callback(_seen)
    try:
        return await asyncio.shield(answer)
    except V2ServiceException as refusal:
        if (error := refusal.modeled_error) is not None:
            return ShadowRejected(error.code, error.message or "")
        name = getattr(refusal.inner_error, "name", str(refusal.inner_error))
        return ShadowRejected(TIMED_OUT if name in (TIMEOUT_NAME, LOST_NAME) else UNAVAILABLE, name)


def _seen(answer: asyncio.Future[Any]) -> None:
    """Mark a failure as seen, even if nobody waits for it any longer."""
    if not answer.cancelled():
        answer.exception()


def _sound(version: object, *sections: object) -> bool:
    """Check types: the SDK passes on any JSON, from any client that may publish there."""
    return type(version) is int and all(isinstance(section, Mapping) for section in sections)


def _seconds(naive_local: Any) -> int | None:
    """Epoch seconds of the SDK's datetime, which is local time without a time zone."""
    return None if naive_local is None else int(naive_local.timestamp())


def _on_status(event: Any) -> None:
    log.debug("shadow delta stream: %s", event)


def _on_garbage(failure: Any) -> None:
    log.warning("a shadow delta could not be read: %s", failure.inner_error)
