"""The devices that a ven.yaml can name: templates by their names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from .form import Template

Catalog: TypeAlias = Mapping[str, Template]

NO_DEVICES: Catalog = MappingProxyType({})
