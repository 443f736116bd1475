"""Reads the ven.yaml of a site on this machine, whose time zone is the default."""

from __future__ import annotations

from statemachine import Spec, read
from statemachine.device.catalog import Catalog
from web.time_zone import zone_of


def read_local_site(text: str, name: str, catalog: Catalog) -> Spec:
    """The site in a ven.yaml, with its time zone filled in. Raises SpecError.

    `catalog` has the devices that it can name.
    """
    spec = read(text, name, catalog)
    zone = zone_of(spec.site.timezone).key
    return spec.model_copy(update={"site": spec.site.model_copy(update={"timezone": zone})})
