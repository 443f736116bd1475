"""Reads a recorded day: what circuits drew, in CSV or JSON lines, one reading a line.

CSV begins with `time,circuit,kW`; JSON lines are `{"time": ..., "circuit": ..., "kW": ...}`. A time
is local time of the site, RFC 3339 with an offset, or epoch seconds.
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...kit.errors import Finding, Mark, SpecError, suggestion
from ...kit.localtime import start_ms
from ...site.spec import Spec
from .scenario import SITE

COLUMNS = ("time", "circuit", "kW")
MOST_W = 1_000_000
MOST_FAULTS = 20
DAY_MS = 86_400_000
MOST_MS = 400 * DAY_MS
LATEST_MS = 4_102_444_800_000  # 2100-01-01, in UTC


@dataclass(slots=True)
class Series:
    """What one circuit drew: `watts[n]` from `at_ms[n]` (UTC) until the next."""

    at_ms: list[int] = field(default_factory=list)
    watts: list[int] = field(default_factory=list)

    def at(self, ms: int) -> int:
        """Watts at a moment; before the first reading those of the first."""
        return self.watts[max(0, bisect_right(self.at_ms, ms) - 1)]


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """A recorded day, from its first to its last reading, in UTC milliseconds."""

    series: Mapping[str, Series]
    first_ms: int
    last_ms: int


def read_recorded(text: str, file: str, spec: Spec) -> RecordedDay:
    """Read a recorded day for a site. Raises `SpecError` with the findings about its lines."""
    by_circuit: dict[str, Series] = {}
    lines, rows, faults = text.splitlines(), [], list[Finding]()
    for line, row in _rows(lines, file):
        try:
            rows.append(_reading(row, spec))
        except ValueError as error:
            problem, _, hint = str(error).partition("; ")
            faults.append(_fault(file, line, lines[line - 1], problem, hint))
            if len(faults) == MOST_FAULTS:
                break
    if faults:
        raise SpecError(faults)
    for at_ms, circuit, watts in sorted(rows):
        series = by_circuit.setdefault(circuit, Series())
        series.at_ms.append(at_ms)
        series.watts.append(watts)
    if not rows:
        raise SpecError(
            [
                Finding(
                    Mark(file, 1, 1),
                    "missing",
                    "the file has no readings",
                    "write lines with time, circuit and kW",
                )
            ]
        )
    first_ms, last_ms = min(rows)[0], max(rows)[0]
    if last_ms - first_ms > MOST_MS:
        problem = f"the readings cover more than {MOST_MS // DAY_MS} days"
        raise SpecError([_fault(file, 1, lines[0], problem, "use a shorter part")])
    return RecordedDay(by_circuit, first_ms, last_ms)


def _fault(file: str, line: int, text: str, problem: str, hint: str) -> Finding:
    return Finding(Mark(file, line, 1, text), "bad-value", problem, hint)


def _rows(lines: Sequence[str], file: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each line's number and its values; an empty mapping if the line cannot be read."""
    if next((line for line in map(str.lstrip, lines) if line), "").startswith("{"):
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _json(line)
        return
    if not lines or tuple(part.strip() for part in lines[0].split(",")) != COLUMNS:
        at = Mark(file, 1, 1, lines[0] if lines else "")
        raise SpecError(
            [
                Finding(
                    at,
                    "bad-value",
                    "the first line does not name the columns",
                    "write time,circuit,kW",
                )
            ]
        )
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            yield number, _cells(line)


def _cells(line: str) -> Mapping[str, Any]:
    try:
        cells = next(csv.reader([line]))
    except csv.Error:
        return {}
    return dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=False))


def _json(line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _reading(row: Mapping[str, Any], spec: Spec) -> tuple[int, str, int]:
    if missing := [name for name in COLUMNS if row.get(name) in (None, "")]:
        raise ValueError(f"this line has no {missing[0]}; write time, circuit and kW")
    circuit = str(row["circuit"])
    if circuit not in spec.circuits and circuit != SITE:
        raise ValueError(
            f"no circuit is called {circuit[:40]!r}; {suggestion(circuit, spec.circuits)}"
        )
    return _time(str(row["time"]), spec.site.timezone), circuit, _watts(row["kW"])


def _time(text: str, timezone: str | None) -> int:
    try:
        ms = round(float(text) * 1000)
    except (ValueError, OverflowError):
        return start_ms(text.replace(" ", "T"), timezone)
    if not 0 <= ms <= LATEST_MS:
        raise ValueError(f"{text[:40]!r} is not a time between 1970 and 2100")
    return ms


def _watts(value: object) -> int:
    try:
        kilowatts = float(str(value))
    except ValueError:
        kilowatts = -1.0
    if not 0 <= kilowatts * 1000 <= MOST_W:
        raise ValueError(f"{str(value)[:40]!r} is not a power in kW; write it like 1.5")
    return round(kilowatts * 1000)
