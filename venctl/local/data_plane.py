"""The REST door: the iot-data API of AWS, so that boto3 and the aws command work unchanged."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp.web import Application, Request, Response, middleware
from aiohttp.web_exceptions import HTTPException, HTTPRequestEntityTooLarge

from .broker import RESERVED, Broker
from .shadow import Rejected, ShadowService
from .shadow_topics import announce

MAX_BODY = 128 * 1024
NAMES = {
    400: "InvalidRequestException",
    401: "UnauthorizedException",
    403: "ForbiddenException",
    404: "ResourceNotFoundException",
    405: "MethodNotAllowedException",
    409: "ConflictException",
    413: "RequestEntityTooLargeException",
    415: "UnsupportedDocumentEncodingException",
    500: "InternalFailureException",
}


def data_plane(broker: Broker, service: ShadowService) -> Application:
    """The application. A request carries a signature (any keys) and no Origin, so no web page's."""
    door = _Door(broker, service)
    app = Application(client_max_size=MAX_BODY, middlewares=[_guard])
    app.router.add_get("/things/{thing}/shadow", door.get)
    app.router.add_post("/things/{thing}/shadow", door.update)
    app.router.add_delete("/things/{thing}/shadow", door.delete)
    app.router.add_get("/api/things/shadow/ListNamedShadowsForThing/{thing}", door.names)
    app.router.add_post("/topics/{topic:.+}", door.publish)
    return app


class _Door:
    def __init__(self, broker: Broker, service: ShadowService) -> None:
        self._broker, self._service = broker, service

    async def get(self, request: Request) -> Response:
        return _json(self._service.get(*_place(request), b"").body)

    async def update(self, request: Request) -> Response:
        place = _place(request)
        answer = self._service.update(*place, await request.read())
        announce(self._broker, *place, "update", answer)
        return _json(answer.body)

    async def delete(self, request: Request) -> Response:
        place = _place(request)
        answer = self._service.delete(*place, b"")
        announce(self._broker, *place, "delete", answer)
        return _json(answer.body)

    async def names(self, request: Request) -> Response:
        page = request.query.get("pageSize", "25")
        if not page.isdecimal() or not 1 <= int(page) <= 100:
            raise Rejected(400, "pageSize must be 1 to 100")
        names = self._service.names(request.match_info["thing"])
        after = request.query.get("nextToken", "")
        rest = [name for name in names if name > after]
        few = rest[: int(page)]
        more = {"nextToken": few[-1]} if len(rest) > len(few) else {}
        return _json({"results": few, **more})

    async def publish(self, request: Request) -> Response:
        topic, qos = request.match_info["topic"], request.query.get("qos", "0")
        if qos not in ("0", "1") or "+" in topic or "#" in topic or len(topic) > 256:
            raise Rejected(400, "the topic or its qos is invalid")
        if topic.startswith(RESERVED):
            raise Rejected(403, "Forbidden")
        retain = request.query.get("retain", "false").lower() == "true"
        self._broker.say(topic, await request.read(), int(qos), retain)
        return _json({"message": "OK", "traceId": secrets.token_hex(16)})


@middleware
async def _guard(request: Request, handler: Callable[[Request], Awaitable[Any]]) -> Any:
    signed = request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256")
    if not signed or "Origin" in request.headers:
        return _refusal(403, "Forbidden")
    try:
        return await handler(request)
    except Rejected as refusal:
        return _refusal(refusal.code, refusal.message)
    except HTTPRequestEntityTooLarge:
        return _refusal(413, "The payload exceeds the maximum size allowed")
    except HTTPException as error:
        return _refusal(error.status, error.reason)


def _place(request: Request) -> tuple[str, str]:
    return request.match_info["thing"], request.query.get("name", "")


def _json(body: Any) -> Response:
    return Response(text=json.dumps(body), content_type="application/json")


def _refusal(code: int, message: str) -> Response:
    return Response(
        status=code,
        text=json.dumps({"message": message, "traceId": secrets.token_hex(16)}),
        content_type="application/json",
        headers={"x-amzn-ErrorType": NAMES.get(code, "InvalidRequestException")},
    )
