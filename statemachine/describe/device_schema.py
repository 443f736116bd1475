"""The devices of a catalog as JSON Schema: what `driver` and `meter` can say."""

from __future__ import annotations

from typing import Any

from ..device.catalog import Catalog
from ..device.declaration import HOST, OWN_HOST
from ..device.form import INLINE, Parameter, Template

Schema = dict[str, Any]
_ON = {"type": "string", "description": "the name of a link in `links`"}
_HOST = {"type": "string", "description": "its own address, in place of `on`"}


def device_shapes(catalog: Catalog, what: str) -> list[Schema]:
    """One shape for each device that can be a `what`: driver or meter."""
    fit = [template for template in catalog.values() if _is_fit(template, what)]
    shapes = [_shape(template) for template in sorted(fit, key=lambda one: one.device)]
    return [*shapes, *(_described(kind) for kind in sorted(INLINE))]


def _is_fit(template: Template, what: str) -> bool:
    return template.measures if what == "meter" else template.switches or template.limits


def _shape(template: Template) -> Schema:
    params = {name: _parameter(one) for name, one in template.params.items()}
    key = params.pop(template.key)
    links = {} if template.key == HOST else {"on": _ON}
    if template.key != HOST and template.speaks in OWN_HOST:
        links[HOST] = _HOST
    needed = [name for name in params if template.params[name].default is None]
    return {
        "type": "object",
        "title": template.title,
        "properties": {template.device: key, **params, **links},
        "required": [template.device, *needed],
        "additionalProperties": False,
    }


def _parameter(parameter: Parameter) -> Schema:
    shape: Schema = {"type": "string" if parameter.secret else ["string", "number", "boolean"]}
    if parameter.secret:
        shape["pattern"] = "^(env|file):.+$"
    default = {} if not parameter.default else {"default": parameter.default}
    return {**shape, "description": parameter.means, **default}


def _described(kind: str) -> Schema:
    """A device that is described in place."""
    return {
        "type": "object",
        "title": f"A device over {kind}, described here",
        "properties": {kind: {"type": "object", "description": "read, write, lease"}},
        "required": [kind],
    }
