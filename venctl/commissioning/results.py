"""The results of the last tests, kept in the state folder for `venctl check` and the page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from statemachine.site.spec import Spec

from ..base.private_files import read_text, write_private

NAME = "circuits-test.json"
SIM = "sim"
Grade: TypeAlias = Literal["ok", "unproved", "warning", "failed"]


class LastTest(BaseModel):
    """What the last test of one circuit showed; times are in ms, `at_ms` is UTC.

    `declared` is a digest of how it was declared. `findings` are sentences.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    at_ms: int
    grade: Grade
    device: str
    declared: str
    model: str | None = None
    firmware: str | None = None
    told_ms: int | None = None
    seen_ms: int | None = None
    meter_ms: int | None = None
    lease_ms: int | None = None
    findings: tuple[str, ...] = ()


def last_tests(folder: Path) -> dict[str, LastTest]:
    """The last test of each circuit, by its id; empty if there was none, or it cannot be read."""
    try:
        kept = json.loads(read_text(folder / NAME))["circuits"]
        return {str(id): LastTest.model_validate(one) for id, one in kept.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return {}


def keep(folder: Path, results: Mapping[str, LastTest]) -> None:
    """Keep new results beside those of other circuits. Raises OSError."""
    both = {**last_tests(folder), **results}
    body = {"circuits": {id: one.model_dump(mode="json") for id, one in both.items()}}
    write_private(folder / NAME, json.dumps(body, indent=1, ensure_ascii=False) + "\n")


def digest(*texts: str) -> str:
    """How a circuit and its meter are declared, so that a test of another device does not count."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def results_line(spec: Spec, folder: Path, when: Any) -> str | None:
    """One line about the last tests; None: the site has no circuit to test.

    `when` writes a time in epoch seconds.
    """
    wired = [id for id, circuit in spec.circuits.items() if circuit.driver != SIM]
    if not wired:
        return None
    tests = valid_tests(spec, last_tests(folder))
    never = [id for id in wired if id not in tests]
    if len(never) == len(wired):
        return "no circuit was tested yet; run `venctl circuits test`"
    newest = max(one.at_ms for one in tests.values())
    said = [f"circuits last tested {when(newest / 1000)}: {_counted(tests.values())}"]
    said += [_named("failed", _of(tests, "failed")), _named("warning", _of(tests, "warning"))]
    said += [_named("not proved", _of(tests, "unproved")), _named("never tested", never)]
    return "; ".join(part for part in said if part)


def valid_tests(spec: Spec, tests: Mapping[str, LastTest]) -> dict[str, LastTest]:
    """The tests of circuits that are still declared as they were."""
    return {
        id: one
        for id, one in tests.items()
        if id in spec.circuits
        and one.declared == digest(spec.circuits[id].driver, spec.circuits[id].meter)
    }


def _of(tests: Mapping[str, LastTest], grade: Grade) -> list[str]:
    return [id for id, one in tests.items() if one.grade == grade]


def _named(what: str, ids: list[str]) -> str:
    return f"{what}: {', '.join(ids)}" if ids else ""


def _counted(tests: Iterable[LastTest]) -> str:
    return counts_text([one.grade for one in tests])


def counts_text(grades: list[Grade]) -> str:
    """`1 ok, 1 warning, 2 failed`."""
    words = {"ok": "ok", "unproved": "not proved", "warning": "warning", "failed": "failed"}
    counts = [(grades.count(cast(Grade, grade)), word) for grade, word in words.items()]
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing"
