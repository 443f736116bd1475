"""Writes a site as the text of a ven.yaml: every value in force, as people write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..site.panel import SHEDDING, Circuit
from ..site.spec import Spec

WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./:%+-]*( [A-Za-z0-9_./%+-]+)*")
_TYPED = re.compile(r"true|false|null|[.+-]?[0-9][0-9._eE+-]*")
_ODD = re.compile("[^ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_HEAD = """\
# Every value in force. A setting that is missing here is not set: there is no limit, or it would
# have no effect. A password is not shown.
"""


def values_in_force(spec: Spec) -> dict[str, Any]:
    """Every value in force by its name in the file, as written in a file."""
    said = spec.model_dump(mode="json", by_alias=True, exclude={"cloud": {"password"}})
    for place, (id, circuit) in enumerate(spec.circuits.items(), start=1):
        said["circuits"][id] = _in_force(id, place, circuit)
    return said


def to_yaml(spec: Spec) -> str:
    """A whole ven.yaml that leaves nothing to a default."""
    said = values_in_force(spec)
    return _HEAD + "\n".join(line for name in said for line in _section(name, said[name])) + "\n"


def entry(name: str, value: Mapping[str, Any], indent: int = 2) -> str:
    """`name: {a: 1, b: 2}`, on as many lines as it takes."""
    return "\n".join(_flow(f"{' ' * indent}{name}: ", value))


def scalar(value: object) -> str:
    """One value; in quotes if YAML would read something else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(scalar, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {scalar(said)}' for name, said in value.items())}}}"
    text = str(value)
    typed = isinstance(value, str) and _TYPED.fullmatch(text)
    if _PLAIN.fullmatch(text) and not typed and not text.endswith(":"):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _in_force(id: str, place: int, circuit: Circuit) -> dict[str, Any]:
    """A circuit with the defaults of its type and position, without settings without effect."""
    filled = circuit.model_copy(
        update={
            "name": circuit.name or id,
            "priority": place if circuit.priority is None else circuit.priority,
            "min_on": circuit.min_on_ms,
            "min_off": circuit.min_off_ms,
            "max_off": circuit.max_off_ms,
            "typical": circuit.typical_w,
        }
    )
    idle = {"stale_after"} if circuit.meter == "none" else set()
    idle |= set() if circuit.shed_percent else set(SHEDDING)
    said = filled.model_dump(mode="json", by_alias=True, exclude=idle)
    return {name: value for name, value in said.items() if value is not None}


def _section(name: str, said: Any) -> Iterator[str]:
    if name in ("event", "shadow"):
        yield from _chart(name, said)
    elif name == "circuits":
        yield "circuits:"
        yield from (entry(id, circuit) for id, circuit in said.items())
    elif isinstance(said, dict):
        yield f"{name}:"
        yield from (f"  {key}: {scalar(value)}" for key, value in said.items() if value is not None)
    elif isinstance(said, list):
        yield f"{name}:" if said else f"{name}: []"
        yield from (line for item in said for line in _flow("  - ", _said(item)))
    else:
        yield f"{name}: {scalar(said)}"


def _chart(name: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}:", f"  initial: {said['initial']}", "  states:")
    for state, declared in said["states"].items():
        yield entry(state, _said(declared), 4)
    yield "  transitions:"
    yield from (line for row in said["transitions"] for line in _flow("    - ", _said(row)))


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only settings that are set; a list with one item is written as that item."""
    kept = {name: value for name, value in values.items() if value not in (None, [], False)}
    lists = {name: value for name, value in kept.items() if isinstance(value, list)}
    return kept | {name: value[0] for name, value in lists.items() if len(value) == 1}


def _flow(lead: str, values: Mapping[str, Any]) -> list[str]:
    """A mapping in braces, wrapped between its settings."""
    words = [f"{name}: {scalar(value)}" for name, value in values.items()]
    lines, line = [], lead + "{"
    for place, word in enumerate(words):
        if len(line) + len(word) + 1 > WIDTH and place:
            lines.append(line.rstrip())
            line = " " * len(lead + "{")
        line += word + (", " if place < len(words) - 1 else "")
    return [*lines, line + "}"]
