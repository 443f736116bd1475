"""A recorded day: what circuits drew, out of CSV or JSON lines, one reading a line.

CSV begins with `time,circuit,kW`; JSON lines say `{"time": ..., "circuit": ..., "kW": ...}`. A time
is local time of the site, RFC 3339 with an offset, or epoch seconds.
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import Fault, Mark, SpecError, meant
from .localtime import start_ms
from .scenario import SITE
from .spec import Spec

COLUMNS = ("time", "circuit", "kW")
MOST_W = 1_000_000
MOST_FAULTS = 20


@dataclass(slots=True)
class Series:
    """What one circuit drew: `watts[n]` from `at_ms[n]` (UTC) until the next."""

    at_ms: list[int] = field(default_factory=list)
    watts: list[int] = field(default_factory=list)

    def at(self, ms: int) -> int:
        """Watts at a moment; before the first reading what the first one says."""
        return self.watts[max(0, bisect_right(self.at_ms, ms) - 1)]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded day, from its first to its last reading, in UTC milliseconds."""

    series: Mapping[str, Series]
    first_ms: int
    last_ms: int


def read_recorded(text: str, file: str, spec: Spec) -> Recorded:
    """Read a recorded day for a site. Raises `SpecError` with the faults of its lines."""
    series: dict[str, Series] = {}
    rows, faults = [], []
    for line, said in _rows(text, file):
        try:
            rows.append(_reading(said, spec))
        except ValueError as error:
            problem, _, hint = str(error).partition("; ")
            shown = text.splitlines()[line - 1]
            faults.append(Fault(Mark(file, line, 1, shown), "bad-value", problem, hint))
    if faults:
        raise SpecError(faults[:MOST_FAULTS])
    for at_ms, circuit, watts in sorted(rows):
        one = series.setdefault(circuit, Series())
        one.at_ms.append(at_ms)
        one.watts.append(watts)
    if not rows:
        raise SpecError([Fault(Mark(file, 1, 1), "missing", "nothing is recorded here")])
    return Recorded(series, min(rows)[0], max(rows)[0])


def _rows(text: str, file: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each line's number and what it says; an empty mapping where it says nothing readable."""
    lines = text.splitlines()
    if text.lstrip().startswith("{"):
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _json(line)
        return
    if not lines or tuple(part.strip() for part in lines[0].split(",")) != COLUMNS:
        at = Mark(file, 1, 1, lines[0] if lines else "")
        raise SpecError(
            [
                Fault(
                    at, "bad-value", "a recorded day begins with a line of names", "time,circuit,kW"
                )
            ]
        )
    for number, cells in enumerate(csv.reader(lines[1:]), start=2):
        if cells:
            yield number, dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=False))


def _json(line: str) -> Mapping[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _reading(said: Mapping[str, Any], spec: Spec) -> tuple[int, str, int]:
    if missing := [name for name in COLUMNS if said.get(name) in (None, "")]:
        raise ValueError(f"this line says no {missing[0]}; write time, circuit and kW")
    circuit = str(said["circuit"])
    if circuit not in spec.circuits and circuit != SITE:
        raise ValueError(f"no circuit is called {circuit!r}; {meant(circuit, spec.circuits)}")
    return _time(str(said["time"]), spec.site.timezone), circuit, _watts(said["kW"])


def _time(text: str, timezone: str | None) -> int:
    try:
        return round(float(text) * 1000)
    except (ValueError, OverflowError):
        return start_ms(text.replace(" ", "T"), timezone)


def _watts(said: object) -> int:
    try:
        kilowatts = float(str(said))
    except ValueError:
        kilowatts = -1.0
    if not 0 <= kilowatts * 1000 <= MOST_W:
        raise ValueError(f"{str(said)[:40]!r} is no power in kW")
    return round(kilowatts * 1000)
