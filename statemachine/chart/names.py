"""Every name that a chart in ven.yaml can use: triggers, guards and actions, with meanings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import getdoc

from .registry import ACTIONS, GUARDS, SCOPES
from .trigger_words import EVENT_TRIGGERS, SHADOW_TRIGGERS

CHARTS = {"event": EVENT_TRIGGERS, "shadow": SHADOW_TRIGGERS}


@dataclass(frozen=True, slots=True)
class ChartName:
    """A name: its chart, its kind (`what`), the triggers it works on (none: all), its meaning."""

    chart: str
    what: str
    name: str
    triggers: tuple[str, ...]
    meaning: str


def all_names() -> list[ChartName]:
    """All names, chart by chart."""
    return [
        named
        for chart, triggers in CHARTS.items()
        for named in (
            *(ChartName(chart, "trigger", name, (), text) for name, text in triggers.items()),
            *_declared(chart, "guard", GUARDS),
            *_declared(chart, "action", ACTIONS),
        )
    ]


def names_of(chart: str, what: str) -> list[str]:
    """The names of one kind that a chart can use."""
    return [named.name for named in all_names() if (named.chart, named.what) == (chart, what)]


def _declared(
    chart: str, what: str, functions: Mapping[str, Callable[..., object]]
) -> Iterator[ChartName]:
    for name, function in functions.items():
        scope = SCOPES[name]
        if scope.chart == chart:
            first = (getdoc(function) or "").partition("\n\n")[0]
            yield ChartName(chart, what, name, scope.triggers, " ".join(first.split()))
