"""Turns every device that a ven.yaml names into the text that says everything about it.

`driver: {shelly: 192.168.1.40}` becomes the text of a `DeviceDeclaration`, with the template's
defaults and the link filled in. What cannot be resolved is left out, so that the rest is checked
at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...device.catalog import Catalog
from ...device.declaration import DeviceDeclaration
from ...device.fill import queries
from ...device.form import Template
from ...kit.errors import Finding
from ...site.devices import DRIVER_WORDS, METER_WORDS
from ...site.source import Path, Source, Value, child
from .findings import Findings
from .naming import Naming
from .parameters import parameters
from .reach import LinkChoice


def with_devices(source: Source, catalog: Catalog) -> tuple[Value, list[Finding]]:
    """The settings of a file with each device as its text, and what is wrong with them."""
    findings = Findings(source)
    if not isinstance(source.value, dict):
        return source.value, []
    resolver = _Resolver(catalog, LinkChoice(child(source.value, "links"), findings), findings)
    whole = {name: entry for name, entry in source.value.items() if name != "meter"}
    if (main := resolver.main_meter(source.value)) is not None:
        whole["meter"] = main
    circuits = source.value.get("circuits")
    if isinstance(circuits, dict):
        whole["circuits"] = {
            id: resolver.circuit(("circuits", id), entry) if isinstance(entry, dict) else entry
            for id, entry in circuits.items()
        }
    return whole, findings.all


class _Resolver:
    def __init__(self, catalog: Catalog, reach: LinkChoice, findings: Findings) -> None:
        self._reach, self._findings = reach, findings
        self._naming = Naming(catalog, findings)

    def main_meter(self, whole: Mapping[str, Value]) -> str | None:
        """The text of the site's main meter; None if it has none."""
        if whole.get("meter") is None:
            return None
        return self._meter(("meter",), whole["meter"], ())

    def circuit(self, at: Path, circuit: dict[str, Value]) -> dict[str, Value]:
        """A circuit whose driver and meter are texts. The template says what is not written."""
        resolved = {k: v for k, v in circuit.items() if k not in ("driver", "meter")}
        if "driver" in circuit:
            resolved |= self._driven(at, circuit)
        if "meter" in circuit:
            meter = self._meter((*at, "meter"), circuit["meter"], METER_WORDS)
            resolved |= {"meter": meter} if meter is not None else {}
            if meter not in (None, *METER_WORDS) and "driver" not in circuit:
                resolved.setdefault("control", "none")
        return resolved

    def _driven(self, at: Path, circuit: Mapping[str, Value]) -> dict[str, Value]:
        path, value = (*at, "driver"), circuit["driver"]
        if value in DRIVER_WORDS:
            return {"driver": value}
        found = self._device(path, value, "driver", DRIVER_WORDS)
        if found is None:
            return {}
        template, device = found
        measures = _measures(template, device)
        if not template.switches and not template.limits:
            problem = f"{template.device} only measures, so it cannot switch {at[-1]}"
            self._findings.at(path, "cannot-switch", problem, "write it as `meter`")
            return {}
        if not measures and circuit.get("meter") == "own":
            problem = f"this {template.device} does not measure what {at[-1]} draws"
            hint = "write meter: none, or the device that measures it"
            self._findings.at((*at, "meter"), "cannot-measure", problem, hint)
        assumed: dict[str, Value] = {} if measures else {"meter": "none"}
        return {
            "driver": device.text,
            "control": circuit.get("control", template.control),
            **assumed,
        }

    def _meter(self, path: Path, value: Value, words: tuple[str, ...]) -> str | None:
        if isinstance(value, str) and value in words:
            return value
        found = self._device(path, value, "meter", words)
        if found is None:
            return None
        template, device = found
        if not _measures(template, device):
            problem = f"this {template.device} does not measure power, so it can be no meter"
            self._findings.at(path, "cannot-measure", problem, "name the device that measures it")
            return None
        return device.text

    def _device(
        self, path: Path, value: Value, what: str, words: tuple[str, ...]
    ) -> tuple[Template, DeviceDeclaration] | None:
        named = self._naming.named(path, value, what, words)
        if named is None or not isinstance(value, dict):
            return None
        template, form = named
        params = parameters(path, value, template, form, self._findings)
        if params is None:
            return None
        link = self._reach.link(path, value, template, params)
        if link is None:
            return None
        return template, DeviceDeclaration(template.device, params, link)


def _measures(template: Template, device: DeviceDeclaration) -> bool:
    """Whether it tells power. A read whose optional parameter was left out is not done."""
    return "power" in queries(template, device.params)
