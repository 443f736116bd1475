"""The page's files, read once at the start: a request's path never reaches the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp.web import Request, Response

from .problems import not_found

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file to send."""

    body: bytes
    headers: dict[str, str]


class StaticFiles:
    """The files in `static/`, by path."""

    def __init__(self) -> None:
        root = files("web") / "static"
        self._known = dict(_read(root, "")) if root.is_dir() else {}

    async def index(self, request: Request) -> Response:
        """GET /."""
        return self._send(request, "index.html")

    async def file(self, request: Request) -> Response:
        """GET /static/{path}."""
        return self._send(request, request.match_info["path"])

    def _send(self, request: Request, path: str) -> Response:
        known = self._known.get(path)
        if known is None:
            raise not_found("The page has no such file.")
        if request.headers.get("If-None-Match") == known.headers["ETag"]:
            kept = {name: known.headers[name] for name in ("ETag", "Cache-Control")}
            return Response(status=304, headers=kept)
        return Response(body=known.body, headers=known.headers)


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, StaticFile]]:
    for entry in folder.iterdir():
        kind = TYPES.get(entry.name.rpartition(".")[2])
        if entry.is_dir():
            yield from _read(entry, f"{prefix}{entry.name}/")
        elif kind:
            body = entry.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            headers = {"Content-Type": kind, "ETag": tag, "Cache-Control": "no-cache"}
            yield prefix + entry.name, StaticFile(body, headers)
