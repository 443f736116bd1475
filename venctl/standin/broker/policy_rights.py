"""Evaluates AWS IoT policy documents: what a client may do.

As at AWS (developer guide, iot-policies): what no statement allows is denied, an explicit Deny
wins, `*` and `?` are wildcards, `+` and `#` are not, and a statement with a variable without a
value matches nothing. Region and account are ignored, because the stand-in has none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...base.policy import MAX_CHARACTERS, characters

Document = Mapping[str, Any]
THING = "iot:Connection.Thing.ThingName"
ATTACHED = "iot:Connection.Thing.IsAttached"
CLIENT = "iot:ClientId"
ATTRIBUTES = "iot:ConnectAttributes"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?(Bool|StringEquals|StringNotEquals)")
_PARTS = {"Sid", "Effect", "Action", "Resource", "Condition"}


class PolicyError(ValueError):
    """A document that AWS would refuse, or that uses what the stand-in does not support."""


class Rights(Protocol):
    """`resource` is the end of an ARN: `topic/x`, `topicfilter/x`, `client/x`, `thing/x`."""

    def may(self, action: str, resource: str) -> bool: ...


class AllowAll:
    """The rights of an operator on this machine: everything."""

    def may(self, action: str, resource: str) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Principal:
    """The client. `thing` is what its certificate is attached to; None over HTTP, as at AWS."""

    client: str
    thing: str | None
    attributes: frozenset[str]

    def value(self, variable: str) -> str | None:
        attached = {THING: self.thing} if self.thing == self.client else {}
        return {CLIENT: self.client, **attached}.get(variable)

    def values(self, key: str) -> frozenset[str]:
        if key == ATTRIBUTES:
            return self.attributes
        if key == ATTACHED:
            return frozenset({str(self.thing == self.client).lower()})
        value = self.value(key)
        return frozenset() if value is None else frozenset({value})


class PolicyRights:
    """The rights that documents give one principal."""

    def __init__(self, documents: Sequence[Document], principal: Principal) -> None:
        self._principal = principal
        self.replace_documents(documents)

    def replace_documents(self, documents: Sequence[Document]) -> None:
        """Use other documents from now on, as after a change of policy at AWS."""
        self._allow: list[tuple[re.Pattern[str], re.Pattern[str]]] = []
        self._deny: list[tuple[re.Pattern[str], re.Pattern[str]]] = []
        self._known: dict[tuple[str, str], bool] = {}
        for document in documents:
            for statement in _list(document["Statement"]):
                if _holds(statement.get("Condition", {}), self._principal):
                    rows = self._allow if statement["Effect"] == "Allow" else self._deny
                    rows += _rows(statement, self._principal)

    def may(self, action: str, resource: str) -> bool:
        key = action, resource
        if key not in self._known:
            if len(self._known) >= 1_000:
                self._known.clear()
            allowed, denied = (_any(rows, *key) for rows in (self._allow, self._deny))
            self._known[key] = allowed and not denied
        return self._known[key]


def read_policy(text: str, name: str) -> list[Document]:
    """Parse one document or a list of them. Raises `PolicyError`, which says what is wrong."""
    if not text.strip():
        raise PolicyError(f"{name} is empty")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{name} is not JSON: {error}") from None
    documents = _list(policy)
    if not documents:
        raise PolicyError(f"{name} contains no policy document")
    for number, document in enumerate(documents, start=1):
        where = name if len(documents) == 1 else f"{name}, document {number}"
        _check(document, where)
    return documents


def _check(document: Any, where: str) -> None:
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not isinstance(statements, dict | list) or not statements:
        raise PolicyError(f"{where} has no Statement")
    if (length := characters(document)) > MAX_CHARACTERS:
        raise PolicyError(f"{where} has {length} characters; AWS accepts at most {MAX_CHARACTERS}")
    for number, statement in enumerate(_list(statements), start=1):
        _check_statement(statement, f"{where}, statement {number}")


def _check_statement(statement: Any, where: str) -> None:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{where} needs an Effect of Allow or Deny")
    if unknown := sorted(statement.keys() - _PARTS):
        raise PolicyError(f"{where} uses {unknown[0]}, which the stand-in does not support")
    for part in ("Action", "Resource"):
        words = _list(statement.get(part, []))
        if not words or not all(isinstance(word, str) for word in words):
            raise PolicyError(f"{where} needs {part}")
    for resource in _list(statement["Resource"]):
        if _tail(resource) is None:
            raise PolicyError(f"{where}: the Resource {resource!r} is neither an ARN nor *")
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict) or not all(isinstance(v, dict) for v in condition.values()):
        raise PolicyError(f"{where}: Condition must be an object of objects")
    for operator, keys in condition.items():
        if not _OPERATOR.fullmatch(operator):
            raise PolicyError(f"{where}: the stand-in does not support the condition {operator}")
        for key in keys:
            if key not in (THING, ATTACHED, CLIENT, ATTRIBUTES):
                raise PolicyError(f"{where}: the stand-in does not support the condition key {key}")


def _holds(condition: Mapping[str, Mapping[str, Any]], principal: Principal) -> bool:
    return all(
        _compares(operator, principal.values(key), {str(word).lower() for word in _list(wanted)})
        if operator == "Bool"
        else _compares(operator, principal.values(key), set(_list(wanted)))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _compares(operator: str, values: frozenset[str], wanted: set[str]) -> bool:
    match = _OPERATOR.fullmatch(operator)
    assert match is not None
    fits = [(value in wanted) != (match[2] == "StringNotEquals") for value in values]
    return all(fits) if match[1] == "ForAllValues" else any(fits)


def _rows(
    statement: Mapping[str, Any], principal: Principal
) -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    actions = [re.compile(_pattern(word), re.IGNORECASE) for word in _list(statement["Action"])]
    resources = [_resource(word, principal) for word in _list(statement["Resource"])]
    return [(action, resource) for action in actions for resource in resources if resource]


def _resource(arn: str, principal: Principal) -> re.Pattern[str] | None:
    pattern, end = "", 0
    tail = _tail(arn) or ""
    for variable in _VARIABLE.finditer(tail):
        name = variable[1]
        value = name if name in ("*", "?", "$") else principal.value(name)
        if value is None:
            return None
        pattern += _pattern(tail[end : variable.start()]) + re.escape(value)
        end = variable.end()
    return re.compile(pattern + _pattern(tail[end:]), re.DOTALL)


def _tail(arn: str) -> str | None:
    """`topic/x` of `arn:aws:iot:region:account:topic/x`; None if it is not an ARN."""
    parts = arn.split(":", 5)
    if arn == "*" or (parts[0] == "arn" and len(parts) < 6 and parts[-1] == "*"):
        return "*"
    return parts[5] if parts[0] == "arn" and len(parts) == 6 else None


def _pattern(words: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in words)


def _any(rows: Sequence[tuple[re.Pattern[str], re.Pattern[str]]], act: str, on: str) -> bool:
    return any(action.fullmatch(act) and resource.fullmatch(on) for action, resource in rows)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
