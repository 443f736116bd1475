"""What a template says, in the words of `venctl devices` and of docs/devices.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from statemachine.device.form import Template, Want
from statemachine.kit.quantity import millis_text

HEADS = (
    "device",
    "what it is",
    "measures",
    "switches",
    "limits",
    "lease",
    "after a reboot",
    "wants",
    "tested with",
)
_BASE = {"kW": "W", "mW": "W", "mA": "A", "kWh": "Wh", "ms": "s"}
_FULL = {"{full_amps}": "the full current", "{full_watts}": "the full power"}
UNTESTED = "not on hardware yet"


def yes(can: bool) -> str:
    """Whether a device can do something, as a word."""
    return "yes" if can else "no"


def lease(template: Template) -> str:
    """What happens to a circuit when this program dies."""
    if template.lease is None:
        return "none" if template.control != "none" else "-"
    longest = template.lease.longest
    within = "" if longest is None else f", within {millis_text(longest)}"
    ends = {"free": "gives back by itself", "failsafe": "limits by itself"}
    return ends[template.lease.ends_in] + within


def after_reboot(template: Template) -> str:
    """What a circuit does after its device has restarted."""
    if template.control == "none":
        return "-"
    return "not known" if template.lease is None else template.lease.after_reboot


def wanted(want: Want) -> str:
    """How a setting should be, in a few words."""
    said = [] if want.one_of is None else [" or ".join(want.one_of)]
    for word, bound in (("at least", want.least), ("at most", want.most)):
        if bound is not None:
            said.append(f"{word} {_bound(bound, want.unit)}")
    return ", ".join(said)


def _bound(bound: Decimal | str, unit: str | None) -> str:
    """A bound is in the base unit, whatever the device counts in."""
    base = _BASE.get(unit or "", unit)
    return _FULL.get(str(bound)) or f"{bound} {base or ''}".rstrip()


def example(template: Template) -> str:
    """How it is written in ven.yaml, with what must be given."""
    needed = [
        name
        for name, parameter in template.params.items()
        if parameter.default is None and name != template.key
    ]
    own = "host" in [template.key, *needed]
    others = [f"{name}: {name.upper()}" for name in needed] + ([] if own else ["on: LINK"])
    inside = ", ".join([f"{template.device}: {template.key.upper()}", *others])
    return f"{'meter' if template.control == 'none' else 'driver'}: {{{inside}}}"


def row(template: Template) -> tuple[str, ...]:
    """A row of the table in docs/devices.md."""
    return (
        f"`{template.device}`",
        template.title,
        yes(template.measures),
        yes(template.switches),
        yes(template.limits),
        lease(template),
        after_reboot(template),
        "; ".join(f"`{name}` {wanted(want)}" for name, want in template.wants.items()) or "-",
        "; ".join(template.tested) or UNTESTED,
    )


def markdown(templates: Iterable[Template]) -> str:
    """All templates as a Markdown table."""
    lines: list[Sequence[str]] = [HEADS, ["---"] * len(HEADS), *map(row, templates)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def facts(template: Template) -> dict[str, Any]:
    """What a template says, as JSON for a tool."""
    return {
        "device": template.device,
        "title": template.title,
        "speaks": template.speaks,
        "control": template.control,
        "measures": template.measures,
        "switches": template.switches,
        "limits": template.limits,
        "gives_back": template.gives_back,
        "lease": None if template.lease is None else template.lease.model_dump(mode="json"),
        "key": template.key,
        "params": {name: one.model_dump(mode="json") for name, one in template.params.items()},
        "wants": {
            name: {"wanted": wanted(want), "why": want.why} for name, want in template.wants.items()
        },
        "notes": list(template.notes),
        "terms": template.terms,
        "sources": list(template.sources),
        "tested": list(template.tested),
    }
