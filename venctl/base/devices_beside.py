"""The devices that a ven.yaml can name: those in the folder `devices/` beside it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from statemachine import SpecError
from statemachine.device.catalog import Catalog
from statemachine.device.form import Template
from statemachine.kit.errors import Finding
from statemachine.site.source import parse

from .private_files import read_text


def devices_beside(file: Path) -> Catalog:
    """All templates for the ven.yaml `file`. Raises SpecError or OSError."""
    folder = file.resolve().parent / "devices"
    found = [_template(one) for one in sorted(folder.glob("*.yaml"))]
    return {template.device: template for template in found}


def _template(file: Path) -> Template:
    source = parse(read_text(file), str(file))
    try:
        return Template.model_validate(source.value)
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecError([Finding(source.mark(first["loc"]), "bad-value", first["msg"])]) from None
