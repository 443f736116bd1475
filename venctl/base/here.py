"""The ven.yaml of a site on this machine: one that names no time zone means this machine's."""

from __future__ import annotations

from statemachine import Spec, read
from web.time_zone import zone_of


def read_here(text: str, name: str) -> Spec:
    """The site that a ven.yaml declares, its time zone named. Raises SpecError."""
    spec = read(text, name)
    zone = zone_of(spec.site.timezone).key
    return spec.model_copy(update={"site": spec.site.model_copy(update={"timezone": zone})})
