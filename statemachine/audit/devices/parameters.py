"""The parameters of a device: given, known, complete, and secrets only as references."""

from __future__ import annotations

from collections.abc import Mapping

from ...device.declaration import FORM, HOST
from ...device.fill import param_faults
from ...device.form import Parameter, Template
from ...device.secret import advice, is_reference
from ...kit.errors import suggestion
from ...site.source import Path, Value
from .findings import Findings

ON = "on"  # the setting of a device that names its link


def parameters(
    path: Path, value: Mapping[str, Value], template: Template, form: str | None, findings: Findings
) -> dict[str, str] | None:
    """All parameters, the key first and then as in the template; None if one cannot be used.

    `form` is the JSON of a template that is described in place: it stands for the key.
    """
    before = len(findings.all)
    key, *others = value
    names = {name: name for name in others} | ({} if form is not None else {key: template.key})
    open_names = {name for name in template.params if form is not None or name != template.key}
    given: dict[str, str] = {}
    for said, name in names.items():
        if said != key and said not in open_names:
            if said not in (ON, HOST) or said in template.params:
                problem = f"{template.device} has no parameter {said!r}"
                hint = suggestion(said, [*open_names, ON])
                findings.of((*path, said), "unknown-setting", problem, hint)
        elif _taken((*path, said), name, value[said], template.params[name], findings):
            given[name] = str(value[said])
    needed = {
        k: one for k, one in template.params.items() if not (form and k == HOST and ON in value)
    }
    for name, parameter in needed.items():
        if name not in names.values() and parameter.default is None:
            problem, hint = f"{template.device} needs `{name}`", f"add it: {parameter.means}"
            findings.at(path, "missing", problem, hint)
    params = {name: given.get(name, one.default or "") for name, one in needed.items()}
    if len(findings.all) > before or not _usable(path, value, template, params, findings):
        return None
    return {FORM: form, **params} if form is not None else {template.key: "", **params}


def _taken(at: Path, name: str, text: Value, parameter: Parameter, findings: Findings) -> bool:
    """Whether a value is a single one, and no secret that is written out."""
    if text is None or text == "":
        findings.at(at, "bad-value", f"`{name}` is empty", f"write it: {parameter.means}")
    elif not isinstance(text, str):
        findings.at(at, "bad-value", "a single value is expected here")
    elif parameter.secret and not is_reference(text):
        problem = f"`{name}` is a secret, and this file is no place for it"
        findings.at(at, "plain-secret", problem, advice(name))
    else:
        return True
    return False


def _usable(
    path: Path,
    value: Mapping[str, Value],
    template: Template,
    params: Mapping[str, str],
    findings: Findings,
) -> bool:
    """Whether all requests to the device can be made with its parameters."""
    faults = param_faults(template, params)
    faults = {name: why for name, why in faults.items() if name in params}
    for name, why in faults.items():
        at = name if name in value else next(iter(value))
        problem = f"`{name}` of {template.device}: {why}"
        findings.at((*path, at), "bad-value", problem)
    return not faults
