"""The operations of the API, and the OpenAPI 3.1 document generated from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from .http.problems import PROBLEM, Answer
from .shapes.answers import ProblemBody
from .shapes.base import ENDING, name_of
from .shapes.machine import TransitionBody

Schema = Mapping[str, Any]
JSON = "application/json"
REFUSALS = {
    400: "the request is malformed",
    401: "the token is missing or wrong",
    403: "the request comes from another site",
    404: "not found",
    408: "the body took too long to arrive",
    409: "refused in the present state",
    413: "the body is over 64 KB",
    415: "the content type is not JSON",
    421: "the host name is not accepted",
    422: "some values are not valid",
    429: "too many wrong tokens",
    500: "the controller failed",
    503: "not available now",
}
ALWAYS, WRITES = (400, 401, 403, 421, 429, 500, 503), (408, 413, 415, 422)
TOLD_BY_THE_STREAM = TransitionBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one path, named and described as its handler is.

    `takes`, `query` and `answers` are bodies as `shapes` declares them, or None. `gives` is the
    status of success; a refusal with 409 may have a body of its own, `refuses_with`. `keyed`
    takes an Idempotency-Key; `legacy` is kept for older clients.
    """

    method: str
    path: str
    handle: Answer
    gives: int = 200
    takes: Any = None
    query: Any = None
    answers: Any = None
    refuses_with: Any = None
    media: str = JSON
    keyed: bool = False
    legacy: bool = False
    refuses: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Its own, in all of the document."""
        return getattr(self.handle, "__name__", "") + ("_legacy" if self.legacy else "")

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def bodies(self) -> list[Any]:
        """All that is declared of it."""
        shapes = (self.takes, self.query, self.answers, self.refuses_with)
        return [body for body in shapes if body is not None]


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of all operations."""
    listed = list(operations)
    schemas = _schemas(
        [*(b for operation in listed for b in operation.bodies), ProblemBody, TOLD_BY_THE_STREAM]
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(
            operation, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "One VEN", "version": version},
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {_refusal(code): _refused(code) for code in REFUSALS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(bodies: Iterable[Any]) -> dict[str, Schema]:
    """The schema of every body by its name, and of every part of one."""
    adapters = [(body, TypeAdapter(body)) for body in dict.fromkeys(bodies)]
    _, made = TypeAdapter.json_schemas(
        [(body, "serialization", adapter) for body, adapter in adapters],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    schemas: dict[str, Schema] = made["$defs"]
    return schemas


class _Schemas(GenerateJsonSchema):
    """Calls each body as `name_of` does."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(name).removesuffix(ENDING)


def _described(operation: Operation, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [_tag(operation)],
        "summary": (operation.handle.__doc__ or "").partition("\n")[0],
        "responses": _responses(operation),
    }
    if parameters := _parameters(operation, schemas):
        described["parameters"] = parameters
    if operation.legacy:
        described["deprecated"] = True
    if operation.takes is not None:
        described["requestBody"] = {
            "content": {JSON: {"schema": _ref(operation.takes)}},
            "required": operation.method != "DELETE",
        }
    return described


def _tag(operation: Operation) -> str:
    """What it is about: the word behind the version, where several paths begin so."""
    if operation.legacy:
        return "legacy"
    word = operation.path.split("/")[3]
    return word if word in ("alarms", "circuits", "events", "health", "session") else "site"


def _ref(body: Any) -> Schema:
    return {"$ref": f"#/components/schemas/{name_of(body)}"}


def _responses(operation: Operation) -> dict[str, Any]:
    writes = WRITES if operation.method != "GET" else ()
    done: dict[str, Any] = {"description": "done"}
    if operation.media != JSON:
        done["content"] = {operation.media: {"schema": {"type": "string"}}}
    elif operation.answers is not None:
        done["content"] = {JSON: {"schema": _ref(operation.answers)}}
    if operation.gives == 201:
        done["headers"] = {"Location": {"schema": {"type": "string"}}}
    responses = {str(operation.gives): done}
    for code in sorted({*ALWAYS, *writes, *operation.refuses}):
        responses[str(code)] = {"$ref": f"#/components/responses/{_refusal(code)}"}
    if operation.refuses_with is not None:
        conflict, also = _refused(409), {JSON: {"schema": _ref(operation.refuses_with)}}
        responses["409"] = {**conflict, "content": {**also, **conflict["content"]}}
    return responses


def _refusal(code: int) -> str:
    return f"Refused{code}"


def _refused(code: int) -> dict[str, Any]:
    return {"description": REFUSALS[code], "content": {PROBLEM: {"schema": _ref(ProblemBody)}}}


def _parameters(operation: Operation, schemas: Mapping[str, Schema]) -> list[dict[str, Any]]:
    text = {"type": "string"}
    parameters = [_parameter(name, "path", True, text) for name in operation.parameters]
    if operation.query is not None:
        query = schemas[name_of(operation.query)]
        for name, schema in query["properties"].items():
            parameters.append(_parameter(name, "query", name in query["required"], schema))
    if operation.keyed:
        key = {"type": "string", "minLength": 8, "maxLength": 64}
        parameters.append(_parameter("Idempotency-Key", "header", False, key))
    return parameters


def _parameter(name: str, location: str, required: bool, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": location, "required": required, "schema": schema}
