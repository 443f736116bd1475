"""The Device Shadow service, as AWS documents it. Pure, except for the store it is given.

Errors have AWS's codes and texts (the shadow error table of the AWS IoT developer guide).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .documents import (
    NotJsonError,
    NotUtf8Error,
    delta,
    depth,
    merged,
    metadata_of,
    null_in_array,
    restamped,
    size,
    stamped,
    strict_loads,
)
from .throttle import Throttle

MAX_DOCUMENT = 8_192
MAX_DEPTH = 6
MAX_TOKEN = 64
TOMBSTONE_S = 48 * 3600
TOO_MANY = "Too Many Requests"
REQUESTS_A_SECOND = 20  # for one thing; more are throttled
_THING = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_NAME = re.compile(r"[$a-zA-Z0-9:_-]{1,64}")

Body = dict[str, Any]
Key = tuple[str, str]


class ShadowRequestError(Exception):
    """A refused request."""

    def __init__(self, code: int, message: str, token: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.token = code, message, token


@dataclass(frozen=True, slots=True)
class StoredShadow:
    """One shadow. A deleted one stays as a tombstone for 48 hours, so that versions continue."""

    version: int = 0
    desired: Body | None = None
    reported: Body | None = None
    desired_metadata: Body | None = None
    reported_metadata: Body | None = None
    deleted_s: int | None = None
    exists: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the requester, and other messages to publish, by topic suffix."""

    body: Body
    messages: tuple[tuple[str, Body], ...] = ()


class ShadowService:
    """All shadows; a thing's classic shadow has the name "". `clock` returns UTC seconds."""

    def __init__(
        self,
        shadows: MutableMapping[Key, StoredShadow],
        clock: Callable[[], float],
        rate: int = REQUESTS_A_SECOND,
    ) -> None:
        self._shadows, self._clock = shadows, clock
        self._throttle = Throttle(rate, clock)

    def get(self, thing: str, name: str, payload: bytes) -> Answer:
        """The whole document, with its delta. Raises `ShadowRequestError`."""
        token = _token_of(payload)
        with _echoing(token):
            shadow = self._existing(thing, name)
        state, metadata = _document(shadow)
        if difference := delta(shadow.desired or {}, shadow.reported or {}):
            state["delta"] = difference
        body = {"state": state, "metadata": metadata, "version": shadow.version}
        return Answer(body | {"timestamp": self._now()} | _tokened(token))

    def delete(self, thing: str, name: str, payload: bytes) -> Answer:
        """Delete a shadow, but keep its version. Raises `ShadowRequestError`."""
        token = _token_if_any(payload)
        with _echoing(token):
            shadow = self._existing(thing, name)
        now = self._now()
        self._shadows[thing, name] = StoredShadow(version=shadow.version + 1, deleted_s=now)
        return Answer({"version": shadow.version, "timestamp": now} | _tokened(token))

    def update(self, thing: str, name: str, payload: bytes) -> Answer:
        """Merge an update, which always increments the version. Raises `ShadowRequestError`."""
        request = _parsed(payload)
        token = _valid_token(request)
        with _echoing(token):
            return self._updated(thing, name, request, _tokened(token))

    def throttled(self, payload: bytes) -> ShadowRequestError:
        """The answer to a request that is one too many on its connection."""
        try:
            return ShadowRequestError(429, TOO_MANY, _token_if_any(payload))
        except ShadowRequestError as refusal:
            return refusal

    def names(self, thing: str, after: str, most: int) -> Body:
        """A page of a thing's named shadows after `after`; empty for an unknown thing."""
        known = (n for (t, n), s in self._shadows.items() if t == thing and n and s.exists)
        rest = sorted(name for name in known if name > after)
        more = {"nextToken": rest[most - 1]} if len(rest) > most else {}
        return {"results": rest[:most], "timestamp": self._now()} | more

    def _updated(self, thing: str, name: str, request: Body, token: Body) -> Answer:
        state = _valid_state(request)
        before = self._shadow(thing, name)
        _check_version(request, before)
        now = self._now()
        after, metadata = _applied(before, state, now)
        if size(after.desired) + size(after.reported) > MAX_DOCUMENT:
            raise ShadowRequestError(413, "The payload exceeds the maximum size allowed")
        self._shadows[thing, name] = after
        tail = {"timestamp": now} | token
        body = {"state": state, "metadata": metadata, "version": after.version} | tail
        return Answer(body, (*_delta_message(after, tail), _documents(before, after, tail)))

    def _shadow(self, thing: str, name: str) -> StoredShadow:
        if not _THING.fullmatch(thing):
            raise ShadowRequestError(400, "Thing name is invalid")
        if name and not _NAME.fullmatch(name):
            raise ShadowRequestError(400, "Shadow name is invalid")
        if not self._throttle.admits(thing):
            raise ShadowRequestError(429, TOO_MANY)
        shadow = self._shadows.get((thing, name), StoredShadow())
        old = shadow.deleted_s is not None and self._now() - shadow.deleted_s > TOMBSTONE_S
        return StoredShadow() if old else shadow

    def _existing(self, thing: str, name: str) -> StoredShadow:
        shadow = self._shadow(thing, name)
        if not shadow.exists:
            raise ShadowRequestError(404, f"No shadow exists with name: '{name or thing}'")
        return shadow

    def _now(self) -> int:
        return int(self._clock())


@contextmanager
def _echoing(token: Any) -> Iterator[None]:
    """Add the token to a refusal, by which the requester recognizes its answer."""
    try:
        yield
    except ShadowRequestError as refusal:
        raise ShadowRequestError(refusal.code, refusal.message, token) from None


def _applied(before: StoredShadow, state: Body | None, now: int) -> tuple[StoredShadow, Body]:
    version = before.version + 1
    if state is None:
        return StoredShadow(version=version, exists=True), {"timestamp": now}
    sections = {
        "desired": (before.desired, before.desired_metadata),
        "reported": (before.reported, before.reported_metadata),
    }
    metadata: Body = {}
    for name, patch in state.items():
        old, stamps = sections[name]
        if patch is None:
            sections[name] = (None, None)
            metadata[name] = {"timestamp": now}
            continue
        new = merged(old or {}, patch)
        sections[name] = (new or None, restamped(stamps or {}, new, patch, now) or None)
        metadata[name] = stamped(patch, now)
    (desired, desired_metadata), (reported, reported_metadata) = sections.values()
    after = StoredShadow(
        version=version,
        desired=desired,
        reported=reported,
        desired_metadata=desired_metadata,
        reported_metadata=reported_metadata,
        exists=True,
    )
    return after, metadata


def _delta_message(after: StoredShadow, tail: Body) -> tuple[tuple[str, Body], ...]:
    difference = delta(after.desired or {}, after.reported or {})
    if not difference:
        return ()
    metadata = metadata_of(difference, after.desired_metadata)
    body = {"state": difference, "metadata": metadata, "version": after.version} | tail
    return (("update/delta", body),)


def _documents(before: StoredShadow, after: StoredShadow, tail: Body) -> tuple[str, Body]:
    def whole(shadow: StoredShadow) -> Body:
        state, metadata = _document(shadow)
        return {"state": state, "metadata": metadata, "version": shadow.version}

    previous = whole(before) if before.exists else None
    return "update/documents", {"previous": previous, "current": whole(after)} | tail


def _document(shadow: StoredShadow) -> tuple[Body, Body]:
    state: Body = {}
    metadata: Body = {}
    if shadow.desired:
        state["desired"], metadata["desired"] = shadow.desired, shadow.desired_metadata
    if shadow.reported:
        state["reported"], metadata["reported"] = shadow.reported, shadow.reported_metadata
    return state, metadata


def _parsed(payload: bytes) -> Body:
    try:
        request = strict_loads(payload)
    except NotUtf8Error:
        text = "Unsupported documented encoding; supported encoding is UTF-8"
        raise ShadowRequestError(415, text) from None
    except NotJsonError:
        raise ShadowRequestError(400, "Invalid JSON") from None
    if not isinstance(request, dict):
        raise ShadowRequestError(400, "Invalid JSON")
    return request


def _token_of(payload: bytes) -> Any:
    """The client token of a get or delete; the rest of the payload is ignored."""
    return _valid_token(_parsed(payload)) if payload else None


def _token_if_any(payload: bytes) -> Any:
    """The client token of a request that may not be valid, or None."""
    try:
        request = _parsed(payload)
    except ShadowRequestError:
        return None
    return _valid_token(request)


def _valid_token(request: Body) -> Any:
    token = request.get("clientToken")
    if "clientToken" in request and (not isinstance(token, str) or len(token.encode()) > MAX_TOKEN):
        raise ShadowRequestError(400, "Invalid clientToken")
    return token


def _tokened(token: Any) -> Body:
    return {} if token is None else {"clientToken": token}


def _valid_state(request: Body) -> Body | None:
    if "state" not in request:
        raise ShadowRequestError(400, "Missing required node: state")
    state = request["state"]
    if state is None:
        return None
    if not isinstance(state, dict):
        raise ShadowRequestError(400, "State node must be an object")
    for key in state:
        if key not in ("desired", "reported"):
            raise ShadowRequestError(400, f"State contains an invalid node: '{key}'")
    for section in ("desired", "reported"):
        value = state.get(section)
        if value is not None and not isinstance(value, dict):
            raise ShadowRequestError(400, f"{section.capitalize()} node must be an object")
        if null_in_array(value, False):
            raise ShadowRequestError(400, "Invalid JSON")
        if depth(value) > MAX_DEPTH:
            text = f"JSON contains too many levels of nesting; maximum is {MAX_DEPTH}"
            raise ShadowRequestError(400, text)
    return state


def _check_version(request: Body, before: StoredShadow) -> None:
    if "version" not in request:
        return
    version = request["version"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 0:
        raise ShadowRequestError(400, "Invalid version")
    fits = version == before.version if before.exists else version in (0, 1, before.version)
    if not fits:
        raise ShadowRequestError(409, "Version conflict")
