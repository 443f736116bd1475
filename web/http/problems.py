"""Answers as JSON, and every refusal as a problem of RFC 9457."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from aiohttp.web import HTTPException, Request, Response, StreamResponse, middleware

from ..shapes.answers import ProblemBody

PROBLEM = "application/problem+json"
Answer: TypeAlias = Callable[[Request], Awaitable[StreamResponse]]

log = logging.getLogger(__name__)
_TITLES = {
    404: ("not-found", "There is nothing at this address"),
    405: ("method-not-allowed", "This address does not support this method"),
    413: ("too-large", "The body is over 64 KB"),
}


class Problem(Exception):
    """A refusal: `code` for programs, `title` for people, `more` further members."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(title)
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.headers = dict(headers or {})
        self.more = more


def invalid(detail: str, field: str = "") -> Problem:
    """422: the JSON is valid, but its values are not."""
    problem = Problem(422, "invalid", "Some values are not valid", detail)
    if field:
        problem.more["errors"] = [{"pointer": f"/{field}", "detail": detail}]
    return problem


def not_found(what: str) -> Problem:
    return Problem(404, "not-found", "Not found", what)


def as_json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        text=json.dumps(body, separators=(",", ":"), allow_nan=False),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers=headers,
    )


@middleware
async def report_problems(request: Request, handler: Answer) -> StreamResponse:
    """Turn every error into a problem, without internal details."""
    try:
        return await handler(request)
    except Problem as problem:
        return _response(request, problem)
    except HTTPException as error:
        if error.status < 400:
            raise
        code, title = _TITLES.get(error.status, (f"http-{error.status}", error.reason))
        allow = {name: text for name, text in error.headers.items() if name == "Allow"}
        return _response(request, Problem(error.status, code, title, headers=allow))
    except ConnectionError:
        raise
    except Exception:
        mark = secrets.token_hex(4)
        log.exception("request %s failed: %s %s", mark, request.method, request.path)
        detail = f"The controller's log has the cause, under {mark}."
        return _response(
            request, Problem(500, "failed", "The controller failed to handle this request", detail)
        )


def _response(request: Request, problem: Problem) -> Response:
    body: ProblemBody = {
        "type": f"/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail or problem.title,
        "instance": request.path,
        "code": problem.code,
    }
    return Response(
        text=json.dumps({**body, **problem.more}, separators=(",", ":")),
        status=problem.status,
        content_type=PROBLEM,
        headers=problem.headers,
    )
