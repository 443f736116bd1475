"""Which template a driver or meter names, or describes in place."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pydantic import ValidationError

from ...device.catalog import Catalog
from ...device.form import INLINE, Template, TemplateError, inline
from ...kit.errors import suggestion
from ...site.source import Path, Value
from .findings import Findings

# The blocks of a template that is described in place.
BLOCKS = ("read", "write", "lease", "control", "pace", "wants", "auth", "user")


class Naming:
    """Finds templates by the first setting of a device."""

    def __init__(self, catalog: Catalog, findings: Findings) -> None:
        self._catalog, self._findings = catalog, findings

    def named(
        self, path: Path, value: Value, what: str, words: Iterable[str]
    ) -> tuple[Template, str | None] | None:
        """The template, and its JSON if it is described in place; None: that is no device."""
        if not isinstance(value, dict) or not value:
            self._no_device(path, value, what, list(words))
            return None
        name = next(iter(value))
        at = (*path, name)
        if name in INLINE and isinstance(value[name], dict):
            return self._described(at, name, value[name])
        if name in self._catalog:
            return self._catalog[name], None
        if name in INLINE:
            hint = f"write {{{name}: {{read: ..., write: ...}}}}, or name a device"
            self._findings.of(at, "unknown-device", f"{name} alone is no device", hint)
            return None
        self._findings.of(
            at, "unknown-device", f"no device is called {name!r}", self._nearest(name, value, words)
        )
        return None

    def _nearest(self, name: str, value: dict[str, Value], words: Iterable[str]) -> str:
        if name in words:
            return f"write {name} without braces"
        if (
            later := next((key for key in value if key in self._catalog or key in INLINE), None)
        ) is not None:
            return f"write {later!r} first"
        return suggestion(name, self._catalog.keys() | INLINE)

    def _no_device(self, path: Path, value: Value, what: str, words: list[str]) -> None:
        forms = ", ".join([*words, "or a device like {shelly: 192.168.1.40}"])
        forms = forms if words else "a device like {homewizard: 192.168.1.30}"
        if isinstance(value, str) and value in self._catalog:
            template = self._catalog[value]
            forms = f"{{{value}: {template.key.upper() or '...'}}}"
        shown = repr(value) if isinstance(value, str) else "this"
        problem = f"{shown} is not valid for `{what}`"
        self._findings.at(path, "bad-value", problem, f"write {forms}")

    def _described(self, at: Path, kind: str, form: Value) -> tuple[Template, str] | None:
        mapping = form if isinstance(form, dict) else {}
        unknown = [block for block in mapping if block not in BLOCKS]
        for block in unknown:
            problem = f"no block of a device is called {block!r}"
            self._findings.of((*at, block), "unknown-setting", problem, suggestion(block, BLOCKS))
        if unknown:
            return None
        try:
            return inline(kind, mapping), json.dumps(mapping)
        except ValidationError as error:
            for details in error.errors():
                self._explain(at, details)
        return None

    def _explain(self, at: Path, details: object) -> None:
        """One fault of a template, or all that a whole template says and that cannot be."""
        assert isinstance(details, dict)
        path = (*at, *details["loc"])
        error = details.get("ctx", {}).get("error")
        if isinstance(error, TemplateError):
            for fault in error.faults:
                self._findings.at((*path, *fault.path), "bad-value", fault.sentence)
        elif details["type"] == "extra_forbidden":
            problem = f"no setting is called {str(path[-1])!r}"
            self._findings.of(path, "unknown-setting", problem)
        elif details["type"] == "missing":
            problem = f"`{path[-1]}` is missing"
            self._findings.at(path[:-1], "missing", problem, "add it")
        else:
            problem, _, hint = str(error or details["msg"]).partition("; ")
            self._findings.at(path, "bad-value", problem, hint)
