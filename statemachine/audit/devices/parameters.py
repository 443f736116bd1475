"""The parameters of a device: given, known, complete, and secrets only as references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...device.declaration import FORM, HOST
from ...device.fill import param_faults
from ...device.form import Template
from ...device.secret import advice, is_reference
from ...kit.errors import suggestion
from ...site.source import Path, Value
from .findings import Findings
from .reach import ON


def parameters(
    path: Path, value: Mapping[str, Value], template: Template, form: str | None, findings: Findings
) -> dict[str, str] | None:
    """All parameters, the key first and then as in the template; None if one cannot be used.

    `form` is the JSON of a template that is described in place.
    """
    before = len(findings.all)
    given = _given(path, value, template, form, findings)
    needed = {k: p for k, p in template.params.items() if k != HOST or ON not in value}
    for name, parameter in needed.items():
        if name not in value and name not in given and parameter.default is None:
            problem = f"{template.device} needs `{name}`"
            findings.at(path, "missing", problem, f"add it: {parameter.means}")
    params = {name: given.get(name, one.default or "") for name, one in needed.items()}
    if len(findings.all) > before:
        return None
    for name, why in param_faults(template, params).items():
        if name in needed:
            at = name if name in value else template.device
            findings.at((*path, at), "bad-value", f"`{name}` of {template.device} cannot be used", why)
    if len(findings.all) > before:
        return None
    first = template.key if form is None else FORM
    return {first: params.get(first, form or ""), **params}


def _given(
    path: Path, value: Mapping[str, Value], template: Template, form: str | None, findings: Findings
) -> dict[str, str]:
    """The parameters of the file that can be looked at further."""
    given: dict[str, str] = {}
    key, params = next(iter(value)), template.params
    for name, text in value.items():
        if name == key and form is not None:
            continue
        meant = template.key if name == key else name
        if name != key and name in (ON, HOST) and name not in params:
            continue
        if name != key and (name not in params or name == template.key and form is None):
            known = [other for other in params if other != template.key or form is not None]
            problem = f"{template.device} has no parameter {name!r}"
            findings.of((*path, name), "unknown-setting", problem, suggestion(name, [*known, ON]))
        elif problem := next(_unfit(text), ""):
            findings.at((*path, name), "bad-value", problem)
        elif params[meant].secret and not is_reference(str(text)):
            problem = f"`{name}` is a secret, and this file is no place for it"
            findings.at((*path, name), "plain-secret", problem, advice(name))
        else:
            given[meant] = str(text)
    return given


def _unfit(text: Value) -> Iterator[str]:
    if text is None or text == "":
        yield "a value is missing here"
    elif not isinstance(text, str):
        yield "a single value is expected here"
