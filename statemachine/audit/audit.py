"""Checks a site as a whole, when ven.yaml is read and not at the first event."""

from __future__ import annotations

from collections.abc import Iterator

from ..kit.errors import Fault
from .charts import chart_faults
from .circuits import circuit_faults
from .draft import Draft
from .site import site_faults


def audit(draft: Draft) -> Iterator[Fault]:
    """Every finding about a site whose settings are each valid: errors and warnings."""
    yield from site_faults(draft)
    yield from circuit_faults(draft)
    for chart in ("event", "shadow"):
        yield from chart_faults(draft, chart)
