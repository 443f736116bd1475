"""Does a site hang together? Asked once, when ven.yaml is read, never at the first event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import report
from .actions import ACTIONS
from .charts import Table
from .errors import Fault, meant
from .guards import GUARDS
from .source import Path, Source
from .spec import Spec
from .triggers import EVENT_TRIGGERS, SHADOW_TRIGGERS

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")


def audit(spec: Spec, source: Source) -> list[Fault]:
    """Every fault of a site whose settings are each well formed."""
    found = [*_site(spec, source)]
    for name, known in (("event", EVENT_TRIGGERS), ("shadow", SHADOW_TRIGGERS)):
        table = spec.event if name == "event" else spec.shadow
        if unknown := list(_names(table, name, known, source)):
            found += unknown
        else:
            found += [*_shadowed(table, name, source), *_unreached(table, name, source)]
            found += _endless(table, name, source)
    return found


def _site(spec: Spec, source: Source) -> Iterator[Fault]:
    if not spec.circuits:
        yield Fault(source.mark(("circuits",)), "a site has at least one circuit")
    if spec.site.timezone is not None and not _zone(spec.site.timezone):
        at = source.mark(("site", "timezone"))
        yield Fault(at, f"no time zone is called {spec.site.timezone!r}", "try Europe/Berlin")
    for id, circuit in spec.circuits.items():
        if circuit.control == "relay" and 0 < circuit.shed < 100:
            at = source.mark(("circuits", id, "shed"))
            problem = f"a relay cannot shed {circuit.shed} % of {id}"
            yield Fault(at, problem, "write 100 %, or never")
        if circuit.floor > circuit.rated:
            at = source.mark(("circuits", id, "floor"))
            yield Fault(at, f"the floor of {id} is above its rated power")
    for key, size in report.largest(spec).items():
        if size > report.MOST_BYTES:
            at, what = source.key(("circuits",)), f"the shadow {key or 'of the site'}"
            problem = f"{what} can grow to {size:,} bytes, of {report.MOST_BYTES:,} that are safe"
            yield Fault(at, problem, "give the circuits shorter names")
    yield from _cloud(spec, source)


def _cloud(spec: Spec, source: Source) -> Iterator[Fault]:
    cloud = spec.cloud
    needs = {"aws": ("endpoint", "cert", "key"), "mqtt": ("host",), "local": ()}[cloud.kind]
    takes = {
        "aws": ("endpoint", "cert", "key", "ca", "port"),
        "mqtt": (
            *("host", "port", "cert", "key", "ca", "username", "password", "password_file"),
            "shadow",
        ),
        "local": ("policy", "tls"),
    }[cloud.kind]
    for name in needs:
        if getattr(cloud, name) is None:
            yield Fault(source.mark(("cloud",)), f"kind {cloud.kind} needs `{name}`")
    for name in type(cloud).model_fields:
        if name != "kind" and name not in takes and getattr(cloud, name) is not None:
            yield Fault(source.key(("cloud", name)), f"kind {cloud.kind} takes no `{name}`")
    if cloud.password is not None and cloud.password_file is not None:
        problem, hint = "one password is enough", "keep `password` or `password_file`"
        yield Fault(source.key(("cloud", "password_file")), problem, hint)
    for name in ("endpoint", "host"):
        if (host := getattr(cloud, name)) is not None and not _HOST.fullmatch(host):
            hint = "write the name alone: no https://, no port, no path"
            yield Fault(source.mark(("cloud", name)), f"{host!r} is not a host", hint)


def _zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _names(table: Table, chart: str, known: Iterable[str], source: Source) -> Iterator[Fault]:
    def check(word: str, names: Iterable[str], what: str, path: Path) -> Iterator[Fault]:
        if word not in names:
            yield Fault(source.mark(path), f"no {what} is called {word!r}", meant(word, names))

    yield from check(table.initial, table.states, "state", (chart, "initial"))
    for name, state in table.states.items():
        path: Path = (chart, "states", name)
        for word in state.enter:
            yield from check(word, ACTIONS, "action", (*path, "enter"))
        if state.for_ is not None and state.for_ < 10:
            yield Fault(source.mark((*path, "for")), "a state lasts at least 10 ms")
        if chart == "shadow" and (state.until or state.sheds or state.report):
            yield Fault(source.mark(path), "until, sheds and report belong to states of an event")
    for place, row in enumerate(table.transitions):
        path = (chart, "transitions", place)
        yield from check(row.trigger, known, "trigger", (*path, "trigger"))
        for word in row.from_:
            yield from check(word, (*table.states, "any"), "state", (*path, "from"))
        if row.to is not None:
            yield from check(row.to, (*table.states, "same"), "state", (*path, "to"))
        for word in row.if_:
            yield from check(word, GUARDS, "guard", (*path, "if"))
        for word in row.unless:
            yield from check(word, GUARDS, "guard", (*path, "unless"))
        for word in row.do:
            yield from check(word, ACTIONS, "action", (*path, "do"))


def _shadowed(table: Table, chart: str, source: Source) -> Iterator[Fault]:
    certain: dict[tuple[str, str], int] = {}
    for place, row in enumerate(table.transitions):
        keys = [(row.trigger, state) for state in table.sources(row)]
        path = (chart, "transitions", place)
        if keys and all(key in certain for key in keys):
            first = source.mark((chart, "transitions", certain[keys[0]])).line
            hint = f"the one in line {first} always comes first"
            yield Fault(source.mark(path), "this row can never fire", hint)
        if not row.if_ and not row.unless:
            for key in keys:
                certain.setdefault(key, place)


def _unreached(table: Table, chart: str, source: Source) -> Iterator[Fault]:
    reached: set[str] = set()
    edge = {table.initial}
    while edge:
        reached |= edge
        rows = [row for row in table.transitions if edge & set(table.sources(row))]
        edge = {row.to for row in rows if row.to and row.to != "same"} - reached
    for state in table.states.keys() - reached:
        yield Fault(source.key((chart, "states", state)), f"no row leads to {state!r}")


def _endless(table: Table, chart: str, source: Source) -> Iterator[Fault]:
    for name, state in table.states.items():
        if state.sheds and state.until != "end" and state.for_ is None:
            at = source.key((chart, "states", name))
            problem = f"an event in {name!r} sheds load and nothing ends it"
            yield Fault(at, problem, "give the state `until: end` or `for:`")
