"""The devices that a ven.yaml can name: templates by their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from .declaration import FORM, DeviceDeclaration
from .form import INLINE, Template, inline

Catalog: TypeAlias = Mapping[str, Template]

NO_DEVICES: Catalog = MappingProxyType({})


def secrets_of(catalog: Catalog) -> frozenset[str]:
    """The names of all parameters that are secrets."""
    return frozenset(
        name
        for template in catalog.values()
        for name, parameter in template.params.items()
        if parameter.secret
    )


def template_of(device: DeviceDeclaration, catalog: Catalog) -> Template | None:
    """What the device can do; None: the catalog no longer has its template.

    Raises ValueError if its own template, in ven.yaml, is not valid in this version.
    """
    form = device.params.get(FORM)
    if form is not None and device.device in INLINE:
        return inline(device.device, json.loads(form))
    return catalog.get(device.device)
