"""The web application: the page's files, the API and the stream, behind one access check."""

from __future__ import annotations

from aiohttp.web import Application

from statemachine.kit.strict_json import MAX_BYTES

from .controller_port import ControllerPort
from .http.bodies import Replays
from .http.guard import Access, access_for, add_headers, guard
from .http.problems import report_problems
from .http.session import Sessions
from .http.static_files import StaticFiles
from .live import Broadcaster
from .routes import operations

__all__ = ["Access", "access_for", "make_app"]


def make_app(desk: ControllerPort, access: Access) -> Application:
    """The application for `desk`, for requests that `access` allows."""
    sessions, hub, replays = Sessions(access.token), Broadcaster(desk), Replays()
    app = Application(
        middlewares=[report_problems, guard(access, sessions)], client_max_size=MAX_BYTES
    )
    for operation in operations(desk, sessions, hub):
        handle = replays.around(operation.handle) if operation.keyed else operation.handle
        app.router.add_route(operation.method, operation.path, handle)
    page = StaticFiles()
    app.router.add_get("/", page.index)
    app.router.add_get("/static/{path:.+}", page.file)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(hub.run)
    app.on_shutdown.append(hub.close)
    return app
