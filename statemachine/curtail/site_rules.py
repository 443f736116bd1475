"""The rules of a site, `never` and `always` in ven.yaml: which of them are broken now.

`venctl verify` uses it to search for a day that breaks one, and the running controller to raise an
alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..site.spec import Always, Never, Spec
from ..state.circuit import CircuitState
from ..state.measures import power_w, shed_w
from ..state.memory import Memory
from .dwell import duration


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken rule: its key, the rule in words, and what is found instead."""

    key: str
    rule: str
    found: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.found}"


def broken_rules(spec: Spec, memory: Memory) -> tuple[Breach, ...]:
    """Every rule of the site that is broken now."""
    breaches = [
        *(breach for rule in spec.never for breach in _never(spec, rule, memory)),
        *(breach for rule in spec.always for breach in _always(rule, memory)),
    ]
    return tuple(breaches)


def _never(spec: Spec, rule: Never, memory: Memory) -> Iterator[Breach]:
    live, id = memory.circuits[rule.circuit], spec.name_of(rule.circuit)
    mono_ms, gives_w = memory.mono_ms, _gives_w(live)
    off_ms = mono_ms - live.off_mono_ms if live.off_mono_ms is not None and live.enabled else 0
    gives_ms = memory.at_ms - live.gave_ms if live.giving else 0
    if rule.off_for is not None and live.giving and off_ms > rule.off_for:
        sentence = f"{id} is never off for longer than {duration(rule.off_for)}"
        yield Breach("off_for", sentence, duration(off_ms))
    if rule.shed_for is not None and gives_ms > rule.shed_for:
        sentence = f"{id} is never shed for longer than {duration(rule.shed_for)}"
        yield Breach("shed_for", sentence, duration(gives_ms))
    if rule.shed_above is not None and gives_w > rule.shed_above:
        sentence = f"{id} never sheds more than {_kw(rule.shed_above)}"
        yield Breach("shed_above", sentence, _kw(gives_w))
    if rule.shed_percent is not None and gives_w * 100 > rule.shed_percent * live.free_w:
        sentence = f"{id} never sheds more than {rule.shed_percent} % of what it draws"
        yield Breach("shed_percent", sentence, f"{_kw(gives_w)} of {_kw(live.free_w)}")


def _gives_w(live: CircuitState) -> int:
    held = live.held_w is not None and live.enabled and live.giving
    return max(0, live.free_w - (live.held_w or 0)) if held else 0


def _always(rule: Always, memory: Memory) -> Iterator[Breach]:
    drawn_w, taken_w = power_w(memory), shed_w(memory)
    if rule.site_below is not None and drawn_w >= rule.site_below:
        yield Breach("site_below", site_below_text(rule.site_below), _kw(drawn_w))
    if rule.shed_below is not None and taken_w >= rule.shed_below:
        sentence = f"the site always sheds less than {_kw(rule.shed_below)}"
        yield Breach("shed_below", sentence, _kw(taken_w))


def site_below_text(watts: int) -> str:
    """The rule `site_below` in words."""
    return f"the site always draws less than {_kw(watts)}"


def _kw(watts: int) -> str:
    return f"{watts / 1000:.2f} kW"
