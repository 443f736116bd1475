"""Compares web/static/vendor with its vendor.json, without node; run it as a script."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parent.parent / "static" / "vendor"
ALLOWED_LICENCES = frozenset(
    {"MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "OFL-1.1"}
)
MANIFEST = "vendor.json"


def faults(root: Path) -> list[str]:
    """One line for each difference between `root` and its manifest."""
    manifest: dict[str, Any] = json.loads((root / MANIFEST).read_text("utf-8"))
    return _faulty_files(root, manifest["files"]) + _faulty_licences(manifest)


def _faulty_files(root: Path, listed: dict[str, Any]) -> list[str]:
    files = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} - {MANIFEST}
    lines = [f"not in {MANIFEST}: {name}" for name in sorted(files - listed.keys())]
    lines += [f"missing: {name}" for name in sorted(listed.keys() - files)]
    for name in sorted(files & listed.keys()):
        if hashlib.sha256((root / name).read_bytes()).hexdigest() != listed[name]["sha256"]:
            lines.append(f"changed: {name}")
    return lines


def _faulty_licences(manifest: dict[str, Any]) -> list[str]:
    lines = []
    for name, package in manifest["packages"].items():
        if package["license"] not in ALLOWED_LICENCES:
            lines.append(f"licence {package['license']} of {name} is not in ALLOWED_LICENCES")
        if f"LICENSES/{name.replace('@', '_').replace('/', '_')}.txt" not in manifest["files"]:
            lines.append(f"the licence text of {name} is missing")
    return lines


def main() -> int:
    """Print the differences, or that there are none; returns 1 or 0."""
    lines = faults(Path(sys.argv[1]) if len(sys.argv) > 1 else VENDOR)
    print("\n".join(lines) or "vendored files match vendor.json")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
