"""The JSON Schema of a ven.yaml, made from the models that read it, for completion in editors.

Defaults and examples are written as in the file; each chart offers only the names it can use.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from ..chart.names import names_of
from ..device.catalog import NO_DEVICES, Catalog
from ..site.spec import Spec
from .device_schema import device_shapes

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
_OF_EVENTS = ("sheds", "until", "final", "report")


def schema(catalog: Catalog = NO_DEVICES) -> Schema:
    """The schema of a whole ven.yaml (draft 2020-12), with the devices that it can name."""
    made: Schema = Spec.model_json_schema(by_alias=True)
    parts: Schema = made.pop("$defs")
    models = {model.__name__: model for model in _models(Spec)}
    for name, part in (*parts.items(), (Spec.__name__, made)):
        _spell(part, models[name])
    for chart in ("event", "shadow"):
        parts |= _chart(parts, chart)
        made["properties"][chart] |= {"$ref": f"#/$defs/{chart}_Table"}
    for name in ("Table", "State", "Row"):
        del parts[name]
    _name_devices(made, parts, catalog)
    made["required"] = [name for name in made["required"] if name not in ("event", "shadow")]
    return {"$schema": DIALECT, "title": "ven.yaml", **made, "$defs": parts}


def _name_devices(made: Schema, parts: Schema, catalog: Catalog) -> None:
    """Drivers and meters offer the devices of the catalog."""
    circuit = parts["Circuit"]["properties"]
    for setting, what in (
        (circuit["driver"], "driver"),
        (circuit["meter"], "meter"),
        (made["properties"]["meter"], "meter"),
    ):
        words = [part for part in setting.get("anyOf", ()) if "enum" in part]
        setting["anyOf"] = [*words, {"$ref": f"#/$defs/{what}_device"}]
        setting.pop("type", None)
    parts["driver_device"] = {"anyOf": device_shapes(catalog, "driver")}
    parts["meter_device"] = {"anyOf": device_shapes(catalog, "meter")}


def _spell(part: Schema, model: type[BaseModel]) -> None:
    """One section as in the file: no titles, no nulls, defaults with their units."""
    part.pop("title", None)
    defaults = _defaults(model)
    for name, field in part["properties"].items():
        field.pop("title", None)
        field.pop("default", None)
        if "anyOf" in field:
            left = [form for form in field.pop("anyOf") if form != {"type": "null"}]
            field |= (left[0] if len(left) == 1 else {"anyOf": left}) | {
                "description": field["description"]
            }
        if "patternProperties" in field:
            ((pattern, inner),) = field.pop("patternProperties").items()
            field |= {"propertyNames": {"pattern": pattern}, "additionalProperties": inner}
        if name in defaults:
            field["default"] = defaults[name]
    if not part.get("required"):
        part["type"] = ["object", "null"]


def _defaults(model: type[BaseModel]) -> Schema:
    """The defaults of a section, as written in a file; sections within have their own."""
    given = {
        name: field.default
        for name, field in model.model_fields.items()
        if not field.is_required() and not isinstance(field.default, BaseModel | list | dict | None)
    }
    blank = model.model_construct(**given)
    return blank.model_dump(mode="json", by_alias=True, include=set(given))


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            yield from _models(part)


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _parts(inner)


def _chart(parts: Schema, chart: str) -> Schema:
    """Table, State and Row for one chart, with the names that it can use."""
    table, state, row = (deepcopy(parts[name]) for name in ("Table", "State", "Row"))
    enums = {what: {"enum": names_of(chart, what)} for what in ("trigger", "guard", "action")}
    row["properties"]["trigger"] |= enums["trigger"]
    for name, what in (("if", "guard"), ("unless", "guard"), ("do", "action")):
        row["properties"][name] = _words(row["properties"][name], enums[what])
    state["properties"]["enter"] = _words(state["properties"]["enter"], enums["action"])
    if chart == "shadow":
        for name in _OF_EVENTS:
            del state["properties"][name]
    table["properties"]["states"]["additionalProperties"] = {"$ref": f"#/$defs/{chart}_State"}
    table["properties"]["transitions"]["items"] = {"$ref": f"#/$defs/{chart}_Row"}
    return {f"{chart}_Table": table, f"{chart}_State": state, f"{chart}_Row": row}


def _words(field: Schema, enum: Schema) -> Schema:
    """One of these names, or a list of them."""
    kept = {"description": field["description"]}
    return kept | {"anyOf": [enum, {"type": "array", "items": enum}, {"type": "null"}]}
