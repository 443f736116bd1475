"""Checks the settings of the whole site: cloud, topics, limits and its own rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ..kit.errors import Finding, closest, suggestion
from ..kit.quantity import millis_text, percent_text, watts_text
from ..site.cloud import Cloud
from ..site.panel import Circuit
from ..site.spec import Never
from .draft import Draft

DAY_MIN, DAY_MS = 24 * 60, 86_400_000
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_LISTEN = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+|\*?):(\d{1,5})")

# section, setting: the lowest and the highest value that work, and how to write them.
RANGES: dict[tuple[str, str], tuple[int, int, Callable[[int], str]]] = {
    ("site", "service"): (1, 10**9, watts_text),
    ("cloud", "port"): (1, 65_535, str),
    ("limits", "longest_event"): (1_000, 31 * DAY_MS, millis_text),
    ("telemetry", "every"): (1_000, 900_000, millis_text),
    ("telemetry", "shadow_every"): (1_000, DAY_MS, millis_text),
    ("commands", "max_age"): (1_000, DAY_MS, millis_text),
    ("restore", "ramp"): (1, 10**9, watts_text),
}
CLOUD = {  # kind: required settings, optional settings
    "local": ((), ("policy", "tls")),
    "aws": (("endpoint", "cert", "key"), ("ca", "port")),
    "mqtt": (
        ("host",),
        ("port", "cert", "key", "ca", "username", "password", "password_file", "shadow"),
    ),
}
AWS_LEVELS, TOPIC_BYTES = 8, 256


def site_findings(draft: Draft) -> Iterator[Finding]:
    """Every finding about settings other than circuits and charts."""
    for section, check in (
        ("site", _site),
        ("cloud", _cloud),
        ("web", _listen),
        ("topics", _topics),
        ("limits", _limits),
        ("restore", _surge),
    ):
        if draft.sound(section):
            yield from check(draft)
    yield from _ranges(draft)
    yield from _rules(draft)


def _site(draft: Draft) -> Iterator[Finding]:
    site = draft.spec.site
    if site.unmetered >= site.service > 0:
        problem = "site.unmetered is as much as the main breaker carries, or more"
        hint = f"site.service is {watts_text(site.service)}; correct one of them"
        yield draft.at(("site", "unmetered"), "small-service", problem, hint)
    name = site.timezone
    if name is not None and not _known(name):
        problem = f"no time zone is called {name!r}"
        near = closest(name, available_timezones()) or "Europe/Berlin"
        yield draft.at(("site", "timezone"), "unknown-zone", problem, f"try {near}")


def _known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _ranges(draft: Draft) -> Iterator[Finding]:
    for (section, name), (least, most, text) in RANGES.items():
        value = getattr(getattr(draft.spec, section), name)
        if draft.sound(section) and value is not None and not least <= value <= most:
            problem = f"{section}.{name} is {text(value)}, which is out of range"
            hint = f"write {text(least)} to {text(most)}"
            yield draft.at((section, name), "out-of-range", problem, hint)


def _cloud(draft: Draft) -> Iterator[Finding]:
    cloud = draft.spec.cloud
    needs, takes = CLOUD[cloud.kind]
    for name in needs:
        if getattr(cloud, name) is None:
            yield draft.at(
                ("cloud",), "wrong-cloud", f"cloud of kind {cloud.kind} needs `{name}`", _what(name)
            )
    for name in type(cloud).model_fields:
        if name not in ("kind", *needs, *takes) and getattr(cloud, name) is not None:
            problem = f"cloud of kind {cloud.kind} has no setting `{name}`"
            yield draft.of(("cloud", name), "wrong-cloud", problem, "remove it")
    if cloud.password is not None and cloud.password_file is not None:
        problem, hint = "there are two passwords", "keep `password` or `password_file`"
        yield draft.of(("cloud", "password_file"), "wrong-cloud", problem, hint)
    for name in ("endpoint", "host"):
        if (host := getattr(cloud, name)) is not None and not _HOST.fullmatch(host):
            hint = "write the host alone, without https://, port or path"
            problem = f"{host!r} is not a host name or an address"
            yield draft.at(("cloud", name), "bad-value", problem, hint)


def _what(name: str) -> str:
    """What a cloud setting means, in words."""
    return f"add it: {Cloud.model_fields[name].description}"


def _listen(draft: Draft) -> Iterator[Finding]:
    address = draft.spec.web.listen
    match = _LISTEN.fullmatch(address)
    if match is None or int(match[2]) > 65_535:
        hint = "write it like 127.0.0.1:8080"
        yield draft.at(
            ("web", "listen"), "bad-value", f"{address!r} is not an address with a port", hint
        )


def _topics(draft: Draft) -> Iterator[Finding]:
    spec, seen = draft.spec, dict[str, str]()
    named = spec.topics.named(spec.site.id)
    for name in type(spec.topics).model_fields:
        topic = getattr(named, name)
        if topic is None:
            continue
        if wrong := _unfit(topic, spec.cloud.kind):
            yield draft.at(("topics", name), "bad-topic", *wrong)
        elif topic in seen:
            setting = name if draft.source.has(("topics", name)) else seen[topic]
            problem = f"{name} and {seen[topic]} have the same topic, {topic}"
            yield draft.at(
                ("topics", setting), "topic-clash", problem, "write a topic of its own for each"
            )
        elif name in ("command", "ack") and spec.site.id not in topic:
            problem = f"the topic {topic} is the same for every VEN of the broker"
            hint = f"write {{venId}} in it, like {type(spec.topics).model_fields[name].default}"
            yield draft.at(("topics", name), "shared-topic", problem, hint)
        seen.setdefault(topic, name)


def _unfit(topic: str, kind: str) -> tuple[str, str] | None:
    if placeholder := re.search(r"\{[^}]*\}?", topic):
        return f"unknown placeholder {placeholder[0]} in {topic}", "only {venId} is known"
    if topic.startswith("$"):
        return f"{topic} is reserved for the broker", "write a topic that does not start with $"
    if kind == "aws" and topic.count("/") >= AWS_LEVELS:
        return (
            f"{topic} has more than {AWS_LEVELS} levels",
            f"AWS IoT allows {AWS_LEVELS}; shorten it",
        )
    if len(topic.encode()) > TOPIC_BYTES:
        return f"{topic[:40]}... is longer than {TOPIC_BYTES} bytes", "shorten it"
    return None


def _limits(draft: Draft) -> Iterator[Finding]:
    limits = draft.spec.limits
    dark = {minute % DAY_MIN for hours in limits.blackout for minute in _minutes(*hours)}
    if len(dark) == DAY_MIN:
        problem = "the blackout covers the whole day, so no event can ever run"
        yield draft.of(("limits", "blackout"), "always-blackout", problem, "leave some hours free")
    for name in ("events_per_day", "hours_per_month"):
        if getattr(limits, name) == 0:
            problem = f"with {name}: 0 every event of the grid operator is refused"
            hint = "write a higher number; without the setting there is no limit"
            yield draft.at(("limits", name), "never-asked", problem, hint)


def _minutes(start: int, end: int) -> range:
    return range(start, start + ((end - start) % DAY_MIN or DAY_MIN))


def _surge(draft: Draft) -> Iterator[Finding]:
    shed = sum(circuit.shed_percent > 0 for circuit in draft.spec.circuits.values())
    if draft.spec.restore.every == 0 and shed > 1:
        problem = f"with restore.every: 0 s all {shed} circuits come back at the same moment"
        yield draft.at(
            ("restore", "every"), "surge", problem, "write a longer time; the default is 10 s"
        )


def _rules(draft: Draft) -> Iterator[Finding]:
    spec = draft.spec
    for index, rule in enumerate(spec.never if draft.sound("never") else []):
        circuit = spec.circuits.get(rule.circuit)
        if circuit is not None:
            yield from _never(draft, index, rule, circuit)
        elif not draft.source.has(("circuits", rule.circuit)):
            problem = f"no circuit is called {rule.circuit!r}"
            hint = suggestion(rule.circuit, spec.circuits)
            yield draft.at(("never", index, "circuit"), "unknown-circuit", problem, hint)
    for index, always in enumerate(spec.always if draft.sound("always") else []):
        if always.site_below is None and always.shed_below is None:
            hint = "write site_below or shed_below"
            yield draft.at(("always", index), "empty-rule", "this rule has no limit", hint)
        if always.site_below is not None and always.site_below <= spec.site.unmetered:
            unmetered = watts_text(spec.site.unmetered)
            problem = f"site.unmetered is {unmetered}, so this rule can never be kept"
            hint = f"write more than {unmetered}"
            yield draft.at(("always", index, "site_below"), "impossible-rule", problem, hint)


def _never(draft: Draft, index: int, rule: Never, circuit: Circuit) -> Iterator[Finding]:
    bounds = {name: getattr(rule, name) for name in type(rule).model_fields if name != "circuit"}
    if all(bound is None for bound in bounds.values()):
        hint = f"write one of {', '.join(bounds)}"
        yield draft.at(("never", index), "empty-rule", "this rule has no limit", hint)
    elif not circuit.shed_percent:
        problem = f"{rule.circuit} is never shed, so this rule can never be broken"
        yield draft.at(("never", index), "idle-rule", problem, "remove the rule")
    else:
        for name, problem, hint in _unkept(rule, circuit):
            yield draft.at(("never", index, name), "unkept-rule", problem, hint)


def _unkept(rule: Never, circuit: Circuit) -> Iterator[tuple[str, str, str]]:
    """What the circuit's settings allow that the rule forbids, and what to write instead."""
    id, off_ms = rule.circuit, circuit.max_off_ms
    if rule.off_for is not None and circuit.goes_off and (off_ms is None or off_ms > rule.off_for):
        allowed = "for its whole length" if off_ms is None else f"for {millis_text(off_ms)}"
        hint = f"write max_off: {millis_text(rule.off_for)} for {id}"
        yield "off_for", f"an event may keep {id} off {allowed}", hint
    if rule.shed_percent is not None and circuit.shed_percent > rule.shed_percent:
        hint = f"write shed: {percent_text(rule.shed_percent)} for {id}"
        yield (
            "shed_percent",
            f"an event may shed {percent_text(circuit.shed_percent)} of {id}",
            hint,
        )
    if rule.shed_above is not None and circuit.most_w > rule.shed_above:
        hint = f"write a lower `shed` or a higher `floor` for {id}"
        yield "shed_above", f"an event may shed {watts_text(circuit.most_w)} of {id}", hint
