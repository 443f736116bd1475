"""The iot-data REST API of AWS, so that boto3 and the aws command work unchanged."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp.web import (
    Application,
    Request,
    RequestPayloadError,
    Response,
    StreamResponse,
    middleware,
)
from aiohttp.web_exceptions import HTTPException, HTTPRequestEntityTooLarge

from web.http.guard import HEADERS, is_loopback_name

from .broker.broker import Broker
from .broker.policy_rights import Rights
from .broker.retained import RetainedMessage
from .publishing import BadRequest, packet_of
from .shadow.service import ShadowRequestError, ShadowService
from .shadow.topics import ShadowTopics

MAX_BODY, READ_S = 128 * 1024, 10
TOO_LARGE = "The payload exceeds the maximum size allowed"
NAMES = {
    400: "InvalidRequestException",
    401: "UnauthorizedException",
    403: "ForbiddenException",
    404: "ResourceNotFoundException",
    405: "MethodNotAllowedException",
    409: "ConflictException",
    413: "RequestEntityTooLargeException",
    415: "UnsupportedDocumentEncodingException",
    429: "ThrottlingException",
    500: "InternalFailureException",
    503: "ServiceUnavailableException",
}
RightsByName = Callable[[str], Rights]


def data_plane(
    broker: Broker, service: ShadowService, topics: ShadowTopics, rights: RightsByName
) -> Application:
    """The application. Requests need a signature (with any keys) or, over TLS, a client
    certificate.

    A signature stands for an operator; a certificate has the rights of its name.
    """
    door = _DataPlane(broker, service, topics)
    app = Application(client_max_size=MAX_BODY, middlewares=[_answering, _Guard(rights).admit])
    app.router.add_get("/things/{thing}/shadow", door.get)
    app.router.add_post("/things/{thing}/shadow", door.update)
    app.router.add_delete("/things/{thing}/shadow", door.delete)
    app.router.add_get("/api/things/shadow/ListNamedShadowsForThing/{thing}", door.names)
    app.router.add_post("/topics/{topic:.+}", door.publish)
    app.router.add_get("/retainedMessage", door.list_retained)
    app.router.add_get("/retainedMessage/{topic:.+}", door.get_retained)
    app.on_response_prepare.append(_add_headers)
    return app


class _DataPlane:
    def __init__(self, broker: Broker, service: ShadowService, topics: ShadowTopics) -> None:
        self._broker, self._service, self._topics = broker, service, topics

    async def get(self, request: Request) -> Response:
        key = _place(request)
        _must(request, "iot:GetThingShadow", _thing(key))
        return _json(self._service.get(*key, b"").body)

    async def update(self, request: Request) -> Response:
        key = _place(request)
        _must(request, "iot:UpdateThingShadow", _thing(key))
        answer = self._service.update(*key, await _body(request))
        self._topics.announce(*key, "update", answer)
        return _json(answer.body)

    async def delete(self, request: Request) -> Response:
        key = _place(request)
        _must(request, "iot:DeleteThingShadow", _thing(key))
        answer = self._service.delete(*key, b"")
        self._topics.announce(*key, "delete", answer)
        return _json(answer.body)

    async def names(self, request: Request) -> Response:
        thing = request.match_info["thing"]
        _must(request, "iot:ListNamedShadowsForThing", f"thing/{thing}")
        most = _count(request, "pageSize", 25, 100)
        return _json(self._service.names(thing, request.query.get("nextToken", ""), most))

    async def publish(self, request: Request) -> Response:
        topic = request.match_info["topic"]
        _must(request, "iot:Publish", f"topic/{topic}")
        try:
            packet = packet_of(topic, request.query, request.headers, await _body(request))
        except BadRequest as bad:
            raise ShadowRequestError(400, str(bad)) from None
        if packet.retain:
            _must(request, "iot:RetainPublish", f"topic/{topic}")
        code = self._broker.publish_from_outside(packet)
        self._broker.settle()
        match code.name:
            case "NOT_AUTHORIZED":
                raise ShadowRequestError(403, "Forbidden")
            case "TOPIC_NAME_INVALID":
                raise ShadowRequestError(400, "the topic is invalid")
            case "QUOTA_EXCEEDED":
                raise ShadowRequestError(429, "the stand-in cannot keep more messages")
        return _json({"message": "OK", "traceId": secrets.token_hex(16)})

    async def get_retained(self, request: Request) -> Response:
        topic = request.match_info["topic"]
        _must(request, "iot:GetRetainedMessage", f"topic/{topic}")
        note = self._broker.retained.on(topic)
        if note is None:
            raise ShadowRequestError(404, f"No retained message exists on topic: {topic}")
        body = _summary(note) | {"payload": base64.b64encode(note.packet.payload).decode()}
        del body["payloadSize"]
        if note.packet.user_properties:
            pairs = [{name: value} for name, value in note.packet.user_properties]
            body["userProperties"] = base64.b64encode(json.dumps(pairs).encode()).decode()
        return _json(body)

    async def list_retained(self, request: Request) -> Response:
        _must(request, "iot:ListRetainedMessages", "*")
        most, after = _count(request, "maxResults", 200, 200), request.query.get("nextToken", "")
        notes = [note for note in self._broker.retained.all() if note.packet.topic > after]
        more = {"nextToken": notes[most - 1].packet.topic} if len(notes) > most else {}
        return _json({"retainedTopics": [_summary(note) for note in notes[:most]], **more})


class _Guard:
    def __init__(self, rights: RightsByName) -> None:
        self._rights = rights

    @middleware
    async def admit(self, request: Request, handler: Callable[[Request], Awaitable[Any]]) -> Any:
        """Refuse web pages: their requests have an Origin, or a foreign host name."""
        if not is_loopback_name(request.headers.get("Host", "").lower()):
            raise ShadowRequestError(
                421, "Misdirected Request: this data plane answers to localhost only"
            )
        certificate = request.get_extra_info("peercert")
        signed = request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256")
        if "Origin" in request.headers or not (signed or certificate):
            raise ShadowRequestError(403, "Forbidden")
        if not signed:
            pairs = dict(pair for part in certificate["subject"] for pair in part)
            request["rights"] = self._rights(pairs.get("commonName", ""))
        return await handler(request)


@middleware
async def _answering(request: Request, handler: Callable[[Request], Awaitable[Any]]) -> Any:
    try:
        return await handler(request)
    except ShadowRequestError as refusal:
        return _refusal(refusal.code, refusal.message)
    except HTTPRequestEntityTooLarge:
        return _refusal(413, TOO_LARGE)
    except HTTPException as error:
        return _refusal(error.status, error.reason)


async def _add_headers(request: Request, response: StreamResponse) -> None:
    response.headers.update({**HEADERS, "Cache-Control": "no-store"})


async def _body(request: Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise ShadowRequestError(413, TOO_LARGE)
    try:
        async with asyncio.timeout(READ_S):
            return await request.read()
    except TimeoutError:
        raise ShadowRequestError(408, "The payload took too long to arrive") from None
    except RequestPayloadError:
        raise ShadowRequestError(400, "The payload does not match its headers") from None


def _must(request: Request, action: str, resource: str) -> None:
    rights: Rights | None = request.get("rights")
    if rights is not None and not rights.may(action, resource):
        raise ShadowRequestError(403, "Forbidden")


def _place(request: Request) -> tuple[str, str]:
    return request.match_info["thing"], request.query.get("name", "")


def _thing(key: tuple[str, str]) -> str:
    return "/".join(("thing", *filter(None, key)))


def _count(request: Request, name: str, default: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ShadowRequestError(400, f"{name} must be a number from 1 to {most}")
    return int(text)


def _summary(note: RetainedMessage) -> dict[str, Any]:
    return {
        "topic": note.packet.topic,
        "payloadSize": len(note.packet.payload),
        "qos": int(note.packet.qos),
        "lastModifiedTime": note.at_ms,
    }


def _json(body: Any) -> Response:
    return Response(text=json.dumps(body), content_type="application/json")


def _refusal(code: int, message: str) -> Response:
    return Response(
        status=code,
        text=json.dumps({"message": message, "traceId": secrets.token_hex(16)}),
        content_type="application/json",
        headers={"x-amzn-ErrorType": NAMES.get(code, "InvalidRequestException")},
    )
