"""The web application: the page's files, the API and the stream, behind one access check."""

from __future__ import annotations

from aiohttp.web import Application, Request, Response

from statemachine.kit.strict_json import MAX_BYTES

from .api import Api
from .desk import Desk
from .http.bodies import Replays
from .http.guard import Access, access_for, add_headers, guard
from .http.problems import as_json, tell_problems
from .http.session import SESSION_PATH, Sessions
from .http.static_files import Files
from .live import Hub
from .openapi import TEXT, Operation, document
from .resources import program_version

__all__ = ["Access", "access_for", "make_app"]


def make_app(desk: Desk, access: Access) -> Application:
    """The application for `desk`, for requests that `access` allows."""
    sessions, hub, replays = Sessions(access.token), Hub(desk), Replays()
    app = Application(
        middlewares=[tell_problems, guard(access, sessions)], client_max_size=MAX_BYTES
    )
    for operation in operations(desk, sessions, hub):
        handle = replays.around(operation.handle) if operation.keyed else operation.handle
        app.router.add_route(operation.method, operation.path, handle)
    page = Files()
    app.router.add_get("/", page.index)
    app.router.add_get("/static/{path:.+}", page.file)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(hub.run)
    app.on_shutdown.append(hub.close)
    return app


def operations(desk: Desk, sessions: Sessions, hub: Hub) -> list[Operation]:
    """Every operation of the API, in the order of the OpenAPI document."""
    every = [
        *Api(desk).operations(),
        Operation(
            method="POST",
            path=SESSION_PATH,
            handle=sessions.sign_in,
            summary="sign in: exchange the token for a cookie",
            body={"token": TEXT},
            needs=("token",),
            gives=204,
        ),
        Operation(
            method="DELETE",
            path=SESSION_PATH,
            handle=sessions.sign_out,
            summary="sign out",
            body={},
            gives=204,
        ),
        Operation(
            method="GET",
            path="/api/v1/stream",
            handle=hub.stream,
            summary="the state as server-sent events",
            media="text/event-stream",
        ),
    ]

    async def openapi(request: Request) -> Response:
        return as_json(document(every, program_version()))

    path, summary = "/api/v1/openapi.json", "this document"
    every.append(Operation(method="GET", path=path, handle=openapi, summary=summary))
    return every
