"""How a body is declared: a TypedDict, each field with its own line of documentation.

Power is kW, times are epoch seconds, and null means unknown or none.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, with_config
from typing_extensions import TypeAliasType, get_original_bases, is_typeddict

from statemachine.state import reasons

ENDING = "Body"


def words(*known: str) -> object:
    """For `Annotated[str, ...]`: the words that a text can be."""
    return Field(json_schema_extra={"enum": list(known)})


def fields_of(body: Any) -> frozenset[str]:
    """The names of the fields of a declared body, and of those that it extends."""
    return frozenset(body.__annotations__)


def name_of(body: Any) -> str:
    """What the document calls a body: its class without the ending that tells it apart."""
    return str(body.__name__).removesuffix(ENDING)


def _describe(schema: dict[str, Any], body: type) -> None:
    """pydantic reads what a class says of its own fields, and not what its bases say of theirs."""
    described, schema["title"] = _docs(body), name_of(body)
    for name, field in schema["properties"].items():
        field.pop("title", None)
        if name in described:
            field["description"] = described[name]


def _docs(body: type) -> dict[str, str]:
    """The line below each field of a class, and of all that it extends."""
    docs: dict[str, str] = {}
    for base in get_original_bases(body):
        if is_typeddict(base):
            docs |= _docs(base)
    return docs | _classes(body.__module__).get(body.__name__, {})


@cache
def _classes(module: str) -> dict[str, dict[str, str]]:
    """The lines below the fields of every class of a module."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_lines(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _lines(body: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, line in pairwise(body.body):
        match field, line:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                yield name, str(text)


shape = with_config(extra="forbid", json_schema_extra=_describe)
open_shape = with_config(extra="allow", json_schema_extra=_describe)

Mode = TypeAliasType("Mode", Annotated[str, words("act", "observe")])
Reason = TypeAliasType("Reason", reasons.Reason)
