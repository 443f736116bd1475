"""Checks a site as a whole, when ven.yaml is read and not at the first event."""

from __future__ import annotations

from collections.abc import Iterator

from ..kit.errors import Finding
from .charts import chart_findings
from .circuits import circuit_findings
from .devices.rules import device_findings
from .draft import Draft
from .site import site_findings


def audit(draft: Draft) -> Iterator[Finding]:
    """Every finding about a site whose settings are each valid: errors and warnings."""
    yield from site_findings(draft)
    yield from circuit_findings(draft)
    yield from device_findings(draft)
    for chart in ("event", "shadow"):
        yield from chart_findings(draft, chart)
