"""What a template says that cannot be, in sentences: each with the place that it is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .coded import NEEDS
from .parts import (
    CURRENT_UNITS,
    ENERGY_UNITS,
    LEASED,
    OF_CIRCUIT,
    ORDERED,
    PLACEHOLDER,
    POWER_UNITS,
    TIME_UNITS,
    Lease,
    Order,
    Value,
    Want,
)
from .ways import order_faults, value_faults

if TYPE_CHECKING:
    from .form import Template

Path: TypeAlias = tuple[str | int, ...]
MOST_LEASE_MS = 3_600_000
MOST_POLL_MS = 600_000
RESERVED = frozenset(("on", "meter", "template"))
UNITS_OF: Mapping[str, Collection[str]] = {
    "power": POWER_UNITS,
    "limit": {**POWER_UNITS, **CURRENT_UNITS},
    "energy": ENERGY_UNITS,
    "uptime": TIME_UNITS,
    "lease_left": TIME_UNITS,
}
WORDS_FOR: Mapping[str, Collection[str]] = {
    "on": ("on", "off"),
    "alive": ("on", "off"),
    "by": ("person", "device", "reboot", "us"),
}


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """A sentence about the value at `path`."""

    path: Path
    sentence: str


class TemplateError(ValueError):
    """A template that cannot be used, with every fault."""

    def __init__(self, found: Sequence[TemplateFault]) -> None:
        super().__init__("; ".join(fault.sentence for fault in found))
        self.faults = tuple(found)


def faults(template: Template) -> Iterator[TemplateFault]:
    """Everything that a template says and that cannot be."""
    yield from _parameters(template)
    for section in ("read", "wants", "identify"):
        for name, value in getattr(template, section).items():
            yield from _asked(template, (section, name), value)
    for name, value in template.read.items():
        yield from _kind_of_read(name, value)
    for name, orders in template.write.items():
        yield from _told(template, name, orders)
    for name, want in template.wants.items():
        yield from _wanted(name, want)
    yield from _control(template)
    yield from _lease(template)
    if not 500 <= template.pace.poll <= MOST_POLL_MS:
        yield TemplateFault(("pace", "poll"), "a device is asked every 0.5 s to 10 min")


def _parameters(template: Template) -> Iterator[TemplateFault]:
    params = template.params
    if template.key not in params and (template.key or template.device != template.speaks):
        yield TemplateFault(
            ("key",), f"no parameter is called {template.key!r}; name one of `params`"
        )
    for name, parameter in params.items():
        at: Path = ("params", name)
        if not re.fullmatch(r"[a-z_]+", name):
            yield TemplateFault(
                at, f"{name!r} is no name of a parameter; write small letters and _"
            )
        if name in ORDERED | OF_CIRCUIT | RESERVED:
            yield TemplateFault(
                at, f"a parameter cannot be called {name!r}; it means something else"
            )
        if parameter.default is not None and (why := parameter.fault(parameter.default)):
            yield TemplateFault(at, f"the default of {name!r} cannot be: {why}")
    if template.auth and not any(parameter.secret for parameter in params.values()):
        yield TemplateFault(("auth",), f"auth: {template.auth} needs a secret parameter")
    if template.speaks == "modbus":
        unit = params.get("unit")
        if unit is None or not unit.whole or unit.least < 1 or unit.most > 255:
            sentence = "a Modbus device needs the whole parameter `unit`, from 1 to 255"
            yield TemplateFault(("params",), sentence)
    for name, whole in NEEDS.get(template.speaks, {}).items():
        if name not in params or (whole and not params[name].whole):
            kind = "whole parameter" if whole else "parameter"
            yield TemplateFault(("params",), f"{template.speaks} needs the {kind} `{name}`")


def _asked(template: Template, path: Path, value: Value) -> Iterator[TemplateFault]:
    for sentence in value_faults(template.speaks, value):
        yield TemplateFault(path, sentence)
    given = value.model_dump(exclude={"one_of", "least", "most", "why", "words", "nothing"})
    yield from _names(template, path, given, frozenset())
    if isinstance(value, Want):
        bounds = [value.one_of, value.least, value.most]
        yield from _names(template, path, bounds, OF_CIRCUIT)


def _kind_of_read(name: str, value: Value) -> Iterator[TemplateFault]:
    at: Path = ("read", name)
    units = UNITS_OF.get(name)
    if units is not None and value.unit not in units:
        yield TemplateFault(
            at, f"{value.unit!r} is no unit of `{name}`; use one of: {', '.join(units)}"
        )
    if units is not None and value.words is not None:
        yield TemplateFault(at, f"`{name}` is a number and has no words")
    meanings = WORDS_FOR.get(name)
    if meanings is None:
        return
    for meaning in sorted({*(value.words or {}).values()} - {*meanings}):
        yield TemplateFault(
            at, f"`{name}` cannot be {meaning!r}; use one of: {', '.join(meanings)}"
        )
    if not value.words and value.table not in ("coil", "discrete"):
        yield TemplateFault(at, f"`{name}` needs words: what the device says, and what it means")
    if name == "on" and value.words and {*value.words.values()} < {"on", "off"}:
        yield TemplateFault(at, "`on` needs a word for on and a word for off")


def _told(template: Template, name: str, orders: tuple[Order, ...]) -> Iterator[TemplateFault]:
    at: Path = ("write", name)
    if not 1 <= len(orders) <= 8:
        yield TemplateFault(at, "a write has 1 to 8 orders")
    for order in orders:
        for sentence in order_faults(template.speaks, order):
            yield TemplateFault(at, sentence)
        yield from _names(template, at, order.model_dump(), ORDERED)
    used = _used([order.model_dump() for order in orders])
    amounts = {"watts", "kw", "amps", "whole_amps", "percent"}
    if name == "limit" and template.speaks != "ocpp" and not used & amounts:
        yield TemplateFault(at, "`limit` sends no amount; use {watts}, {kw}, {amps} or {percent}")
    if name in ("off", "off_for") and used & amounts:
        yield TemplateFault(at, f"`{name}` takes no amount")
    if name not in _leases(template) and (times := sorted(used & LEASED)):
        yield TemplateFault(at, f"`{name}` uses {{{times[0]}}}; name it in `lease: by`")


def _wanted(name: str, want: Want) -> Iterator[TemplateFault]:
    at: Path = ("wants", name)
    if want.one_of is None and want.least is None and want.most is None:
        yield TemplateFault(at, f"`{name}` says nothing that is wanted; add one_of, least or most")
    if not want.why:
        yield TemplateFault(at, f"`{name}` does not say why; add what happens otherwise")


def _control(template: Template) -> Iterator[TemplateFault]:
    read, write = template.read, template.write
    if template.control == "none":
        if write:
            yield TemplateFault(("write",), "a device with `control: none` has no writes")
        if not read:
            yield TemplateFault((), "it reads nothing and writes nothing")
        return
    if not template.switches and not template.limits:
        yield TemplateFault(("write",), "nothing is taken away here; add off, off_for or limit")
    if template.control == "relay" and not template.switches:
        yield TemplateFault(("write",), "a relay needs off, or off_for")
    if template.control in ("modulating", "ev_pilot") and not template.limits:
        yield TemplateFault(("write",), f"`control: {template.control}` needs limit")
    if template.switches and "on" not in write:
        yield TemplateFault(("write",), "what can be switched off needs `on`")
    if template.limits and "free" not in write:
        yield TemplateFault(("write",), "what can be limited needs `free`, which removes the limit")
    if not {"on", "limit", "power"} & {*read}:
        yield TemplateFault(
            ("read",), "a write is done when it is read back; read on, limit or power"
        )


def _leases(template: Template) -> tuple[str, ...]:
    return () if template.lease is None else template.lease.by


def _lease(template: Template) -> Iterator[TemplateFault]:
    lease = template.lease
    if lease is None:
        if "off_for" in template.write:
            yield TemplateFault(("write", "off_for"), "`off_for` carries a lease; add `lease`")
        return
    for name in lease.by:
        if name not in template.write:
            yield TemplateFault(("lease", "by"), f"no write is called {name!r}")
        elif template.speaks != "ocpp" and lease.longest is None:
            yield from _carried(template, name)
    if "off_for" in template.write and "off_for" not in lease.by:
        yield TemplateFault(("lease", "by"), "`off_for` carries the lease; name it here")
    yield from _length(lease)


def _carried(template: Template, name: Any) -> Iterator[TemplateFault]:
    if not _used([order.model_dump() for order in template.write[name]]) & LEASED:
        sentence = f"`{name}` carries no end; use {{lease_s}}, or say the `longest` of its watchdog"
        yield TemplateFault(("lease", "by"), sentence)


def _length(lease: Lease) -> Iterator[TemplateFault]:
    if not lease.by:
        yield TemplateFault(("lease", "by"), "a lease needs the writes that carry it")
    if lease.longest is not None and not 1_000 <= lease.longest <= MOST_LEASE_MS:
        yield TemplateFault(("lease", "longest"), "a lease lasts 1 s to 1 h; is the unit right?")


def _names(
    template: Template, path: Path, given: Any, more: frozenset[str]
) -> Iterator[TemplateFault]:
    known = {*template.params, *more}
    for name in sorted(_used(given)):
        if name not in known:
            sentence = f"no parameter is called {name!r}; there are: {', '.join(sorted(known))}"
            yield TemplateFault(path, sentence)
        elif name in template.params and template.params[name].secret:
            yield TemplateFault(path, f"{name!r} is a secret; `auth` alone uses it")


def _used(given: Any) -> set[str]:
    return {name for text in texts(given) for name in PLACEHOLDER.findall(text)}


def texts(value: Any) -> Iterator[str]:
    """Every text in nested lists, tuples and dicts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from texts(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from texts(entry)
