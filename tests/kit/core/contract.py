"""Every answer of the API that any test brings about is held against the API's own document."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, reduce
from operator import getitem
from typing import Any

import pytest
from aiohttp.web import Request, Response, StreamResponse
from jsonschema import Draft202012Validator

import web.app
from tests.kit.core.web_controller import WebController, site
from web.http.session import Sessions
from web.live import Broadcaster
from web.openapi import document
from web.resources import program_version
from web.routes import operations

PROBLEM = "application/problem+json"
STREAM = "text/event-stream"
# What the stream's own data are; OpenAPI has no words for that.
TOLD = {"snapshot": "State", "state": "State", "transition": "Transition"}
BY_HTTP_ITSELF = {417}  # aiohttp answers an Expect header before any handler of ours hears of it
Write = Callable[[bytes], Awaitable[None]]
Answer = tuple[str, str, int, str, bytes]  # method, path of the route, status, media type, body


class Document:
    """An OpenAPI document: what an operation may answer, and what is wrong with an answer."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.validator = cache(self._validator)

    def faults(self, method: str, path: str, status: int, media: str, body: bytes) -> list[str]:
        """What is wrong with a whole answer; `path` is the one of the route, {id} and all."""
        operation = self._document["paths"].get(path, {}).get(method.lower())
        if status in BY_HTTP_ITSELF:
            return []
        if operation is None:
            return self._beside(status, media, body)
        if str(status) not in operation["responses"]:
            return [f"{status} is not in the document"]
        content = self._followed(operation["responses"][str(status)]).get("content", {})
        if not content:
            return ["the document has no body"] if body else []
        if media not in content:
            return [f"{media!r} is not in the document; there are: {', '.join(content)}"]
        schema = content[media]["schema"]
        return self.wrong(schema["$ref"], json.loads(body)) if media != STREAM else []

    def wrong(self, ref: str, data: Any) -> list[str]:
        """What is wrong with data that ought to be as `ref` says."""
        return [f"{one.json_path}: {one.message}" for one in self.validator(ref).iter_errors(data)]

    def _beside(self, status: int, media: str, body: bytes) -> list[str]:
        """An answer where there is no operation: the page's own, or a problem."""
        if status < 400:
            return []
        if media != PROBLEM:
            return [f"{status} with {media!r}, and not a problem"]
        return self.wrong("#/components/schemas/Problem", json.loads(body))

    def _validator(self, ref: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": ref, "components": self._document["components"]})

    def _followed(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in said:
            return said
        whole: Any = self._document
        return reduce(getitem, said["$ref"].split("/")[1:], whole)


@cache
def described() -> dict[str, Any]:
    """The document, as every application serves it."""
    desk = WebController(site())
    return document(operations(desk, Sessions("token"), Broadcaster(desk)), program_version())


@cache
def documented() -> Document:
    """The same, to hold answers against."""
    return Document(described())


class Contract:
    """Keeps every answer of every application, and says in words what is wrong with them.

    They are looked at once a test is over: that takes longer than a stream may wait.
    """

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._told: list[bytes] = []

    def keep(self, request: Request, response: StreamResponse) -> None:
        """For `on_response_prepare`."""
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else request.path
        body = (response.body or b"") if isinstance(response, Response) else b""
        assert isinstance(body, bytes)
        self._answers.append((request.method, path, response.status, response.content_type, body))
        if response.content_type == STREAM:
            response.write = self._kept(response.write)  # type: ignore[method-assign]

    def broken(self) -> list[str]:
        """What was wrong since it was asked last."""
        answers, self._answers = dict.fromkeys(self._answers), []
        told, self._told = dict.fromkeys(self._told), []
        broken = [fault for one in answers for fault in _of_answer(one)]
        return broken + [fault for one in told for fault in _of_stream(one)]

    def _kept(self, write: Write) -> Write:
        async def kept(told: bytes) -> None:
            self._told.append(told)
            await write(told)

        return kept


def _of_answer(answer: Answer) -> Iterator[str]:
    method, path, status, *_ = answer
    for fault in documented().faults(*answer):
        yield f"{method} {path}: {status}: {fault}"


def _of_stream(told: bytes) -> Iterator[str]:
    for one in told.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in one.splitlines())
        if shape := TOLD.get(fields.get("event", "")):
            data = json.loads(fields["data"])
            for fault in documented().wrong(f"#/components/schemas/{shape}", data):
                yield f"{fields['event']} of the stream: {fault}"


@contextmanager
def watched() -> Iterator[Contract]:
    """While it lasts, what every application answers that is made is kept."""
    contract, add_headers = Contract(), web.app.add_headers

    async def keep(request: Request, response: StreamResponse) -> None:
        await add_headers(request, response)
        contract.keep(request, response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web.app, "add_headers", keep)
        yield contract
