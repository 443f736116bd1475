"""The operations of the API, and the OpenAPI 3.1 document generated from them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .http.problems import Answer

Schema = dict[str, Any]
NUMBER: Schema = {"type": "number", "exclusiveMinimum": 0}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
REFUSALS = {
    400: "the request is malformed",
    401: "the token is missing or wrong",
    403: "the request comes from another site",
    404: "not found",
    409: "refused in the present state",
    413: "the body is over 64 KB",
    415: "the content type is not JSON",
    421: "the host name is not accepted",
    422: "some values are not valid",
    429: "too many wrong tokens",
    503: "not available now",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one path. `body` and `query` are properties, `needs` the required ones.

    `gives` is the status of success; `open` accepts further properties; `legacy` is kept for
    older clients.
    """

    method: str
    path: str
    handle: Answer
    summary: str
    gives: int = 200
    body: Schema | None = None
    query: Schema | None = None
    needs: tuple[str, ...] = ()
    media: str = "application/json"
    open: bool = False
    keyed: bool = False
    legacy: bool = False
    refuses: tuple[int, ...] = ()

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return re.findall(r"{(\w+)}", self.path)


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of all operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    problem = {
        "type": "object",
        "required": ["type", "title", "status", "detail", "instance", "code"],
        "properties": {
            **dict.fromkeys(("type", "title", "detail", "instance", "code", "reason"), TEXT),
            "status": {"type": "integer"},
            "errors": {"type": "array", "items": {"type": "object"}},
            "faults": {"type": "array", "items": TEXT},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "One VEN", "version": version},
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": problem},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": getattr(operation.handle, "__name__", "")
        + ("_legacy" if operation.legacy else ""),
        "summary": operation.summary,
        "responses": _responses(operation),
    }
    if parameters := _parameters(operation):
        said["parameters"] = parameters
    if operation.legacy:
        said["deprecated"] = True
    if operation.body is not None:
        schema = _object(operation.body, operation.needs, operation.open)
        said["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        said["requestBody"]["required"] = bool(operation.needs)
    return said


def _object(properties: Schema, needs: tuple[str, ...], more: bool) -> Schema:
    shape: Schema = {"type": "object", "properties": properties, "additionalProperties": more}
    return {**shape, "required": list(needs)} if needs else shape


def _responses(operation: Operation) -> dict[str, Any]:
    refused = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    writes = (400, 413, 415, 422) if operation.method != "GET" else ()
    codes = sorted({401, 403, 421, 429, *writes, *operation.refuses})
    done: dict[str, Any] = {"description": "done"}
    if operation.gives != 204:
        shape = TEXT if operation.media != "application/json" else {"type": "object"}
        done["content"] = {operation.media: {"schema": shape}}
    refusals = {str(code): {"description": REFUSALS[code], "content": refused} for code in codes}
    return {str(operation.gives): done, **refusals}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in operation.parameters
    ]
    for name, schema in (operation.query or {}).items():
        required = name in operation.needs
        found.append({"name": name, "in": "query", "required": required, "schema": schema})
    if operation.keyed:
        schema = {"type": "string", "minLength": 8, "maxLength": 64}
        found.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}
        )
    return found
