"""Request bodies: read within limits as strict JSON, and carried out once if repeated."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiohttp.web import Request, RequestPayloadError, Response, StreamResponse

from statemachine.kit.strict_json import MAX_BYTES, JsonError, strict_json

from .problems import Answer, Problem, invalid

READ_S = 10
KEPT, KEPT_S = 256, 86_400
KEY_HEADER = "Idempotency-Key"


async def read_raw(request: Request) -> bytes:
    """The whole body. Raises a 408 problem if it does not arrive within 10 s, 413 over 64 KB.

    400 if it does not match its headers.
    """
    if (request.content_length or 0) > MAX_BYTES:
        raise Problem(413, "too-large", "The body is over 64 KB")
    try:
        async with asyncio.timeout(READ_S):
            raw = await request.read()
    except TimeoutError:
        raise Problem(408, "too-slow", "The body took too long to arrive") from None
    except RequestPayloadError:
        raise Problem(400, "bad-body", "The body does not match its headers") from None
    if len(raw) > MAX_BYTES:
        raise Problem(413, "too-large", "The body is over 64 KB")
    return raw


async def read_json(request: Request) -> Any:
    """The body as JSON; an empty one is an empty object. Raises a 400 problem."""
    raw = await read_raw(request)
    try:
        return strict_json(raw) if raw.strip() else {}
    except JsonError as error:
        raise Problem(400, "bad-json", "The body is not JSON", str(error)) from None


async def read_object(request: Request, known: Collection[str]) -> dict[str, Any]:
    """The body as an object that only has fields in `known`, so that typos are noticed.

    Raises a 400 or 422 problem.
    """
    body = await read_json(request)
    if not isinstance(body, dict):
        raise invalid("the body must be a JSON object")
    for name in body:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise invalid(f"there is no field {name[:40]!r}; the fields are: {names}", name[:40])
    return body


def key_of(request: Request) -> str | None:
    """The Idempotency-Key, if one was sent. Raises a 400 problem."""
    key = request.headers.get(KEY_HEADER)
    if key is not None and not (8 <= len(key) <= 64 and key.isascii() and key.isprintable()):
        raise Problem(400, "bad-key", f"{KEY_HEADER} must have 8 to 64 printable ASCII characters")
    return key


@dataclass(frozen=True, slots=True)
class _Kept:
    at_s: float
    digest: bytes
    status: int | None
    body: bytes
    headers: dict[str, str]


class Replays:
    """Earlier answers by Idempotency-Key: the last 256, for a day, in memory."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def around(self, handle: Answer) -> Answer:
        """Wrap `handle`, so that it runs once for each key and repeats its answer."""

        async def once(request: Request) -> StreamResponse:
            key = key_of(request)
            if key is None:
                return await handle(request)
            name = f"{request.method} {request.path} {key}"
            digest = hashlib.sha256(await read_raw(request)).digest()
            return self._again(name, digest) or await self._first(name, digest, handle, request)

        return once

    def _again(self, name: str, digest: bytes) -> Response | None:
        kept = self._kept.get(name)
        if kept is None or time.monotonic() - kept.at_s > KEPT_S:
            return None
        if kept.digest != digest:
            raise Problem(422, "key-reused", f"This {KEY_HEADER} was used for another request")
        if kept.status is None:
            wait = {"Retry-After": "1"}
            raise Problem(409, "in-progress", "The first request is still running", headers=wait)
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        return Response(status=kept.status, body=kept.body, headers=headers)

    async def _first(
        self, name: str, digest: bytes, handle: Answer, request: Request
    ) -> StreamResponse:
        self._kept[name] = _Kept(time.monotonic(), digest, None, b"", {})
        try:
            answer = await handle(request)
        except BaseException:
            self._kept.pop(name, None)
            raise
        if not isinstance(answer, Response) or not isinstance(answer.body, bytes):
            raise TypeError("only complete answers can be repeated")
        headers = {
            n: answer.headers[n] for n in ("Content-Type", "Location") if n in answer.headers
        }
        self._kept[name] = _Kept(time.monotonic(), digest, answer.status, answer.body, headers)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return answer
