"""What the API answers besides: refusals, and what a reload brought."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from .base import Reason, open_shape, shape


@shape
class FieldErrorBody(TypedDict):
    """What is wrong with one field of a body."""

    pointer: str
    """The field, as a JSON pointer."""
    detail: str
    """What is wrong with it, in words."""


@shape
class ProblemBody(TypedDict):
    """A refusal, as RFC 9457 has it."""

    type: str
    """`/problems/` and the code."""
    title: str
    """What the code means, in words."""
    status: int
    """The status of the answer once more."""
    detail: str
    """What is wrong this time, in words."""
    code: str
    """What is wrong, for programs."""
    instance: NotRequired[str]
    """The path that was asked for; absent where no request could be read."""
    errors: NotRequired[list[FieldErrorBody]]
    """The fields that are wrong, where that is known."""
    reason: NotRequired[Reason]
    """Why the core refused a command."""
    faults: NotRequired[list[str]]
    """The faults of a ven.yaml, each with its line."""


@shape
class ReloadBody(TypedDict):
    """What reading ven.yaml again changed, in words."""

    file: str
    """The file that was read."""
    taken: list[str]
    """What is in force now."""
    waits: list[str]
    """What waits until no event is live."""
    restart: list[str]
    """What needs a restart of the program."""
    lines: list[str]
    """All of it, for people."""


@shape
class DocumentInfoBody(TypedDict):
    """The name and version of the API."""

    title: str
    """Its name."""
    version: str
    """The version of venctl."""


@open_shape
class OpenApiBody(TypedDict):
    """The description of this API, in OpenAPI 3.1."""

    openapi: str
    """The version of OpenAPI."""
    info: DocumentInfoBody
    """The name and version of the API."""
    paths: dict[str, dict[str, Any]]
    """The operations, by path and method."""
    components: dict[str, dict[str, Any]]
    """The bodies, by kind and name."""
