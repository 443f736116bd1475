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
_TYPED = re.compile(r"true|false|null|(?!\d+\.\d+\.\d+\.\d+$)[.+-]?[0-9][0-9._eE+-]*")
_ODD = re.compile("[^ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_HEAD = """\
# Every value in force. A setting that is missing here is not set: there is no limit, or it would
# have no effect. A password is not shown.
"""


def values_in_force(spec: Spec) -> dict[str, Any]:
    """Every value in force by its name in the file, as written in a file."""
    values = spec.model_dump(mode="json", by_alias=True, exclude={"cloud": {"password"}})
    for position, (id, circuit) in enumerate(spec.circuits.items(), start=1):
        values["circuits"][id] = _in_force(id, position, circuit)
    return values


def to_yaml(spec: Spec) -> str:
    """A whole ven.yaml that leaves nothing to a default."""
    values = values_in_force(spec)
    lines = [line for name, part in values.items() for line in _section(name, part)]
    return _HEAD + "\n".join(lines) + "\n"


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
        return f"{{{', '.join(f'{scalar(name)}: {scalar(item)}' for name, item in value.items())}}}"
    if value is None:
        return ""
    text = str(value)
    typed = isinstance(value, str) and _TYPED.fullmatch(text)
    if _PLAIN.fullmatch(text) and not typed and not text.endswith(":"):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def _in_force(id: str, position: int, circuit: Circuit) -> dict[str, Any]:
    """A circuit with the defaults of its type and position, without settings without effect."""
    filled = circuit.model_copy(
        update={
            "name": circuit.name or id,
            "priority": position if circuit.priority is None else circuit.priority,
            "min_on": circuit.min_on_ms,
            "min_off": circuit.min_off_ms,
            "max_off": circuit.max_off_ms,
            "typical": circuit.typical_w,
        }
    )
    idle = {"stale_after"} if not circuit.metered else set()
    idle |= set() if circuit.shed_percent else set(SHEDDING)
    values = filled.model_dump(mode="json", by_alias=True, exclude=idle)
    return {name: value for name, value in values.items() if value is not None}


def _section(name: str, part: Any) -> Iterator[str]:
    if name in ("event", "shadow"):
        yield from _chart(name, part)
    elif name == "circuits" or (name == "links" and part):
        yield f"{name}:"
        yield from (entry(id, _set(one)) for id, one in part.items())
    elif part is None or name == "links":
        return
    elif isinstance(part, dict):
        yield f"{name}:"
        yield from (f"  {key}: {scalar(value)}" for key, value in part.items() if value is not None)
    elif isinstance(part, list):
        yield f"{name}:" if part else f"{name}: []"
        yield from (line for item in part for line in _flow("  - ", _said(item)))
    else:
        yield f"{name}: {scalar(part)}"


def _chart(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}:", f"  initial: {table['initial']}", "  states:")
    for state, declared in table["states"].items():
        yield entry(state, _said(declared), 4)
    yield "  transitions:"
    yield from (line for row in table["transitions"] for line in _flow("    - ", _said(row)))


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only settings that are set."""
    return {name: value for name, value in values.items() if value is not None}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only settings that are set; a list with one item is written as that item."""
    kept = {name: value for name, value in values.items() if value not in (None, [], False)}
    lists = {name: value for name, value in kept.items() if isinstance(value, list)}
    return kept | {name: value[0] for name, value in lists.items() if len(value) == 1}


def _flow(lead: str, values: Mapping[str, Any]) -> list[str]:
    """A mapping in braces, wrapped between its settings."""
    words = [f"{name}: {scalar(value)}" for name, value in values.items()]
    lines, line = [], lead + "{"
    for index, word in enumerate(words):
        if len(line) + len(word) + 1 > WIDTH and index:
            lines.append(line.rstrip())
            line = " " * len(lead + "{")
        line += word + (", " if index < len(words) - 1 else "")
    return [*lines, line + "}"]
